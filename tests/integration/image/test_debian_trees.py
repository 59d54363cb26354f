"""Debian's MPIs of every suite and processor: what a passport is sure of is what they say.

By default one tree for each processor, which the commit chooses; all with `--all-versions`. Facts
that are only likely are compared too, counted and printed.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from hpcrun.errors import ExitCode, HpcrunError
from hpcrun.image import read_image
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.tables.versions import version_key
from tests.debian_tree import ROLLING, ROWS, DebianTree, Row, build_tree, remove_tree
from tests.own_word import (
    ASK,
    Compared,
    compare_libraries,
    parse_answer,
    without_c_library,
)
from tests.sandbox_fixture import CHECKOUT

pytestmark = pytest.mark.mpi

PROGRAM = {"openmpi": "/usr/bin/ompi_info", "mpich": "/usr/bin/mpichversion"}
COMPARED_MIN = {"openmpi": 35, "mpich": 16}
TELLS_VERSION = {"mpiexec.hydra", "orterun", "mpirun.openmpi", "prte", "prted", "prun"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        is_all = bool(metafunc.config.getoption("--all-versions"))
        rows = ROWS if is_all else _choose()
        metafunc.parametrize("row", rows, ids=lambda row: row.name, scope="module")


def _choose() -> tuple[Row, ...]:
    """Return one tree of this processor and one of the other, of different suites."""
    asked = ["git", "-C", str(CHECKOUT), "rev-parse", "--short=8", "HEAD"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    number = int(told or "0", 16)
    mine = [row for row in ROWS if row.arch == os.uname().machine]
    other = [row for row in ROWS if row.arch != os.uname().machine]
    return (mine[number % len(mine)], other[(number + 3) % len(other)])


@pytest.fixture(scope="module")
def tree(row: Row, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianTree]:
    """Return the tree; a suite that is gone is skipped, an archive out of reach fails in CI."""
    try:
        made = build_tree(row, tmp_path_factory.mktemp("debian"))
    except HpcrunError as error:
        is_gone = error.exit_code == ExitCode.NO_INPUT
        if is_gone or not os.environ.get("CI"):
            pytest.skip(f"{row.name}: {error.message}")
        raise
    yield made
    remove_tree(made)


@pytest.fixture(scope="module")
def facts(tree: DebianTree) -> ImageFacts:
    return read_image(tree.root)


def test_tree_holds_what_its_name_says(facts: ImageFacts, row: Row) -> None:
    assert facts.is_complete, facts.unread
    assert set(facts.program_archs) == {row.arch}
    (library,) = (library for library in facts.mpi if library.family == row.family)
    assert library.arch == row.arch
    if row.suite == ROLLING and library.version != row.version:
        pytest.skip(f"Debian {row.suite} has moved on to {row.family} {library.version}")
    assert library.version == row.version


def test_sure_facts_are_what_libraries_and_loader_say(tree: DebianTree, facts: ImageFacts) -> None:
    compared = list(compare(tree, facts))
    sure = [each for each in compared if each.certainty is Certainty.SURE]
    doubted = [each for each in compared if each.certainty is not Certainty.SURE]
    print(f"{tree.row.name}: {len(sure)} sure facts; of {len(doubted)} others differ:")
    print(*(each for each in doubted if each.differs), sep="\n")
    assert [each for each in sure if each.differs] == []
    assert len(sure) >= COMPARED_MIN[tree.row.family]


def compare(tree: DebianTree, facts: ImageFacts) -> Iterator[Compared]:
    """Ask everything in the tree that can be asked."""

    def ask(*paths: str) -> Mapping[str, Any]:
        done = tree.ask_python(ASK, *paths)
        said = parse_answer(done.stdout)
        assert "error" not in said, (paths, said)
        assert said, (paths, done.stderr)
        return said

    yield Compared("C library", facts.libc.version, ask()["glibc"])
    yield from compare_libraries(facts, ask)
    for alias in (alias for library in facts.mpi for alias in library.aliases):
        yield Compared(f"alias {alias}", "mpi", "mpi" if "mpi" in ask(alias) else None)
    yield from compare_needs(tree, facts)
    yield from compare_cxx(tree, facts)
    yield from compare_users(tree, facts)
    yield from compare_closure(tree, PROGRAM[tree.row.family])
    yield from compare_starters(tree, facts)
    if tree.row.family == "openmpi":
        yield from compare_components(tree, facts)


def compare_needs(tree: DebianTree, facts: ImageFacts) -> Iterator[Compared]:
    """Compare the C library's version that is needed with what readelf shows of the closure."""
    for library in facts.mpi:
        listed = tree.real_paths(tree.listed_by_loader(library.path))
        paths = [library.path, *(path for path in without_c_library(listed).values() if path)]
        files = [f"{tree.root}{path}" for path in paths]
        shown = run("readelf", "--version-info", "--wide", *files)
        needed = re.findall(r"Name: GLIBC_([0-9.]+)  Flags", shown)
        highest = max(needed, key=version_key)
        yield Compared(f"{library.file_name} needs glibc", library.glibc_needed, highest)


