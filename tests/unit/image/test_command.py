"""Commands are followed through wrappers, scripts and interpreters to what loads MPI."""

from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest

from hpcrun.image.command_facts import read_command
from hpcrun.image.environment import DEFAULT_PATH, Environment
from hpcrun.image.mounts import Surroundings
from hpcrun.image.squashfs import Squashfs
from hpcrun.model.base import UNKNOWN
from hpcrun.model.command import CommandFacts
from hpcrun.model.seen import Certainty
from tests.fakes import mpi_files
from tests.fakes.elf_builder import EXECUTABLE, ElfBuilder
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import File, Link, Tree, build_squashfs, nested

LIB = "usr/lib/x86_64-linux-gnu"
PLAIN = File(ElfBuilder(kind=EXECUTABLE).build())
SITE = "usr/lib/python3/dist-packages"
SUFFIX = "cpython-313-x86_64-linux-gnu.so"
BASE: dict[str, Tree] = {
    **{f"usr/bin/{name}": PLAIN for name in ("env", "dash", "nice", "timeout", "taskset")},
    **{f"usr/bin/{name}": PLAIN for name in ("mpirun", "perl", "python3.13", "tee")},
    "usr/bin/sh": Link("dash"),
    "bin": Link("usr/bin"),
    "usr/bin/bash": PLAIN,
    "usr/bin/python3": Link("python3.13"),
    "lib64/ld.so": mpi_files.library("ld.so"),
    f"{LIB}/libmpi.so.40": mpi_files.open_mpi(),
    f"{LIB}/libmpich.so.12": mpi_files.mpich(needed=()),
    f"{LIB}/libopen-pal.so.40": mpi_files.library("libopen-pal.so.40"),
    f"{LIB}/libc.so.6": mpi_files.glibc(),
    "opt/solver": File(mpi_files.program("libmpi.so.40")),
    "opt/other": File(mpi_files.program("libmpich.so.12")),
    "opt/serial": File(mpi_files.program("libc.so.6")),
    "usr/lib/python3.13/os.py": b"",
    "usr/lib/python3.13/json/__init__.py": b"import ctypes\nfrom .decoder import x\n",
    f"{SITE}/mpi4py/__init__.py": b"",
    f"{SITE}/mpi4py/__main__.py": b"",
    f"{SITE}/mpi4py/MPI.{SUFFIX}": mpi_files.library("MPI", needed=("libmpi.so.40",)),
    f"{SITE}/field/__init__.py": b"from . import _core\nfrom .more import y\n",
    f"{SITE}/field/_core.{SUFFIX}": mpi_files.library("c", needed=("libmpich.so.12",)),
    f"{SITE}/field/more.py": b"def f():\n    from mpi4py import MPI\n",
    f"{SITE}/plain.py": b"import json\n",
}


def follow(
    *argv: str,
    files: Mapping[str, Tree] | None = None,
    environment: Environment | None = None,
    workdir: str | None = "/work",
) -> CommandFacts:
    """Follow a command in an image of two MPIs."""
    around = Surroundings(PurePosixPath(workdir) if workdir else None)
    known = environment or Environment(f"/opt:{DEFAULT_PATH}", "")
    with opened(build_squashfs(nested({**BASE, **(files or {})}))) as extent:
        return read_command(Squashfs(extent).root, argv, known, around=around).facts


def users(facts: CommandFacts) -> list[tuple[str, str]] | str:
    """Return what needs MPI, by file name, and what it gets."""
    if not isinstance(facts.mpi_users, tuple):
        return facts.mpi_users
    name = PurePosixPath
    return [
        (name(user.path).name.split(".")[0], name(user.library or "").name)
        for user in facts.mpi_users
    ]


def needs(facts: CommandFacts) -> list[tuple[str, str, str | None]]:
    """Return what needs which MPI library, and the file that it gets."""
    assert isinstance(facts.mpi_users, tuple)
    return [(user.path, user.needed, user.library) for user in facts.mpi_users]


