"""Passports of host MPI stacks: libraries, launchers, what they need and where it lies."""

from pathlib import Path

import pytest

from hpcrun.errors import MissingInputError
from hpcrun.image import read_stack
from hpcrun.model.image import Family, StackFacts
from tests.fakes import mpi_files
from tests.fakes.elf_builder import ElfBuilder


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return an Open MPI prefix whose closure lies partly outside and partly nowhere."""
    prefix, elsewhere = tmp_path / "mpi", tmp_path / "elsewhere"
    for folder in (prefix / "lib" / "private", prefix / "bin", elsewhere):
        folder.mkdir(parents=True)
    (prefix / "lib/libmpi.so.40.30.8").write_bytes(
        mpi_files.open_mpi(
            "4.1.8",
            needed=("libopen-pal.so.40", "libfabric.so.1", "libnowhere.so.9", "libc.so.6"),
            runpath=f"$ORIGIN/private:{elsewhere}",
        )
    )
    (prefix / "lib/libmpi.so.40").symlink_to("libmpi.so.40.30.8")
    (prefix / "lib/private/libopen-pal.so.40").write_bytes(
        ElfBuilder(
            soname="libopen-pal.so.40",
            needed=("libm.so.6",),
            verneed={"libc.so.6": ("GLIBC_2.27", "GLIBC_PRIVATE")},
        ).build()
    )
    (elsewhere / "libfabric.so.1").write_bytes(
        ElfBuilder(soname="libfabric.so.1", verneed={"libc.so.6": ("GLIBC_2.38",)}).build()
    )
    for name in ("mpirun", "mpicc", "prterun", "ompi_info"):
        (prefix / "bin" / name).write_text("#!/bin/sh\n")
    return prefix


def test_stack_tells_library_launchers_and_closure(prefix: Path) -> None:
    facts = read_stack(prefix)
    (library,) = facts.libraries
    assert (library.family, library.version) == (Family.OPENMPI, "4.1.8")
    assert library.path == str(prefix / "lib/libmpi.so.40.30.8")
    assert facts.launchers == ("mpirun", "prterun")
    assert facts.closure_missing == ("libnowhere.so.9",)
    assert facts.closure_outside == (str(prefix.parent / "elsewhere" / "libfabric.so.1"),)


def test_glibc_need_counts_the_closure_inside_the_prefix_only(prefix: Path) -> None:
    assert read_stack(prefix).libraries[0].glibc_needed == "2.27"


def test_stack_tells_the_symbols_that_it_offers_and_its_closure_in_full(prefix: Path) -> None:
    facts = read_stack(prefix)
    (library,) = facts.libraries
    assert library.exports is not None
    assert library.exports.names == {"MPI_Init", "ompi_mpi_comm_world"}
    told = {part.soname: (part.path, part.is_inside, part.glibc_needed) for part in facts.closure}
    assert told == {
        "libfabric.so.1": (str(prefix.parent / "elsewhere/libfabric.so.1"), False, "2.38"),
        "libnowhere.so.9": (None, False, None),
        "libopen-pal.so.40": (str(prefix / "lib/private/libopen-pal.so.40"), True, "2.27"),
    }
    assert [library.kind for library in facts.fabrics] == ["libfabric"]


def test_digest_names_what_a_stack_passport_says(prefix: Path) -> None:
    facts = read_stack(prefix)
    assert facts.digest == facts.own_digest
    assert read_stack(prefix) == facts
    again = StackFacts.model_validate_json(facts.model_dump_json())
    assert again.own_digest == facts.digest
    assert again.model_copy(update={"launchers": ("other",)}).own_digest != facts.digest


def test_prefix_that_is_a_link_is_read_where_it_points(prefix: Path) -> None:
    link = prefix.parent / "current"
    link.symlink_to(prefix)
    facts = read_stack(link)
    assert facts.prefix == link
    assert len(facts.libraries) == 1


def test_folder_without_mpi_has_no_libraries(tmp_path: Path) -> None:
    assert read_stack(tmp_path).libraries == ()


def test_missing_prefix_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        read_stack(tmp_path / "none")
