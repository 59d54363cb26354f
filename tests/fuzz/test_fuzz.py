"""Thousands of mutated images per reader in seconds, and that each fuzzer finds a planted bug."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from hpcrun.image import container, elf_frame, oci, squashfs_layout, tar
from hpcrun.sbatch import write
from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, try_target

RUNS = {
    "sif": 2000,
    "squashfs": 400,
    "layers": 1500,
    "archive": 400,
    "json": 3000,
    "elf": 3000,
    "sbatch": 300,
}
PLANTED_RUNS_MAX = 20_000


def fuzz(name: str, *, runs: int, seed: int) -> None:
    """Try mutations of a target's seeds; raise at the first bug, with the bytes that show it."""
    target, chance = TARGETS[name], random.Random(seed)
    for number in range(runs):
        data = mutate(chance.choice(target.seeds), target.seeds, chance)
        try:
            try_target(target, data)
        except BaseException as exc:
            exc.add_note(f"run {number} of seed {seed}: {data[:4000].hex()}")
            raise


@pytest.mark.parametrize("name", TARGETS)
def test_sound_seeds_are_read(name: str) -> None:
    for seed in TARGETS[name].seeds:
        try_target(TARGETS[name], seed)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_images_raise_image_errors_only_and_end(name: str) -> None:
    fuzz(name, runs=RUNS[name], seed=20)


class _Anything:
    """Equal to whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__


class _NoBound:
    """A table of block sizes that takes each for good."""

    def get(self, _size: int) -> _Anything:
        return _Anything()


def _unchecked_json(content: bytes, _what: str) -> Any:
    import json

    return json.loads(content)


PLANTED: dict[str, tuple[object, str, object]] = {
    "sif": (container, "_YEARS_MAX_S", 1 << 64),
    "squashfs": (squashfs_layout, "_BLOCK_SIZES", _NoBound()),
    "layers": (tar, "_decimal", lambda text, _bound: int(text)),
    "archive": (oci, "parse_object", _unchecked_json),
    "json": (oci, "parse_json", _unchecked_json),
    "sbatch": (write, "_escaped", str),
    "elf": (elf_frame.ElfFrame, "exactly", lambda elf, at, size, _: elf.file.read_at(at, size)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_fuzzer_finds_the_bug_that_a_missing_bound_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, bound, without = PLANTED[name]
    monkeypatch.setattr(module, bound, without)
    with pytest.raises(Exception) as found:  # noqa: PT011  any is a bug; ImageError is caught
        fuzz(name, runs=PLANTED_RUNS_MAX, seed=20)
    assert "run " in found.value.__notes__[0]


def test_planted_bugs_cover_every_fuzzer() -> None:
    assert set(PLANTED) == set(TARGETS) == set(RUNS)


def _never() -> Callable[[bytes], None]:
    def run(_data: bytes) -> None:
        while True:
            pass

    return run


def test_run_that_does_not_end_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fuzz import targets

    monkeypatch.setattr(targets, "RUN_MAX_S", 0.2)
    with pytest.raises(targets.HangError):
        try_target(targets.Target(_never(), ()), b"")


def test_heap_that_grows_beyond_the_bound_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fuzz import targets

    monkeypatch.setattr(targets, "HEAP_MAX", -1 << 10)
    with pytest.raises(targets.HeapError):
        try_target(targets.Target(lambda _data: None, ()), b"")
