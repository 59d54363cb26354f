"""An image in a few lines, for a check of several sites; `hpcrun inspect` says it all."""

from collections.abc import Iterator

from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary
from hpcrun.tables.mpi_families import mpi_families

_SHOWN = 4


def summarise_image(facts: ImageFacts, program: str | None) -> tuple[str, ...]:
    """Say for which processor it is, which C library and MPI it has, and what was asked about."""
    libc = facts.libc
    has_libc = is_known(libc.kind) and is_known(libc.version)
    c_library = f"{libc.kind} {libc.version}" if has_libc else "a C library that is not known"
    lines = [f"{facts.arch}, {c_library}"]
    lines += [_name(library) for library in facts.mpi[:_SHOWN]] or ["no MPI library"]
    lines.append(f"asked about {_asked(facts, program)} on two nodes")
    lines += _unread(facts)
    return tuple(lines)


def _asked(facts: ImageFacts, program: str | None) -> str:
    if program is not None:
        return program
    module = next((user.path for user in facts.mpi_users), None)
    return f"what loads {module}" if module is not None else "a program without MPI"


def _name(library: MpiLibrary) -> str:
    name = mpi_families().implementation_name(library.implementation) or library.soname
    version = library.version if is_known(library.version) else "of unknown version"
    kinds = list(dict.fromkeys(each.kind for each in library.pmi)) if is_known(library.pmi) else []
    speaks = f", speaks {', '.join(kinds)}" if kinds else ""
    return f"{name} {version}: {library.path}{speaks}"


def _unread(facts: ImageFacts) -> Iterator[str]:
    if not facts.is_complete:
        count = "a part" if len(facts.unread) == 1 else f"{len(facts.unread)} parts"
        yield f"{count} of it could not be read: {facts.unread[0] if facts.unread else 'unknown'}"