OPEN, NEW, MPICH = "libmpi.so.40", "libmpi.so.40.9", "libmpich.so.12"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("solver -x", [("solver", OPEN)]),
        ("other", [("other", MPICH)]),
        ("serial", []),
        ("env A=1 B=2 solver", [("solver", OPEN)]),
        ("env -u A -i /opt/other", [("other", MPICH)]),
        ("nice -n 5 timeout -k 3s 10m taskset -c 0-3 solver", [("solver", OPEN)]),
        ("nice -n5 nice -10 nice --adjustment=3 solver", [("solver", OPEN)]),
        (
            "mpirun -np 4 --mca btl tcp,self --oversubscribe solver",
            [("solver", OPEN)],
        ),
    ],
)
def test_wrappers_are_seen_through(command: str, expected: list[tuple[str, str]]) -> None:
    facts = follow(*command.split())
    assert users(facts) == expected
    assert facts.doubts == ()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("sh", "-c", "exec solver"), [("solver", OPEN)]),
        (("bash", "-ec", "cat=1; other | tee log"), [("other", MPICH)]),
        (("sh", "-c", '"$0" "$@"', "solver", "x"), [("solver", OPEN)]),
        (("bash", "--norc", "-o", "pipefail", "-c", "serial"), []),
        (("env", "-S", "A=1 solver"), [("solver", OPEN)]),
    ],
)
def test_shell_text_is_followed(argv: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert users(follow(*argv)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'#!/bin/sh\nexec /opt/other "$@"\n', [("other", MPICH)]),
        (b"#!/usr/bin/env -S sh -e\nnice solver\n", [("solver", OPEN)]),
        (
            b"#!/bin/sh\nexport LD_LIBRARY_PATH=/new:$LD_LIBRARY_PATH\nsolver\n",
            [("solver", "libmpi.so.40.9")],
        ),
        (b"#!/bin/sh\nexport PATH=/new:$PATH\nsolver\n", [("solver", MPICH)]),
        (b"#!/opt/outer\n", [("solver", OPEN)]),
    ],
)
def test_scripts_are_followed(text: bytes, expected: list[tuple[str, str]]) -> None:
    files: dict[str, Tree] = {
        "opt/run": File(text),
        "opt/outer": File(b"#!/bin/sh\nsolver\n"),
        "new/libmpi.so.40": Link("libmpi.so.40.9"),
        "new/libmpi.so.40.9": mpi_files.open_mpi(needed=()),
        "new/solver": File(mpi_files.program("libmpich.so.12")),
    }
    facts = follow("run", "a", files=files)
    assert users(facts) == expected


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nothing", "`nothing` (the command) is in no folder of PATH"),
        ("/no/such", "`/no/such` (the command) is not in the image"),
        ("perl x.pl", "/usr/bin/perl runs or loads what is not followed"),
        ("make all", "/usr/bin/make runs or loads what is not followed"),
        ("ld.so /opt/solver", "/opt/ld.so runs or loads what is not followed"),
        ("recipe", "/opt/recipe is a script for /usr/bin/tee, which is not followed"),
        ("timeout --what 3 solver", "`timeout` is called with options that are not known"),
        ("sh missing.sh", "`sh` reads a script that is not in the image"),
        ("python3", "/usr/bin/python3.13: what Python runs cannot be read"),
        ("self", "first line of /opt/self"),
        ("loop", "more than 16 times deep"),
        ("branch", "line 2 of /opt/branch: the program is named by `$SOLVER`"),
        ("astray", "`./solver` (line 2 of /opt/astray): the folder where it starts is not known"),
        ("gone", "`./solver` (line 2 of /opt/gone): the folder where it starts is not known"),
        ("python", "/usr/bin/python3.13: the folder where it starts is not known"),
        ("variable", "`nice`: what it runs stands in a variable that is not known"),
        ("text", "/opt/text is neither a program nor a script with a first line"),
        ("lacking", "`libno.so.1`, which /opt/lacking needs, was not found"),
    ],
)
def test_what_cannot_be_followed_is_said_and_leaves_mpi_unknown(command: str, said: str) -> None:
    files: dict[str, Tree] = {
        "usr/bin/make": PLAIN,
        "opt/ld.so": PLAIN,
        "opt/recipe": File(b"#!/usr/bin/tee -f\n"),
        "opt/self": File(b"#!/opt/self\n"),
        "opt/loop": File(b"#!/bin/sh\nloop\n"),
        "opt/branch": File(b"#!/bin/sh\nif true; then solver; else $SOLVER; fi\n"),
        "opt/astray": File(b"#!/bin/sh\ncd $DATA; ./solver\n"),
        "opt/gone": File(b"#!/bin/sh\ncd /gone; ./solver\n"),
        "opt/python": File(b"#!/bin/sh\ncd $DATA; python3 -c 'import plain'\n"),
        "opt/text": File(b"just text"),
        "opt/variable": File(b"#!/bin/sh\nnice $SOLVER\n"),
        "opt/lacking": File(mpi_files.program("libno.so.1")),
    }
    facts = follow(*command.split(), files=files)
    assert facts.mpi_users == UNKNOWN
    assert any(said in doubt for doubt in facts.doubts), facts.doubts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if [ -f x ]; then solver -a; else solver -b; fi", [("solver", OPEN, "sure")]),
        ("if [ -f x ]; then solver; fi", [("solver", OPEN, "hint")]),
        (
            "if [ -f x ]; then solver; else other; fi",
            [("solver", OPEN, "hint"), ("other", MPICH, "hint")],
        ),
        ("case $1 in -n) nice solver;; *) exec solver;; esac", [("solver", OPEN, "sure")]),
        ("for step in 1 2 3; do serial; done; other", [("other", MPICH, "sure")]),
        ("cd /opt && ./solver", [("solver", OPEN, "sure")]),
        ("cd opt; ./other", [("other", MPICH, "sure")]),
        ("cd /opt || exit 1\n./more/../other", [("other", MPICH, "sure")]),
        ("cd /opt; python3 -c 'import here'", [("here", OPEN, "likely")]),
        ("if [ -f x ]; then sh inner -a; else sh inner; fi", [("solver", OPEN, "sure")]),
        ("while read -r x; do serial; done <list", []),
        ('run() { "$@"; }\nrun nice solver', [("solver", OPEN, "sure")]),
    ],
)
def test_scripts_with_branches_loops_and_folders_are_followed(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    files: dict[str, Tree] = {
        "opt/run": File(f"#!/bin/sh\n{text}\n".encode()),
        f"opt/here.{SUFFIX}": mpi_files.library("here", needed=(OPEN,)),
        "opt/more/x": b"",
        "inner": File(b"solver\n"),
    }
    facts = follow("run", files=files, workdir="/")
    assert facts.doubts == ()
    assert isinstance(facts.mpi_users, tuple)
    sureness = [user.certainty.value for user in facts.mpi_users]
    assert [(*user, sure) for user, sure in zip(users(facts), sureness, strict=True)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if [ -f x ]; then mpirun solver; fi", "hint"),
        ("if [ -f x ]; then mpirun solver; else mpirun -n 4 solver; fi", "sure"),
        (". /opt/setvars.sh\nmpirun solver", "hint"),
        ("module load openmpi\nmpirun solver", "hint"),
        ("$MPI_HOME/bin/mpirun solver", "sure"),
        ("cd $DATA; mpirun ./solver", "sure"),
        ("x=$(hostname)\nif true; then\n  mpirun solver\nelse solver\nfi", "hint"),
        ("cat <<EOF\nmpirun solver\nEOF\n", None),
        ("echo mpirun solver", None),
    ],
)
def test_launcher_in_a_script_is_met_wherever_it_stands(text: str, expected: str | None) -> None:
    files: dict[str, Tree] = {"opt/run": File(f"#!/bin/sh\n{text}\n".encode())}
    steps = follow("run", files=files).steps
    calls = [step.certainty.value for step in steps if step.name == "mpirun"]
    assert set(calls) == ({expected} if expected else set())


