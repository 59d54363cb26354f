"""Reads a tar archive from front to back, one member at a time; unpacks nothing.

Python's own `tarfile` is not safe enough on a stranger's bytes (3.11, Lib/tarfile.py): it reads
headers of long names and PAX records of whatever size they claim into memory, calls itself for each
header in a chain of them, and keeps every member. Here each of these has a bound.
"""

import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from hpcrun.image.errors import ImageError

BLOCK = 512
HEADER_MAX = 1 << 20
"""Bytes of one member's PAX records or long name; Go's archive/tar has the same bound."""
CHAIN_MAX = 8
"""Headers that may stand before one member."""
NAME_MAX = 8 << 10
SPARSE_BLOCKS_MAX = 4096
SIZE_MAX = 1 << 50

_ADLER = 65521
_ZEROS = bytes(BLOCK)


class Stream(Protocol):
    """Bytes that come one after the other."""

    position: int
    """How many came so far."""

    def read(self, length: int) -> bytes:
        """Return the next bytes; fewer than asked for only at the end."""

    def skip(self, length: int) -> None:
        """Pass over bytes; beyond the end there are none."""


class Type(StrEnum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    HARD_LINK = "hard link"
    OTHER = "other"


class Member(NamedTuple):
    """One member; its content, if it has any, is what the stream gives next."""

    name: bytes
    type: Type
    size: int
    mode: int
    target: bytes
    is_sparse: bool
    """Whether the content stored is not the file's content."""


_TYPES = {
    b"0": Type.FILE, b"\0": Type.FILE, b"7": Type.FILE, b"S": Type.FILE,
    b"1": Type.HARD_LINK, b"2": Type.LINK, b"5": Type.FOLDER,
}  # fmt: skip
_LONG_NAME, _LONG_TARGET, _RECORDS, _GLOBAL, _SPARSE = b"L", b"K", b"x", b"g", b"S"


class _Extra(NamedTuple):
    """What headers before a member say of it."""

    name: bytes | None = None
    target: bytes | None = None
    size: int | None = None
    is_sparse: bool = False


def read_members(stream: Stream) -> Iterator[Member]:
    """Yield the members; the caller may read the content of each before it takes the next."""
    extra, n_headers = _Extra(), 0
    while True:
        header = stream.read(BLOCK)
        if _is_end(header, stream):
            return
        type_ = header[156:157]
        size = _checked_size(header)
        n_headers += 1
        if n_headers > CHAIN_MAX:
            raise ImageError(f"tar holds more than {CHAIN_MAX} headers for one member")
        if type_ in (_LONG_NAME, _LONG_TARGET, _RECORDS, _GLOBAL):
            extra = _extended(extra, type_, _content(stream, size))
            continue
        if type_ == _SPARSE:
            _skip_sparse_map(header, stream)
        member = _member(header, extra, size)
        end = stream.position + _padded(_stored(member, header, extra, size))
        yield member
        stream.skip(end - stream.position)
        extra, n_headers = _Extra(), 0


def _is_end(header: bytes, stream: Stream) -> bool:
    """Whether the archive ends: by two blocks of zeros, or with its bytes."""
    if not header:
        return True
    if len(header) < BLOCK:
        raise ImageError("tar is cut off in a header")
    if header != _ZEROS:
        return False
    if stream.read(BLOCK) not in (b"", _ZEROS):
        raise ImageError("tar holds a single block of zeros between members")
    return True


def _checked_size(header: bytes) -> int:
    """Check a header's sum and return the size in it."""
    # Adler's low half is the plain sum of bytes (modulo a prime), at the speed of C.
    summed = zlib.adler32(header[:148] + b"        " + header[156:], 0) & 0xFFFF
    if summed != _number(header[148:156]) % _ADLER:
        raise ImageError("tar header has a wrong checksum")
    return _number(header[124:136])


def _number(field: bytes) -> int:
    if field[:1] in (b"\x80", b"\xff"):
        number = int.from_bytes(field, "big", signed=True) & ((1 << (8 * len(field) - 1)) - 1)
        if field[:1] == b"\xff" or number > SIZE_MAX:
            raise ImageError("tar header claims a number out of range")
        return number
    digits = field.split(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise ImageError("tar header holds a number that is not octal")
    return int(digits, 8) if digits else 0


def _content(stream: Stream, size: int) -> bytes:
    if size > HEADER_MAX:
        raise ImageError(f"tar header claims {size} bytes of records")
    content = stream.read(_padded(size))
    if len(content) < size:
        raise ImageError("tar is cut off in a header")
    return content[:size]


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _extended(extra: _Extra, type_: bytes, content: bytes) -> _Extra:
    if type_ == _LONG_NAME:
        return extra._replace(name=_cut(content))
    if type_ == _LONG_TARGET:
        return extra._replace(target=_cut(content))
    if type_ == _GLOBAL:
        return extra
    for key, value in _records(content):
        extra = _with_record(extra, key, value)
    return extra


def _with_record(extra: _Extra, key: bytes, value: bytes) -> _Extra:
    if key.startswith(b"GNU.sparse."):
        extra = extra._replace(is_sparse=True)
    if key in (b"path", b"GNU.sparse.name"):
        return extra._replace(name=_cut(value))
    if key == b"linkpath":
        return extra._replace(target=_cut(value))
    if key == b"size":
        return extra._replace(size=_decimal(value, SIZE_MAX))
    return extra


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Split PAX records, each `length key=value newline`."""
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 10)
        if space < 0:
            raise ImageError("tar holds a PAX record without a length")
        end = position + _decimal(content[position:space], HEADER_MAX)
        key, equals, value = content[space + 1 : end].partition(b"=")
        if end <= space + 1 or end > len(content) or not equals or not value.endswith(b"\n"):
            raise ImageError("tar holds a damaged PAX record")
        yield key, value[:-1]
        position = end


def _decimal(text: bytes, number_max: int) -> int:
    if not text.isdigit() or len(text) > 20:  # noqa: PLR2004
        raise ImageError("tar holds a PAX record with a wrong number")
    number = int(text)
    if number > number_max:
        raise ImageError("tar holds a PAX record with a number out of range")
    return number


def _cut(name: bytes) -> bytes:
    name = name.split(b"\0")[0]
    if len(name) > NAME_MAX:
        raise ImageError(f"tar holds a name of {len(name)} bytes")
    return name


def _skip_sparse_map(header: bytes, stream: Stream) -> None:
    is_extended = header[482]
    for _ in range(SPARSE_BLOCKS_MAX):
        if not is_extended:
            return
        block = stream.read(BLOCK)
        is_extended = len(block) == BLOCK and block[504]
    raise ImageError("tar holds a sparse file with too many pieces")


def _member(header: bytes, extra: _Extra, size: int) -> Member:
    name = header[:100].split(b"\0")[0]
    if header[257:263] == b"ustar\0" and (prefix := header[345:500].split(b"\0")[0]):
        name = prefix + b"/" + name
    name = extra.name if extra.name is not None else name
    type_ = _TYPES.get(header[156:157], Type.OTHER)
    if type_ is Type.FILE and name.endswith(b"/"):
        type_ = Type.FOLDER
    target = extra.target if extra.target is not None else header[157:257].split(b"\0")[0]
    is_sparse = extra.is_sparse or header[156:157] == _SPARSE
    size = extra.size if extra.size is not None else size
    size = size if type_ is Type.FILE else 0
    return Member(name, type_, size, _number(header[100:108]), target, is_sparse)


def _stored(member: Member, header: bytes, extra: _Extra, size: int) -> int:
    """Return how many bytes of content follow; links and folders have none, whatever they claim."""
    if header[156:157] in b"123456" and header[156:157]:
        return 0
    return extra.size if extra.size is not None else size
