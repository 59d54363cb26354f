"""The cache of facts: private, capped, never trusting what is damaged or could be another's."""

import os
import time
from pathlib import Path

import pytest

from hpcrun.store import facts_cache
from hpcrun.store.facts_cache import FactsCache, cache_folder


@pytest.fixture
def cache(tmp_path: Path) -> FactsCache:
    return FactsCache(tmp_path / "a" / "passports")


def test_what_is_kept_is_recalled_and_nothing_else(cache: FactsCache) -> None:
    cache.keep("k1", b"one\nline")
    cache.keep("k1", b"two")
    assert (cache.recall("k1"), cache.recall("k2")) == (b"two", None)


def test_folder_and_entries_are_the_users_alone(cache: FactsCache, tmp_path: Path) -> None:
    cache.keep("k", b"x")
    folder = tmp_path / "a" / "passports"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert oct((folder / "k").stat().st_mode & 0o777) == "0o600"
    assert [path.name for path in folder.iterdir()] == ["k"]


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o750])
def test_folder_that_others_reach_is_neither_read_nor_written(
    cache: FactsCache, tmp_path: Path, mode: int
) -> None:
    cache.keep("k", b"x")
    (tmp_path / "a" / "passports").chmod(mode)
    cache.keep("other", b"x")
    assert (cache.recall("k"), cache.recall("other")) == (None, None)
    (tmp_path / "a" / "passports").chmod(0o700)
    assert (cache.recall("k"), cache.recall("other")) == (b"x", None)


def test_folder_of_another_user_is_not_trusted(
    cache: FactsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep("k", b"x")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert cache.recall("k") is None


def test_folder_that_is_a_link_is_not_followed(cache: FactsCache, tmp_path: Path) -> None:
    cache.keep("k", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "passports")
    assert FactsCache(tmp_path / "link").recall("k") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry[:-1],
        lambda entry: entry + b"x",
        lambda entry: entry.replace(b"content", b"contend"),
        lambda entry: b"",
        lambda entry: b"hpcrun facts 2 " + entry[15:],
        lambda entry: bytes(5 << 20),
    ],
    ids=["cut", "longer", "changed", "empty", "other-form", "huge"],
)
def test_damaged_entry_is_passed_over(cache: FactsCache, tmp_path: Path, damage: object) -> None:
    cache.keep("k", b"content")
    path = tmp_path / "a" / "passports" / "k"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.recall("k") is None


def test_entry_that_is_a_link_or_a_pipe_is_passed_over(cache: FactsCache, tmp_path: Path) -> None:
    cache.keep("k", b"content")
    folder = tmp_path / "a" / "passports"
    (folder / "link").symlink_to(folder / "k")
    os.mkfifo(folder / "pipe")
    assert (cache.recall("link"), cache.recall("pipe")) == (None, None)


def test_oldest_entries_go_when_there_are_too_many(
    cache: FactsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_cache, "ENTRIES_MAX", 4)
    for number in range(4):
        cache.keep(f"k{number}", b"x")
        os.utime(tmp_path / "a" / "passports" / f"k{number}", (number, number))
    cache.recall("k0")  # Used again just now.
    cache.keep("new", b"x")
    left = [key for key in ("k0", "k1", "k2", "k3", "new") if cache.recall(key)]
    assert left == ["k0", "k3", "new"]


def test_oldest_entries_go_when_they_are_too_large(
    cache: FactsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_cache, "TOTAL_MAX", 1000)
    cache.keep("old", b"x" * 600)
    os.utime(tmp_path / "a" / "passports" / "old", (1, 1))
    cache.keep("new", b"x" * 600)
    assert (cache.recall("old"), cache.recall("new") is None) == (None, False)


def test_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = FactsCache(tmp_path / "file" / "passports")
    cache.keep("k", b"x")
    assert cache.recall("k") is None


def test_file_is_settled_once_its_dates_have_moved_on(cache: FactsCache) -> None:
    now = time.time_ns()
    assert cache.is_settled(now - 60_000_000_000)
    assert not cache.is_settled(now)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, Path("/c/hpcrun/passports")),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, Path("/h/.cache/hpcrun/passports")),
        ({"HOME": "/h"}, Path("/h/.cache/hpcrun/passports")),
        ({}, None),
    ],
)
def test_folder_follows_the_xdg_rules(environment: dict[str, str], folder: Path | None) -> None:
    assert cache_folder(environment) == folder
