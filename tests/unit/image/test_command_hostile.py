"""Commands in hostile images: loops end, sizes are capped, and nothing but ImageError comes out."""

import random
import struct
import time
from collections.abc import Mapping

import pytest

from hpcrun.image.errors import ImageError
from hpcrun.image.ld_cache import read_ld_cache
from hpcrun.image.python_imports import find_dynamic, read_imports
from hpcrun.image.squashfs import Squashfs
from hpcrun.model.base import UNKNOWN
from hpcrun.model.command import CommandFacts
from hpcrun.shell.reader import read_shell
from tests.fakes import mpi_files
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import File, Link, Tree, build_squashfs, nested
from tests.unit.image.test_command import SITE, follow

SECONDS_MAX = 20
"""Far above what any of these takes on a loaded machine; a quadratic reader takes minutes."""


def follow_python(source: bytes, files: Mapping[str, Tree]) -> CommandFacts:
    return follow("python3", "/opt/x.py", files={"opt/x.py": source, **files})


def test_chain_of_imports_without_end_is_cut() -> None:
    modules: dict[str, Tree] = {
        f"{SITE}/m{n}.py": f"import m{n + 1}\n".encode() for n in range(1200)
    }
    facts = follow_python(b"import m0\n", modules)
    assert facts.mpi_users == UNKNOWN
    assert any("imports more than is followed" in doubt for doubt in facts.doubts)


def test_modules_that_import_each_other_end() -> None:
    files: dict[str, Tree] = {
        f"{SITE}/a/__init__.py": b"from . import b, a\nimport a.b.a.b\n",
        f"{SITE}/a/b.py": b"from a import *\nfrom .b import b\nfrom .... import x\n",
    }
    assert follow_python(b"import a\n", files).mpi_users == ()


def test_folders_that_lead_into_themselves_end() -> None:
    files: dict[str, Tree] = {
        f"{SITE}/loop": Link("."),
        f"{SITE}/self": Link("self"),
        f"{SITE}/x.pth": b"loop/loop/loop\n.\n../dist-packages\n/no/such\n" * 200,
        f"{SITE}/long.pth": b"a/" * 60_000,
        "usr/bin/pyvenv.cfg": Link("pyvenv.cfg"),
    }
    facts = follow_python(b"import loop.loop.plain, self.x\n", files)
    assert facts.steps[-1].path == "/opt/x.py"


def test_wrappers_that_wrap_themselves_end() -> None:
    facts = follow(*["nice"] * 500, "solver")
    assert facts.mpi_users == UNKNOWN
    assert len(facts.steps) <= 60


def test_script_that_calls_many_scripts_ends() -> None:
    files: dict[str, Tree] = {
        "opt/many": File(b"#!/bin/sh\n" + b"many; " * 30 + b"\n"),
        "opt/wide": File(b"#!/bin/sh\n" + b"wide &\n" * 30),
    }
    started = time.monotonic()
    assert follow("many", files=files).mpi_users == UNKNOWN
    assert follow("wide", files=files).mpi_users == UNKNOWN
    assert time.monotonic() - started < SECONDS_MAX


@pytest.mark.parametrize(
    "source",
    [
        '"""' * 300_000,
        "'''\"\"\"" * 150_000,
        "from x import (" * 60_000,
        "from " + "." * 900_000,
        "import " + "a," * 400_000,
        "import a\n" * 100_000,
        " " * 900_000 + "import x",
        "from a import " + "b, " * 300_000,
        "os" + " " * 900_000,
        "\t\n" * 400_000,
    ],
)
def test_source_is_looked_through_in_linear_time(source: str) -> None:
    started = time.monotonic()
    list(read_imports(source))
    find_dynamic(source)
    assert time.monotonic() - started < SECONDS_MAX


def test_mutated_caches_raise_nothing_else() -> None:
    strings = b"libmpi.so.40\0/opt/lib/libmpi.so.40\0"
    table = struct.pack("<iIIIQ", 0x303, 72, 85, 0, 0)
    sound = b"glibc-ld.so.cache1.1" + struct.pack("<II", 1, len(strings)) + bytes(20)
    sound += table + strings
    chance = random.Random(20261120)
    n_read = 0
    for _ in range(400):
        content = bytearray(sound)
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        if chance.random() < 0.2:
            del content[chance.randrange(20, len(content)) :]
        with opened(build_squashfs(nested({"etc/ld.so.cache": bytes(content)}))) as extent:
            try:
                n_read += read_ld_cache(Squashfs(extent).root) is not None
            except ImageError:
                continue
    assert n_read > 0


def test_random_scripts_raise_nothing() -> None:
    chance = random.Random(20261120)
    pieces = ["$", "{", "}", "(", ")", '"', "'", "\\", "\n", ";", "|", "&", "<", ">", "#", " "]
    pieces += ["`", "=", "exec ", "export ", "A", "$A", "${A}", '"$@"', "x", "\0", "é", "\x1b"]
    for _ in range(3000):
        text = "".join(chance.choices(pieces, k=chance.randrange(1, 60)))
        assert len(list(read_shell(text, name="x", args=("a",)))) <= 60


def test_closure_that_is_too_large_is_a_doubt() -> None:
    libraries: dict[str, Tree] = {
        f"usr/lib/lib{n}.so": mpi_files.library(f"lib{n}.so", needed=(f"lib{n + 1}.so",))
        for n in range(600)
    }
    facts = follow("big", files={**libraries, "opt/big": File(mpi_files.program("lib0.so"))})
    assert facts.mpi_users == UNKNOWN
    assert any("needs more than 500 libraries" in doubt for doubt in facts.doubts)
