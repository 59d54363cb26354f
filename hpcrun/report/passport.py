"""Passports of images and MPI stacks as a page for people; does not print it."""

import textwrap
from collections.abc import Iterable

from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.image import (
    Family,
    ImageFacts,
    MpiLibrary,
    MpiUser,
    PmiAbility,
    Program,
    StackFacts,
)
from hpcrun.report.terminal import escape

WIDTH = 100
LINES_PER_SECTION = 12

_FAMILIES = {Family.OPENMPI: "Open MPI", Family.MPICH: "MPICH family", Family.MPI_ABI: "MPI ABI"}
_MEBI = 1 << 20


def format_image(facts: ImageFacts) -> str:
    """Return the page about an image."""
    kind = "SIF" if facts.kind == "sif" else "unpacked image"
    size = f", {facts.size_bytes / _MEBI:.0f} MiB" if facts.size_bytes else ""
    lines = [
        f"{facts.path}: {kind}{size}",
        _pair("digest", facts.digest),
        _pair("declared for", facts.declared_arch),
        _pair("programs for", _archs(facts)),
        _pair("C library", _c_library(facts)),
        *_section("MPI libraries", [line for lib in facts.mpi for line in _library(lib)]),
        *_section("uses MPI", map(_user, facts.mpi_users)),
        *(_section("command", [_program(facts.program)]) if facts.program else ()),
        *_section("not read; what is missing above may lie there", facts.unread),
    ]
    return _page(lines)


def format_stack(facts: StackFacts) -> str:
    """Return the page about a host's MPI stack."""
    lines = [
        f"{facts.prefix}: MPI stack",
        _pair("launchers", ", ".join(facts.launchers) or "none"),
        *_section("MPI libraries", [line for lib in facts.libraries for line in _library(lib)]),
        *_section("needed from outside the prefix", facts.closure_outside),
        *_section("needed and not found", facts.closure_missing),
        *_section("not read; what is missing above may lie there", facts.unread),
    ]
    return _page(lines)


def _page(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for text in lines for line in _wrapped(escape(text)))


def _wrapped(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _pair(name: str, value: str) -> str:
    return f"  {name:<14}{value}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    every = [*lines]
    if not every:
        return []
    more = len(every) - LINES_PER_SECTION
    rest = [f"  {more} further; all with --json"] if more > 0 else []
    return ["", title, *(f"  {line}" for line in every[:LINES_PER_SECTION]), *rest]


def _archs(facts: ImageFacts) -> str:
    counts = [f"{arch} ({count} files)" for arch, count in facts.program_archs.items()]
    return ", ".join(counts) or "none found"


def _c_library(facts: ImageFacts) -> str:
    libc = facts.libc
    if not is_known(libc.kind):
        return "none found"
    return f"{libc.kind} {libc.version}: {libc.evidence}"


def _library(library: MpiLibrary) -> list[str]:
    name = _FAMILIES[library.family] if is_known(library.family) else "MPI of unknown family"
    version = library.version if is_known(library.version) else "of unknown version"
    glibc = f", needs glibc {library.glibc_needed}" if library.glibc_needed else ""
    return [
        f"{name} {version}: {library.path}",
        f"  soname {library.soname}, {library.arch}{glibc}",
        *(f"  speaks {_ability(ability)}" for ability in _abilities(library)),
        *([] if is_known(library.pmi) else ["  speaks an unknown PMI: no trace of any was found"]),
    ]


def _abilities(library: MpiLibrary) -> tuple[PmiAbility, ...]:
    return library.pmi if is_known(library.pmi) else ()


def _ability(ability: PmiAbility) -> str:
    version = f" {ability.version}" if ability.version != UNKNOWN else ""
    return f"{ability.kind}{version}: {ability.evidence}"


def _user(user: MpiUser) -> str:
    if user.families:
        names = ", ".join(_FAMILIES[family] for family in user.families)
        return f"{user.path} chooses at run time: {names}"
    return f"{user.path} needs {user.needed}"


def _program(program: Program) -> str:
    if program.path is None:
        why = "is not in the image" if program.kind == "missing" else "cannot be resolved"
        return f"{program.argv0} {why}"
    through = f", run by {program.interpreter}" if program.interpreter else ""
    return f"{program.argv0}: {program.path} ({program.kind}, {program.arch}{through})"
