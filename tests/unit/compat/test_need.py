"""Which MPI the job's program needs, told from the program and what lies beside it."""

import pytest

from hpcrun.compat.need import MpiNeed, find_mpi_need
from hpcrun.model.image import Program
from tests.unit.planner.measured import CHOOSER, LIB, ability, image, library, user

OPENMPI = library("openmpi", "5.0.7", "libmpi.so.40", ability("pmix", "5.0.7"))
MPICH = library("mpich", "4.2.1", "libmpich.so.12", ability("pmi1"))


def need_of(argv0: str, path: str | None, kind: str = "elf", **more: object) -> MpiNeed:
    program = Program.model_validate({"argv0": argv0, "path": path, "kind": kind})
    libraries = (OPENMPI, MPICH)
    users = (user("libmpi.so.40", "/usr/bin/solver"), CHOOSER)
    return find_mpi_need(image(*libraries, users=users, program=program, **more))  # type: ignore[arg-type]


def test_need_of_a_linked_program_is_its_own_library_alone() -> None:
    need = need_of("solver", "/usr/bin/solver")
    assert [lib.soname for lib in need.libraries] == ["libmpi.so.40"]
    assert need.has_direct_user


@pytest.mark.parametrize(
    ("argv0", "path", "kind"),
    [
        ("python3", "/usr/bin/python3.13", "elf"),
        ("bash", "/usr/bin/bash", "elf"),
        ("sh", "/usr/bin/dash", "elf"),
        ("/opt/run.sh", "/opt/run.sh", "script"),
        ("env", "/usr/bin/env", "elf"),
        ("/work/app", None, "missing"),
    ],
    ids=["python", "bash", "sh", "script", "env", "not-found"],
)
def test_need_of_a_program_that_starts_others_is_everything(
    argv0: str, path: str | None, kind: str
) -> None:
    need = need_of(argv0, path, kind)
    assert {lib.soname for lib in need.libraries} == {"libmpi.so.40", "libmpich.so.12"}
    assert not need.has_direct_user


def test_need_of_a_program_that_stands_alone_is_nothing() -> None:
    need = need_of("hostname", "/usr/bin/hostname")
    assert need.users == ()
    assert not need.is_absent  # the image's libraries are there all the same


def test_need_library_of_another_processor_does_not_count() -> None:
    foreign = OPENMPI.model_copy(update={"arch": "aarch64"})
    facts = image(foreign, users=(user("libmpi.so.40"),))
    assert find_mpi_need(facts).unmet == (user("libmpi.so.40"),)


def test_need_of_a_soname_that_the_image_lacks_is_unmet() -> None:
    need = find_mpi_need(image(MPICH, users=(user("libmpi.so.40"),)))
    assert need.libraries == ()
    assert need.unmet == (user("libmpi.so.40"),)


def test_need_of_an_image_that_was_not_read_whole_is_uncertain() -> None:
    assert not find_mpi_need(image(is_complete=False)).is_certain


def test_need_chooser_of_unknown_families_takes_any_library() -> None:
    late = CHOOSER.model_copy(update={"families": ()})
    program = Program(argv0="python3", path=f"{LIB}/python3", kind="elf")
    need = find_mpi_need(image(MPICH, users=(late,), program=program))
    assert need.libraries == (MPICH,)