def test_program_behind_what_may_change_all_does_not_settle_which_mpi() -> None:
    files: dict[str, Tree] = {"opt/run": File(b"#!/bin/sh\n. /opt/setvars.sh\n/opt/solver\n")}
    facts = follow("run", files=files)
    assert facts.mpi_users == UNKNOWN
    assert facts.doubts[0] == "line 2 of /opt/run: `.` is more than a literal command"


def test_chain_names_each_step_and_what_calls_it() -> None:
    files: dict[str, Tree] = {"opt/run": File(b"#!/bin/sh\n\nexec nice solver\n")}
    steps = follow("run", files=files).steps
    assert [(step.path, step.kind, step.through) for step in steps] == [
        ("/opt/run", "script", "the command"),
        ("/usr/bin/dash", "elf", "first line of /opt/run"),
        ("/usr/bin/nice", "elf", "line 3 of /opt/run"),
        ("/opt/solver", "elf", "`nice`"),
    ]


def test_library_path_that_is_not_literal_leaves_the_library_unknown_and_the_need_known() -> None:
    facts = follow("solver", environment=Environment("/opt", UNKNOWN))
    assert needs(facts) == [("/opt/solver", OPEN, UNKNOWN)]
    rpath = ElfBuilder(interpreter="/lib64/ld.so", needed=(OPEN,), rpath=f"/{LIB}").build()
    facts = follow("new", files={"opt/new": File(rpath)}, environment=Environment("/opt", UNKNOWN))
    assert users(facts) == [("new", OPEN)]


