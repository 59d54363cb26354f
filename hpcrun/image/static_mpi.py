"""Programs that carry their MPI inside themselves, linked in statically; runs none of them.

Such a program needs no MPI library, so nothing shows it but its constants. Looked at are static
programs, and those that need a library which hardly anything but an MPI needs directly.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.fabric import find_fabric_uses
from hpcrun.image.libc import glibc_needed
from hpcrun.image.linking import Linker
from hpcrun.image.mpi import read_version
from hpcrun.image.mpi_parts import read_device
from hpcrun.image.pmi import MpiParts, read_pmi
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.image import Family, MpiLibrary, MpiUser
from hpcrun.tables.fabrics import fabrics
from hpcrun.tables.mpi_families import mpi_families

PROGRAMS_MAX = 40
STATIC = "static"
"""What stands for the name of a library in programs that need none."""
_SIZE_MIN = 1 << 20
"""No MPI is smaller."""
_TELLING = re.compile(r"libhwloc\.so.*|libevent_core.*|libopen-(pal|rte)\.so.*")


class StaticMpi(NamedTuple):
    """A program as the MPI library that it holds, and as its user."""

    library: MpiLibrary
    user: MpiUser


def find_static_mpi(
    survey: Survey, linker: Linker, programs: Iterable[ElfFile]
) -> tuple[StaticMpi, ...]:
    """Find the programs that hold an MPI library."""
    return tuple(_look(survey, linker, programs))


def _look(survey: Survey, linker: Linker, programs: Iterable[ElfFile]) -> Iterator[StaticMpi]:
    n_looked_at = 0
    for file in programs:
        try:
            if not _is_worth_a_look(file):
                continue
            n_looked_at += 1
            if n_looked_at > PROGRAMS_MAX:
                survey.problems.add("too many static programs: the rest is not searched for MPI")
                return
            found = _describe(file, survey, linker)
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
            continue
        if found is not None:
            yield found


def _is_worth_a_look(file: ElfFile) -> bool:
    if file.node.size < _SIZE_MIN or b".go.buildinfo" in file.elf.sections:
        return False
    if any(mpi_families().library(name) for name in file.elf.needed):
        return False
    return not file.elf.needed or any(
        _TELLING.fullmatch(name) or fabrics().library(name) or mpi_families().pmi_library(name)
        for name in file.elf.needed
    )


def _describe(file: ElfFile, survey: Survey, linker: Linker) -> StaticMpi | None:
    constants = file.elf.read_only_data()
    row = mpi_families().built_into(constants)
    if row is None:
        return None
    version = read_version(file, constants, row)
    parts = MpiParts(file, constants, (), row.family, version.number)
    library = MpiLibrary(
        family=row.family,
        version=version.number,
        version_evidence=version.evidence,
        path=str(file.path),
        soname=STATIC,
        file_name=file.path.name,
        arch=file.arch,
        pmi=read_pmi(parts, survey, linker),
        needed=file.elf.needed,
        glibc_needed=glibc_needed([file]),
        implementation=row.id,
        device=read_device(constants) if row.family is Family.MPICH else None,
        linking="static",
        fabrics=find_fabric_uses([file], (), constants, linker),
    )
    user = MpiUser(path=str(file.path), needed=STATIC, library=str(file.path))
    return StaticMpi(library, user)
