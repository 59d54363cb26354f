"""Mutations of sound images: bytes, numbers, pieces; the same ones for the same seed of chance."""

import random
from collections.abc import Callable, Sequence

HEAD = 160
"""Headers lie at the start of most formats: mutations there decide more."""
_TELLING = (0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x30, 0x2F)
_NUMBERS = (0, 1, -1, 0x7FFF, 0xFFFF, 1 << 31, 0x7FFFFFFF, (1 << 63) - 1, 1 << 20, 8192)
_TOKENS = (b"[", b'"', b"{", b"\\ud800", b"9" * 40, b"/../", b".wh.", b"1e999", b"\0" * 512)


def mutate(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a content with a few changes."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        chance.choice(_CHANGES)(data, others, chance)
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """Choose where to change something; seldom amid the zeros that pad tables."""
    end = min(len(data), HEAD) if chance.random() < 0.3 else len(data)
    at = 0
    for _ in range(5):
        at = chance.randrange(end) if end else 0
        if any(data[at : at + 16]):
            break
    return at


def _set_byte(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    if data:
        at = _place(data, chance)
        data[at] = chance.choice(_TELLING) if chance.random() < 0.6 else chance.randrange(256)


def _set_number(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at, width = _place(data, chance), chance.choice((2, 4, 8))
    number = chance.choice(_NUMBERS) & ((1 << 8 * width) - 1)
    data[at : at + width] = number.to_bytes(width, "little")


def _cut(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 4, 512, len(data)))]


def _repeat(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at, length = _place(data, chance), chance.choice((1, 8, 64, 512, 1536))
    data[at:at] = data[at : at + length] * chance.choice((1, 2, 20))


def _insert(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = chance.choice(_TOKENS)


def _splice(data: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(others)
    at, length = _place(data, chance), chance.choice((16, 512, 4096))
    start = chance.randrange(max(1, len(other)))
    data[at : at + length] = other[start : start + length]


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _set_byte, _set_byte, _set_byte, _set_number, _cut, _repeat, _insert, _splice,
)  # fmt: skip