@pytest.mark.parametrize(
    ("runpath", "environment_path", "expected"),
    [
        (None, "", Certainty.SURE),
        ("/opt", "/opt", Certainty.SURE),
        ("$ORIGIN/../usr/lib64/none", "", Certainty.SURE),
        ("/home/anna/lib", "", Certainty.HINT),
        ("/opt/../tmp/lib", "", Certainty.HINT),
        ("lib", "", Certainty.HINT),
        ("/scratch/lib", "", Certainty.HINT),
        (None, "/root/lib", Certainty.HINT),
    ],
)
def test_library_that_the_host_may_show_is_not_surely_missing(
    runpath: str | None, environment_path: str, expected: Certainty
) -> None:
    program = ElfBuilder(
        kind=EXECUTABLE, interpreter="/lib64/ld.so", needed=("libno.so.1",), runpath=runpath
    )
    facts = follow(
        "bare",
        files={"opt/bare": File(program.build())},
        environment=Environment(f"/opt:{DEFAULT_PATH}", environment_path),
    )
    assert [each.certainty for each in facts.missing] == [expected]


def test_missing_mpi_library_is_a_need_without_a_library() -> None:
    facts = follow("new", files={"opt/new": File(mpi_files.program("libmpi.so.12"))})
    assert needs(facts) == [("/opt/new", "libmpi.so.12", None)]
    assert [each.name for each in facts.missing] == ["libmpi.so.12"]


@pytest.mark.parametrize(
    ("argv", "source", "expected"),
    [
        (("python3", "/opt/x.py"), b"from mpi4py import MPI\n", [("MPI", OPEN)]),
        (("python3", "-u", "-m", "mpi4py", "/opt/x.py"), b"import field\n", [("_core", MPICH)]),
        (("/opt/x.py",), b"#!/usr/bin/env python3\nimport mpi4py.MPI as M\n", [("MPI", OPEN)]),
        (("python3", "-m", "tool.run"), b"from .part import MPI\n", [("MPI", OPEN)]),
        (("python3", "-c", "import sys; from mpi4py import MPI"), b"", [("MPI", OPEN)]),
        (("python3", "/opt/x.py"), b"import json, os\nimport plain\n", []),
        (("python3", "/opt/x.py"), b"'''\nimport mpi4py.MPI\n'''\n# import field\n", []),
        (("python3", "/opt/x.py"), b"from mpi4py import (\n  MPI,  # all\n)\n", [("MPI", OPEN)]),
    ],
)
def test_python_programs_are_followed_to_extension_modules(
    argv: tuple[str, ...], source: bytes, expected: list[tuple[str, str]]
) -> None:
    files: dict[str, Tree] = {
        "opt/x.py": File(source),
        f"{SITE}/tool/__init__.py": b"",
        f"{SITE}/tool/run.py": source,
        f"{SITE}/tool/part.py": b"from mpi4py import MPI\n",
    }
    found = users(follow(*argv, files=files))
    assert [each for each in found if each in expected] == expected
    assert len(found) >= len(expected)


@pytest.mark.parametrize(
    ("source", "doubt"),
    [
        (b"import no_such\n", "/opt/x.py:1: module `no_such` is not in the image"),
        (b"import importlib\n", "/opt/x.py uses `importlib`"),
        (b"import os\nos.system('solver')\n", "/opt/x.py uses `os.system`"),
    ],
)
def test_python_program_that_may_load_more_leaves_mpi_unknown(source: bytes, doubt: str) -> None:
    facts = follow("python3", "/opt/x.py", files={"opt/x.py": source})
    assert facts.mpi_users == UNKNOWN
    assert any(doubt in each for each in facts.doubts)


def test_import_in_a_function_is_a_hint() -> None:
    source = b"def f():\n    from mpi4py import MPI\n"
    facts = follow("python3", "/opt/x.py", files={"opt/x.py": source})
    assert isinstance(facts.mpi_users, tuple)
    assert [user.certainty for user in facts.mpi_users] == [Certainty.HINT]
    assert [module.imported_by for module in facts.modules] == ["/opt/x.py:2"]


def test_module_built_once_per_mpi_is_a_chooser() -> None:
    folder = f"{SITE}/mpi4py"
    files: dict[str, Tree] = {
        f"{folder}/MPI.mpich.{SUFFIX}": mpi_files.library("a", needed=(MPICH,)),
        f"{folder}/MPI.openmpi.{SUFFIX}": mpi_files.library("b", needed=(OPEN,)),
        "opt/x.py": b"from mpi4py import MPI\n",
    }
    base = {path: content for path, content in BASE.items() if path != f"{folder}/MPI.{SUFFIX}"}
    with opened(build_squashfs(nested({**base, **files}))) as extent:
        root = Squashfs(extent).root
        known = Environment(DEFAULT_PATH, "")
        facts = read_command(root, ("python3", "/opt/x.py"), known, around=Surroundings()).facts
    assert isinstance(facts.mpi_users, tuple)
    assert [(user.path, user.needed) for user in facts.mpi_users] == [
        (f"/{folder}/MPI", "run time")
    ]
