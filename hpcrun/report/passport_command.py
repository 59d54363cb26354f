"""The part of a passport's page about the job's command; does not print."""

import shlex
from collections.abc import Iterator

from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.command import CommandFacts, LoadedLibrary, VersionNeed
from hpcrun.model.image import ImageFacts, MpiUser, Program
from hpcrun.model.seen import Certainty
from hpcrun.report.page import Section, count, section
from hpcrun.report.passport_mpi import FAMILIES, name_library
from hpcrun.tables.versions import version_key

_MODULES = 6
_MISSING = 4
_DOUBTS = 3


def command_sections(facts: ImageFacts) -> list[Section]:
    """Say what the command comes to run and which MPI it uses, where one was given."""
    command = facts.command
    if command is None:
        return [] if facts.program is None else [section("command", [_program(facts.program)])]
    lines = [*_mpi(facts, command), *_chain(command), *_libraries(facts, command)]
    if is_known(command.mpi_users):
        lines += _doubts(command)
    return [section(f"command `{shlex.join(command.argv)}`", lines)]


def _program(program: Program) -> str:
    why = "is not in the image" if program.kind == "missing" else "cannot be resolved"
    return f"{program.argv0} {why}"


def _mpi(facts: ImageFacts, command: CommandFacts) -> Iterator[str]:
    users = command.mpi_users
    for each in command.built_in:
        yield f"uses MPI: {each.implementation}, linked into {each.path} for good"
    if command.built_in and not is_known(users):
        return
    if not is_known(users):
        yield f"uses MPI: unknown, as it {_why_unknown(command)}"
        yield from _doubts(command)
    elif not users:
        yield "uses MPI: no"
    else:
        for user in users:
            sure = "perhaps " if user.certainty is Certainty.HINT else ""
            yield f"uses MPI: {sure}{_use(facts, user)}"


def _why_unknown(command: CommandFacts) -> str:
    lacks_only = bool(command.missing) and not command.doubts_beside_lacks
    return "lacks libraries" if lacks_only else "could not be followed to its end"


def _doubts(command: CommandFacts) -> Iterator[str]:
    doubts = command.doubts_beside_lacks
    yield from (f"not followed: {doubt}" for doubt in doubts[:_DOUBTS])
    if len(doubts) > _DOUBTS:
        yield f"not followed: {count(len(doubts) - _DOUBTS, 'further place')}"


def _use(facts: ImageFacts, user: MpiUser) -> str:
    if user.families:
        names = " or ".join(FAMILIES[family] for family in user.families)
        return f"{names}, which {user.path} chooses at run time"
    if user.library is None:
        return f"{user.needed}, which {user.path} needs and the image does not have"
    if user.library == UNKNOWN:
        return f"{user.needed}, which {user.path} needs; which file that is cannot be told"
    library = next((each for each in facts.mpi if each.path == user.library), None)
    name = name_library(library) if library is not None else user.needed
    whose = "" if user.rule.endswith(f" of {user.path}") else f", for {user.path}"
    return f"{name} ({user.library}) through {user.rule}{whose}"


def _chain(command: CommandFacts) -> Iterator[str]:
    for step in command.steps:
        where = "not found" if step.path is None else step.path
        name = step.name if where == step.name else f"{step.name}: {where}"
        verb = "may run" if step.certainty is Certainty.HINT else "runs"
        yield f"{verb} {name} ({step.through})"


def _libraries(facts: ImageFacts, command: CommandFacts) -> Iterator[str]:
    missing = command.missing
    if missing:
        for library in missing[:_MISSING]:
            yield f"lacks {library.name}, which {library.needed_by} needs"
        if len(missing) > _MISSING:
            yield f"lacks {len(missing) - _MISSING} further libraries"
    found = [library for library in command.closure if library.path is not None]
    if found:
        yield f"loads {count(len(found), 'library', 'libraries')}{_rules(found)}"
    if command.modules:
        names = [module.name for module in command.modules[:_MODULES]]
        rest = len(command.modules) - len(names)
        yield f"imports compiled modules {', '.join(names)}{f' and {rest} further' if rest else ''}"
    yield from (_need(facts, need) for need in command.needs)


def _rules(found: list[LoadedLibrary]) -> str:
    """Name the rules by which libraries outside the loader's usual places are found."""
    rules = dict.fromkeys(each.evidence for each in found if "PATH" in each.evidence)
    return f", some through {', '.join(list(rules)[:2])}" if rules else ""


def _need(facts: ImageFacts, need: VersionNeed) -> str:
    cxx = facts.system.libstdcxx
    offered = {
        "GLIBC": facts.libc.version,
        "GLIBCXX": cxx.glibcxx if cxx else UNKNOWN,
        "CXXABI": cxx.cxxabi if cxx else UNKNOWN,
    }.get(need.kind, UNKNOWN)
    symbol = f" ({need.symbol})" if is_known(need.symbol) else ""
    lacking = is_known(offered) and version_key(offered) < version_key(need.version)
    tail = f", but the image has only {offered}" if lacking else ""
    return f"needs {need.kind}_{need.version}: {need.path}{symbol}{tail}"
