"""Which file a command names inside an image."""

import pytest

from hpcrun.image.command_facts import read_command
from hpcrun.image.environment import Environment
from hpcrun.image.mounts import Surroundings
from hpcrun.image.program import read_program
from hpcrun.image.squashfs import Squashfs
from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import Program
from tests.fakes.elf_builder import AARCH64, EXECUTABLE, ElfBuilder
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import File, Link, Tree, build_squashfs

ELF = File(ElfBuilder(kind=EXECUTABLE).build())
TREE: dict[str, Tree] = {
    "usr": {
        "bin": {
            "python3": Link("python3.13"),
            "python3.13": ELF,
            "env": ELF,
            "sh": Link("/usr/bin/dash"),
            "dash": ELF,
            "other": File(ElfBuilder(kind=EXECUTABLE, machine=AARCH64).build()),
            "not-executable": ELF.content,
        }
    },
    "opt": {
        "app.py": File(b"#!/usr/bin/env python3\nprint()\n"),
        "run": File(b"#! /usr/bin/sh -e\n"),
        "split": File(b"#!/usr/bin/env -S A=1 python3 -u\n"),
        "outer": File(b"#!/opt/run\n"),
        "lost": File(b"#!/no/such\n"),
        "self": File(b"#!/opt/self\n"),
        "data": File(b"just text"),
        "folder": {},
    },
}


def program_of(argv0: str, *, path: str = "/opt:/usr/bin") -> Program:
    command = (argv0, "arg")
    with opened(build_squashfs(TREE)) as extent:
        followed = read_command(
            Squashfs(extent).root, command, Environment(path, ""), around=Surroundings()
        )
        program = read_program(followed, command, Surroundings())
    assert program is not None
    return program


@pytest.mark.parametrize(
    ("argv0", "path", "kind", "interpreter"),
    [
        ("python3", "/usr/bin/python3.13", "elf", None),
        ("/usr/bin/python3", "/usr/bin/python3.13", "elf", None),
        ("app.py", "/opt/app.py", "script", "/usr/bin/python3.13"),
        ("run", "/opt/run", "script", "/usr/bin/dash"),
        ("split", "/opt/split", "script", "/usr/bin/python3.13"),
        ("outer", "/opt/outer", "script", "/usr/bin/dash"),
    ],
)
def test_command_names_a_file(argv0: str, path: str, kind: str, interpreter: str | None) -> None:
    expected = {"argv0": argv0, "path": path, "arch": "x86_64", "kind": kind}
    assert program_of(argv0) == Program.model_validate({**expected, "interpreter": interpreter})


@pytest.mark.parametrize("argv0", ["nothing", "/no/such", "./local", "sub/tool", "not-executable"])
def test_command_that_the_image_lacks_is_missing(argv0: str) -> None:
    assert program_of(argv0) == Program(argv0=argv0, path=None, kind="missing")


def test_program_of_another_processor_is_told() -> None:
    assert program_of("other").arch == "aarch64"


@pytest.mark.parametrize("argv0", ["lost", "self"])
def test_script_without_interpreter_stays_a_script(argv0: str) -> None:
    found = program_of(argv0)
    assert (found.kind, found.arch) == ("script", UNKNOWN)


def test_executable_that_is_neither_elf_nor_script_is_unknown() -> None:
    assert program_of("data").kind == "unknown"


def test_bare_name_with_unknown_path_is_unknown() -> None:
    assert program_of("python3", path=UNKNOWN) == Program(argv0="python3", path=None)
    assert program_of("/usr/bin/python3", path=UNKNOWN).path == "/usr/bin/python3.13"
