"""Recorded passports of real MPI builds still load and say what their names promise."""

from pathlib import Path

import pytest

from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from tests.debian_tree import ROWS

FOLDER = Path(__file__).resolve().parents[2] / "corpora" / "images"
IMAGES = sorted(FOLDER.glob("*.facts.json"))
STACKS = sorted(FOLDER.glob("*.stack.json"))
PMIX_BY_VERSION = {
    "4.1.0": "4.0.0rc3",
    "4.1.4": "4.2.2rc2",
    "4.1.8": "3.2.5a1",
    "5.0.7": "5.0.7a1",
    "5.0.11": "5.0.11rc1",
    "6.0.0rc2": "7.0.0rc1",
}


def promised(file: Path) -> tuple[str, str, str]:
    """Return family, version and architecture out of a file's name."""
    family, version, arch = file.name.rsplit(".", 2)[0].split("-")
    return family, version, arch


def named(libraries: tuple[MpiLibrary, ...], family: str) -> MpiLibrary:
    """Return the only library of a family."""
    (library,) = (library for library in libraries if library.family == family)
    return library


def check(library: MpiLibrary, file: Path) -> None:
    """Compare a library with its file's name and with what is known of its wire-up."""
    family, version, arch = promised(file)
    assert (library.version, library.arch) == (version, arch)
    assert library.pmi != UNKNOWN
    kinds = {ability.kind: ability.version for ability in library.pmi}
    if family == "openmpi":
        assert kinds == {"pmix": PMIX_BY_VERSION[version]}
    else:
        assert "pmi1" in kinds
        assert "pmix" not in kinds


@pytest.mark.parametrize("file", IMAGES, ids=lambda file: file.name)
def test_recorded_image_says_what_its_name_promises(file: Path) -> None:
    facts = ImageFacts.model_validate_json(file.read_bytes())
    assert facts.is_complete
    assert set(facts.program_archs) == {promised(file)[2]}
    assert facts.libc.kind == "glibc"
    check(named(facts.mpi, promised(file)[0]), file)


@pytest.mark.parametrize("file", IMAGES, ids=lambda file: file.name)
def test_recorded_image_tells_all_that_readers_of_today_tell(file: Path) -> None:
    facts = ImageFacts.model_validate_json(file.read_bytes())
    library = named(facts.mpi, promised(file)[0])
    implementations = {"openmpi": "open-mpi", "mpich": "mpich"}
    assert library.implementation == implementations[promised(file)[0]]
    assert library.has_large_count != UNKNOWN
    assert library.fabrics or library.device == "ch3:nemesis"
    assert {companion.language for companion in library.companions} >= {"fortran"}
    assert facts.starters
    assert facts.system.os is not None
    assert facts.system.os.id == "debian"
    assert facts.system.libstdcxx is not None
    assert facts.system.user_site is not None


@pytest.mark.parametrize("file", STACKS, ids=lambda file: file.name)
def test_recorded_stack_says_what_its_name_promises(file: Path) -> None:
    facts = StackFacts.model_validate_json(file.read_bytes())
    assert facts.closure_missing == ()
    assert {"mpirun", "mpiexec"} <= set(facts.launchers)
    check(named(facts.libraries, promised(file)[0]), file)


def test_there_is_a_record_of_every_suite_and_processor() -> None:
    assert {file.name.removesuffix(".facts.json") for file in IMAGES} == {row.name for row in ROWS}


def test_each_record_says_where_it_came_from() -> None:
    assert len(IMAGES) >= 16
    for file in (*IMAGES, *STACKS):
        source = file.with_suffix(".source")
        assert source.read_text(encoding="utf-8").strip(), file.name