def compare_cxx(tree: DebianTree, facts: ImageFacts) -> Iterator[Compared]:
    """Compare what the C++ library offers with what readelf shows of it."""
    library = facts.system.libstdcxx
    assert library is not None
    shown = run("readelf", "--version-info", "--wide", f"{tree.root}{library.path}")
    for kind, told in (("GLIBCXX", library.glibcxx), ("CXXABI", library.cxxabi)):
        offered = re.findall(rf"Name: {kind}_([0-9.]+)\n", shown)
        highest = max(offered, key=version_key)
        yield Compared(f"{kind} of the C++ library", told, highest, library.certainty)


def compare_users(tree: DebianTree, facts: ImageFacts) -> Iterator[Compared]:
    """Compare the MPI that each program and module gets."""
    for user in facts.mpi_users:
        listed = tree.real_paths(tree.listed_by_loader(user.path))
        yield Compared(f"MPI of {user.path}", user.library, listed[user.needed], user.certainty)


def compare_closure(tree: DebianTree, *command: str) -> Iterator[Compared]:
    """Compare each library of a command with the line of the loader."""
    followed = read_image(tree.root, command=command).command
    assert followed is not None
    told = {library.name: library for library in followed.closure}
    listed = tree.real_paths(tree.listed_by_loader(command[0]))
    yield Compared(f"names that {command[0]} loads", sorted(told), sorted(listed))
    for name, path in listed.items():
        if name in told:
            certainty = told[name].certainty
            yield Compared(f"{name} of {command[0]}", told[name].path, path, certainty)


def compare_starters(tree: DebianTree, facts: ImageFacts) -> Iterator[Compared]:
    """Compare the versions of programs that start ranks."""
    for starter in facts.starters:
        if starter.version == "unknown" or starter.name not in TELLS_VERSION:
            continue
        done = tree.run(starter.path, "--version")
        # Some look for their texts where only a package's script would link them.
        numbers = re.findall(r"\b[0-9]+\.[0-9]+[0-9a-z.]*\b", done.stdout)
        if numbers:
            said = starter.version if starter.version in numbers else numbers
            yield Compared(f"{starter.path} version", starter.version, said, starter.certainty)


def compare_components(tree: DebianTree, facts: ImageFacts) -> Iterator[Compared]:
    """Compare Open MPI's components with those that its own ompi_info lists."""
    shown = tree.run(PROGRAM["openmpi"], "--parsable").stdout
    listed = set(re.findall(r"(?m)^mca:([a-z]+:[a-z0-9_]+):version:", shown))
    assert listed, shown[:500]
    for name in facts.mpi[0].components:
        said = name if name.replace("/", ":") in listed else None
        yield Compared(f"component {name}", name, said)


def run(*argv: str) -> str:
    """Run a program of this machine."""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
