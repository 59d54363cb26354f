"""Passports of images and host stacks as pages for people; does not print them."""

from collections.abc import Iterator

from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.report.terminal import escape

_USERS_SHOWN = 10


def format_image(facts: ImageFacts) -> str:
    """Return what is known about an image."""
    return escape_lines(_image_lines(facts))


def format_stack(facts: StackFacts) -> str:
    """Return what is known about a host MPI stack."""
    return escape_lines(_stack_lines(facts))


def escape_lines(lines: Iterator[str]) -> str:
    """Join lines whose foreign text is made safe for a terminal."""
    return "\n".join(escape(line) for line in lines)


def _image_lines(facts: ImageFacts) -> Iterator[str]:
    yield f"{facts.path} ({facts.kind}, {facts.size_bytes / 2**20:.0f} MiB, {facts.digest})"
    counted = ", ".join(f"{count} {arch}" for arch, count in sorted(facts.program_archs.items()))
    yield f"  processors: labelled {facts.declared_arch}; programs: {counted or 'none'}"
    libc = facts.libc
    yield f"  C library: {libc.kind} {libc.version} ({libc.evidence or 'not found'})"
    if not facts.mpi:
        yield "  MPI: no library found"
    for library in facts.mpi:
        yield from _library_lines(library)
    for user in facts.mpi_users[:_USERS_SHOWN]:
        families = f" ({', '.join(user.families)})" if user.families else ""
        yield f"  {user.path} needs {user.needed}{families}"
    if len(facts.mpi_users) > _USERS_SHOWN:
        yield f"  {len(facts.mpi_users) - _USERS_SHOWN} more need MPI; all with --json"
    if facts.program is not None:
        program = facts.program
        where = program.path or "not found"
        yield f"  program {program.argv0}: {where} ({program.kind}, {program.arch})"
    yield from _unread_lines(facts)


def _library_lines(library: MpiLibrary) -> Iterator[str]:
    yield f"  MPI: {library.family} {library.version}, {library.soname} at {library.path}"
    if not is_known(library.pmi):
        yield "    cannot tell which PMI it speaks"
        return
    for ability in library.pmi:
        version = f" {ability.version}" if is_known(ability.version) else ""
        yield f"    speaks {ability.kind}{version}: {ability.evidence}"


def _unread_lines(facts: ImageFacts) -> Iterator[str]:
    if not facts.is_complete:
        yield "  not everything could be read, so what is missing above may be there:"
    yield from (f"    {line}" for line in facts.unread)


def _stack_lines(facts: StackFacts) -> Iterator[str]:
    yield f"{facts.prefix} (host MPI stack)"
    if not facts.libraries:
        yield "  MPI: no library found"
    for library in facts.libraries:
        yield from _library_lines(library)
        yield f"    it and what it loads need glibc {library.glibc_needed or 'unknown'}"
    yield f"  launchers: {', '.join(facts.launchers) or 'none'}"
    for name in facts.closure_missing:
        yield f"  needs {name}, which is not there"
    for path in facts.closure_outside:
        yield f"  needs {path}, which lies outside the prefix"
