"""Which MPI the job's program needs, told from the program and what lies beside it."""

import pytest

from hpcrun.compat.need import MpiNeed, find_mpi_need
from hpcrun.model.base import UNKNOWN
from hpcrun.model.command import CommandFacts
from hpcrun.model.image import MpiUser, Program
from hpcrun.model.seen import Certainty
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
    assert need.is_absent  # the image's libraries are of no use to it


def test_need_of_a_program_that_may_not_be_all_that_was_read_is_the_images_libraries() -> None:
    need = need_of("hostname", "/usr/bin/hostname", is_complete=False)
    assert not need.is_absent


OPT = OPENMPI.model_copy(update={"path": "/opt/ompi/lib/libmpi.so.40", "version": "4.1.4"})
"""A second library of the same soname."""


@pytest.mark.parametrize(
    ("found", "library_path", "expected"),
    [
        (OPT.path, None, {"4.1.4"}),
        ("unknown", None, {"4.1.4", "5.0.7"}),
        ("/opt/stub/libmpi.so.40", None, {"4.1.4", "5.0.7"}),
        (None, None, set()),
        (None, "/opt/ompi/lib", {"4.1.4", "5.0.7"}),
        (OPT.path, "/somewhere", {"4.1.4", "5.0.7"}),
    ],
    ids=["one", "not-known", "not-an-mpi", "none", "none-but-env", "one-but-env"],
)
def test_need_of_two_libraries_of_one_soname_is_the_one_that_the_loader_finds(
    found: str | None, library_path: str | None, expected: set[str]
) -> None:
    facts = image(OPENMPI, OPT, users=(user("libmpi.so.40", library=found),))
    need = find_mpi_need(facts, job_env={"LD_LIBRARY_PATH": library_path} if library_path else {})
    assert {lib.version for lib in need.libraries} == expected


def test_need_of_another_name_for_a_library_is_that_library() -> None:
    linked = user("libmpi.so.12", library=MPICH.path)
    assert find_mpi_need(image(MPICH, users=(linked,))).libraries == (MPICH,)


def test_need_of_a_program_behind_a_script_may_be_found_by_the_scripts_own_path() -> None:
    program = Program(argv0="run.sh", path="/opt/run.sh", kind="script")
    lost = user("libmpi.so.40", "/usr/bin/solver", library=None)
    need = find_mpi_need(image(OPENMPI, users=(lost,), program=program))
    assert need.libraries == (OPENMPI,)


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


def followed(*users: MpiUser, doubts: tuple[str, ...] = ()) -> CommandFacts:
    known = UNKNOWN if doubts and not users else users
    return CommandFacts(argv=("run.sh",), steps=(), doubts=doubts, mpi_users=known)


def test_need_of_a_command_that_was_followed_is_what_it_ends_in() -> None:
    script = {"kind": "script", "command": followed(user("libmpich.so.12", "/opt/other"))}
    need = need_of("run.sh", "/opt/run.sh", **script)  # type: ignore[arg-type]
    assert [lib.soname for lib in need.libraries] == ["libmpich.so.12"]
    assert need.has_direct_user


def test_need_of_a_followed_command_without_mpi_is_nothing() -> None:
    need = need_of("run.sh", "/opt/run.sh", kind="script", command=followed())
    assert need.is_absent


def test_need_of_a_command_with_a_doubt_is_everything() -> None:
    need = need_of("run.sh", "/opt/run.sh", command=followed(doubts=("line 3: `if`",)))
    assert {lib.soname for lib in need.libraries} == {"libmpi.so.40", "libmpich.so.12"}
    assert not need.has_direct_user


def test_need_of_an_import_that_may_not_be_met_is_not_the_programs_own() -> None:
    maybe = user("libmpi.so.40", "/p/MPI.so").model_copy(update={"certainty": Certainty.HINT})
    need = need_of("x.py", "/opt/x.py", kind="script", command=followed(maybe))
    assert [lib.soname for lib in need.libraries] == ["libmpi.so.40"]
    assert not need.has_direct_user


@pytest.mark.parametrize("variable", ["PATH", "LD_PRELOAD", "PYTHONPATH"])
def test_need_is_everything_where_the_job_sets_what_the_command_was_followed_by(
    variable: str,
) -> None:
    program = Program(argv0="run.sh", path="/opt/run.sh", kind="script")
    only = followed(user("libmpich.so.12", "/opt/other"))
    users = (user("libmpi.so.40", "/usr/bin/solver"),)
    facts = image(OPENMPI, MPICH, users=users, program=program, command=only)
    need = find_mpi_need(facts, job_env={variable: "/x"})
    assert [lib.soname for lib in need.libraries] == ["libmpi.so.40"]


STATIC = library("openmpi", "5.0.7", "static", ability("pmix", "5.0.7"), path="/opt/solver")
BUILT_IN = {
    "path": "/opt/solver",
    "implementation": "open-mpi",
    "family": "openmpi",
    "evidence": "constants",
}


@pytest.mark.parametrize(
    ("doubts", "expected"),
    [
        (("/opt/solver has Open MPI linked into itself",), ["static"]),
        (("/opt/solver has …", "line 3 of run.sh: `eval`"), ["static", "libmpi.so.40"]),
    ],
)
def test_need_of_a_command_that_holds_its_mpi_is_that_alone(
    doubts: tuple[str, ...], expected: list[str]
) -> None:
    command = CommandFacts.model_validate(
        {"argv": ["/opt/solver"], "steps": [], "doubts": doubts, "built_in": [BUILT_IN]}
    )
    users = (user("static", "/opt/solver", library="/opt/solver"), user("libmpi.so.40", "/opt/b"))
    need = find_mpi_need(image(OPENMPI, STATIC, users=users, command=command))
    assert [each.needed for each in need.users] == expected
