"""Programs in a tree that start ranks, and their versions; runs none of them."""

import re

from hpcrun.image.errors import ImageError
from hpcrun.image.linking import Linker
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.mpi import Starter
from hpcrun.tables.mpi_parts import StarterRow, mpi_parts

STARTERS_MAX = 32


def find_starters(survey: Survey, linker: Linker) -> tuple[Starter, ...]:
    """Describe the programs that start ranks and their helpers on the nodes."""
    found: list[Starter] = []
    for file in survey.elf_files:
        rows = mpi_parts().starter_rows(file.path.name)
        if not rows or len(found) >= STARTERS_MAX:
            continue
        try:
            row = next((row for row in rows if row.is_about(file.elf.needed)), None)
            if row is None:
                continue
            version, evidence = _version(file, row, linker)
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
            continue
        found.append(
            Starter(
                name=file.path.name,
                kind=row.kind,
                path=str(file.path),
                version=version,
                evidence=evidence,
            )
        )
    return tuple(found)


def _version(file: ElfFile, row: StarterRow, linker: Linker) -> tuple[str | Unknown, str]:
    """Take a constant that is nothing but the version, of the program or the library it is from."""
    holders = [file]
    if carrier := row.carrier(file.elf.needed):
        library = linker.find(carrier, file)
        holders = [library] if library else []
    for holder in holders if row.version else ():
        pattern = rb"(?:^|\0)v?" + row.version.encode() + rb"(?=\0)"
        found = {m.decode() for m in re.findall(pattern, holder.elf.read_only_data())}
        if len(found) == 1:
            number = found.pop()
            return number, f"constant `{number}` in {holder.path}"
    return UNKNOWN, f"file name {file.path}"
