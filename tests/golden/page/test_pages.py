"""The page of `hpcrun inspect` for recorded passports, as a reader sees it."""

from pathlib import Path

import pytest

from hpcrun.model.command import (
    BuiltInMpi,
    CommandFacts,
    ImportedModule,
    LoadedLibrary,
    Step,
    VersionNeed,
)
from hpcrun.model.image import Family, ImageFacts, MpiUser, Program
from hpcrun.model.seen import Certainty
from hpcrun.model.system import ArchShare, CxxLibrary, LevelSign, OsRelease, SystemFacts, UserSite
from hpcrun.report.passport import format_image
from tests.conftest import Golden

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[1] / "corpora" / "images"
LIB = "/usr/lib/x86_64-linux-gnu"
SYSTEM = SystemFacts(
    archs=(ArchShare(arch="x86_64", n_files=499, examples=("/opt/app/solver", "/usr/bin/env")),),
    levels=(
        LevelSign(
            level="x86_64_v3",
            is_needed=True,
            n_files=12,
            evidence="GNU_PROPERTY_X86_ISA_1_NEEDED in /opt/app/solver",
        ),
        LevelSign(
            level="zen3",
            is_needed=True,
            n_files=1,
            evidence="folder of /opt/spack/linux-rocky8-zen3/x",
            certainty=Certainty.HINT,
        ),
    ),
    os=OsRelease(id="debian", version="13", name="Debian GNU/Linux 13", path="/etc/os-release"),
    libstdcxx=CxxLibrary(
        path=f"{LIB}/libstdc++.so.6.0.33", glibcxx="3.4.33", cxxabi="1.3.15", evidence="verdef"
    ),
    user_site=UserSite(is_read=True, evidence="/usr/bin/python3.13"),
)
RUN = Step(name="run.sh", path="/opt/run.sh", kind="script", through="the command")
SHELL = Step(name="/bin/sh", path="/usr/bin/dash", kind="elf", through="first line of /opt/run.sh")


def recorded(name: str) -> ImageFacts:
    return ImageFacts.model_validate_json((CORPUS / f"{name}.facts.json").read_bytes())


def with_command(command: CommandFacts, **more: object) -> ImageFacts:
    program = Program(argv0=command.argv[0], path="/opt/run.sh", kind="script")
    update = {"command": command, "program": program, "system": SYSTEM, **more}
    return recorded("openmpi-5.0.7-x86_64").model_copy(update=update)


@pytest.mark.parametrize("name", ["openmpi-4.1.4-aarch64", "mpich-5.0.2-x86_64"])
def test_page_of_a_recorded_image(name: str, golden: Golden) -> None:
    golden(format_image(recorded(name)), HERE / f"{name}.txt")


def test_page_of_a_command_that_was_followed(golden: Golden) -> None:
    user = MpiUser(
        path="/opt/app/solver",
        needed="libmpi.so.40",
        library=f"{LIB}/libmpi.so.40.40.7",
        rule="RUNPATH of /opt/app/solver",
    )
    solver = Step(
        name="/opt/app/solver", path="/opt/app/solver", kind="elf", through="line 4 of /opt/run.sh"
    )
    library = LoadedLibrary(
        name="libmpi.so.40",
        path=f"{LIB}/libmpi.so.40.40.7",
        needed_by="/opt/app/solver",
        evidence="RUNPATH of /opt/app/solver",
    )
    need = VersionNeed(
        kind="GLIBC",
        version="2.42",
        path="/opt/app/solver",
        symbol="pthread_new",
        evidence="verneed GLIBC_2.42 of libc.so.6 in /opt/app/solver",
    )
    command = CommandFacts(
        argv=("run.sh", "--in", "a b"),
        steps=(RUN, SHELL, solver),
        closure=(library, library.model_copy(update={"name": "libno.so.1", "path": None})),
        mpi_users=(user,),
        needs=(need,),
    )
    golden(format_image(with_command(command)), HERE / "followed.txt")


def test_page_of_a_command_that_could_not_be_followed(golden: Golden) -> None:
    doubts = tuple(f"line {n} of /opt/run.sh: `if` is more than a literal command" for n in (3, 9))
    command = CommandFacts(argv=("run.sh",), steps=(RUN, SHELL), doubts=(*doubts, *doubts))
    golden(format_image(with_command(command)), HERE / "not-followed.txt")


def test_page_of_a_python_program_and_of_foreign_files(golden: Golden) -> None:
    module = "/usr/lib/python3/dist-packages/mpi4py/MPI"
    user = MpiUser(path=module, needed="run time", families=(Family.OPENMPI, Family.MPICH))
    imported = ImportedModule(
        name="mpi4py.MPI",
        path=f"{module}.mpich.so",
        imported_by="/opt/x.py:1",
        certainty=Certainty.LIKELY,
    )
    command = CommandFacts(argv=("x.py",), steps=(RUN,), modules=(imported,), mpi_users=(user,))
    archs = (
        ArchShare(arch="x86_64", n_files=499, examples=("/opt/a", "/opt/b", "/opt/c", "/opt/d")),
        ArchShare(arch="aarch64", n_files=1, examples=("/usr/lib/own.so",)),
    )
    facts = with_command(
        command,
        declared_arch="aarch64",
        program_archs={"x86_64": 499, "aarch64": 1},
        system=SYSTEM.model_copy(update={"archs": archs}),
    )
    golden(format_image(facts), HERE / "python-and-foreign.txt")


def test_page_of_a_program_with_mpi_inside(golden: Golden) -> None:
    inside = BuiltInMpi(
        path="/opt/app/solver",
        implementation="MPICH",
        family=Family.MPICH,
        evidence="constants of MPICH in /opt/app/solver",
    )
    doubt = "/opt/app/solver has MPICH linked into itself"
    command = CommandFacts(argv=("solver",), steps=(), doubts=(doubt,), built_in=(inside,))
    golden(format_image(with_command(command)), HERE / "mpi-inside.txt")
