"""A profile that was loaded before comes back the same, and only while nothing has changed."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from hpcrun import resources
from hpcrun.errors import InputError
from hpcrun.loading import Positions, load_site, load_site_with_positions
from hpcrun.model.site import Site
from hpcrun.site import recall
from hpcrun.site.recall import recall_site
from hpcrun.store.facts_cache import FactsCache

PARENT = "version: 1\nname: base\nscheduler: {version: '24.11'}\n"
CHILD = "version: 1\nname: fjord\nextends: base\nwhich: {cluster_name: fjord}\n"


@pytest.fixture
def memory(tmp_path: Path) -> FactsCache:
    """Return an empty cache."""
    return FactsCache(tmp_path / "cache" / "facts")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Return a profile that extends another one."""
    (tmp_path / "base.yaml").write_text(PARENT, encoding="utf-8")
    (tmp_path / "fjord.yaml").write_text(CHILD, encoding="utf-8")
    for name in ("base.yaml", "fjord.yaml"):
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
    return tmp_path / "fjord.yaml"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the profiles whose YAML is read."""
    read: list[Path] = []

    def counted(path: Path, *, search: Sequence[Path]) -> tuple[Site, Positions]:
        read.append(path)
        return load_site_with_positions(path, search=search)

    monkeypatch.setattr(recall, "load_site_with_positions", counted)
    return read


@pytest.mark.parametrize("path", sorted(resources.site_profiles_folder().glob("*.yaml")))
def test_shipped_profile_comes_back_the_same(path: Path, memory: FactsCache) -> None:
    first = recall_site(path, (), memory)
    assert recall_site(path, (), memory) == first
    assert first[0] == load_site(path)


def test_yaml_is_read_once(profile: Path, memory: FactsCache, loads: list[Path]) -> None:
    found = [recall_site(profile, (), memory) for _ in range(3)]
    assert loads == [profile]
    assert found[2][1] == (profile, profile.with_name("base.yaml"))


@pytest.mark.parametrize("name", ["fjord.yaml", "base.yaml"])
def test_changed_file_is_read_again(
    profile: Path, memory: FactsCache, loads: list[Path], name: str
) -> None:
    recall_site(profile, (), memory)
    file = profile.with_name(name)
    file.write_text(file.read_text() + "description: new\n", encoding="utf-8")
    recall_site(profile, (), memory)
    assert len(loads) == 2


def test_profile_that_was_just_changed_is_not_kept(
    profile: Path, memory: FactsCache, loads: list[Path]
) -> None:
    # It may have been changed between the reading of its YAML and of what it is known by.
    os.utime(profile)
    for _ in range(2):
        recall_site(profile, (), memory)
    assert len(loads) == 2


def test_parent_that_is_another_one_now_is_read(
    profile: Path, memory: FactsCache, tmp_path: Path
) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (far / "base.yaml").write_text(PARENT.replace("24.11", "26.05"), encoding="utf-8")
    near = profile.with_name("base.yaml")
    text = near.read_text()
    near.unlink()
    assert recall_site(profile, (far,), memory)[0].scheduler.version == "26.05"
    near.write_text(text, encoding="utf-8")
    assert recall_site(profile, (far,), memory)[0].scheduler.version == "24.11"


def test_broken_profile_is_never_remembered(profile: Path, memory: FactsCache) -> None:
    profile.write_text("version: 2\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(InputError):
            recall_site(profile, (), memory)


def test_damaged_memory_is_passed_over(profile: Path, memory: FactsCache, tmp_path: Path) -> None:
    recall_site(profile, (), memory)
    for entry in (tmp_path / "cache" / "facts").iterdir():
        entry.write_bytes(b"{}")
    assert recall_site(profile, (), memory)[0].name == "fjord"
