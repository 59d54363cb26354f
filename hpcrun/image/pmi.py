"""How an MPI library can be wired up: PMI-1, PMI-2, PMIx, with evidence; does not judge hosts."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.linking import Linker
from hpcrun.image.mpi_parts import OWN_PARTS, pmix_parts
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.image import Family, PmiAbility
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.pmix_versions import pmix_versions

_COMPONENT_FILE = re.compile(r"mca_pmix_([a-z0-9]+)\.so")
_COMPONENT_SYMBOL = re.compile(r"mca_pmix_([a-z0-9]+)_component")
_PMIX_BANNER = re.compile(rb"OpenPMIx ([0-9][0-9A-Za-z.]{2,20}) ")
_PMIX_LINE = re.compile(rb"(?:^|\0)([1-9]\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)(?=\0)")


class MpiParts(NamedTuple):
    """An MPI library with what was already read of it."""

    file: ElfFile
    constants: bytes
    closure: Sequence[ElfFile]
    implementation: Family | Unknown
    """Family of the implementation, whatever ABI it offers."""
    version: str | Unknown


def read_pmi(mpi: MpiParts, survey: Survey, linker: Linker) -> tuple[PmiAbility, ...] | Unknown:
    """Collect what an MPI library can be wired up by; unknown where no trace of any is found."""
    own = [mpi.file, *(lib for lib in mpi.closure if OWN_PARTS.match(lib.soname))]
    found = [*_linked(own, survey, linker)]
    if mpi.implementation is Family.MPICH:
        found += _built_in(mpi.constants, mpi.file)
    if mpi.implementation is Family.OPENMPI:
        found += _components(own, survey, linker, mpi.version)
    abilities: dict[tuple[str, str], PmiAbility] = {}
    for ability in found:
        abilities.setdefault((ability.kind, ability.version), ability)
    known = {kind for kind, number in abilities if number != UNKNOWN}
    kept = (a for (kind, n), a in abilities.items() if n != UNKNOWN or kind not in known)
    return tuple(kept) or UNKNOWN


def _linked(parts: Sequence[ElfFile], survey: Survey, linker: Linker) -> Iterator[PmiAbility]:
    """Yield the clients in libraries that the MPI library is linked to."""
    for part in parts:
        for soname in part.elf.needed:
            row = mpi_families().pmi_library(soname)
            if row is None:
                continue
            library = linker.find(soname, part)
            where = library.path if library else "not found"
            evidence = f"{part.path} needs {soname} ({where})"
            if library is None or row.kind != "pmix":
                yield PmiAbility(kind=row.kind, evidence=evidence)
                continue
            psec, gds = pmix_parts(library, survey)
            number = pmix_version(library)
            yield PmiAbility(kind="pmix", version=number, evidence=evidence, psec=psec, gds=gds)


def _built_in(constants: bytes, file: ElfFile) -> Iterator[PmiAbility]:
    for row in mpi_families().clients:
        has_all = all(text.encode() in constants for text in row.texts)
        if has_all and not any(text.encode() in constants for text in row.without):
            texts = ", ".join(f"`{text}`" for text in row.texts)
            evidence = f"{row.shown}: {texts} in {file.path}"
            yield PmiAbility(kind=row.kind, evidence=evidence)


def _components(
    parts: Sequence[ElfFile], survey: Survey, linker: Linker, version: str | Unknown
) -> Iterator[PmiAbility]:
    """Yield what Open MPI's pmix components bring, as files beside the library or linked in."""
    for name, file, evidence in _pmix_components(parts, survey):
        row = mpi_families().component(name)
        if row is None:
            continue
        if row.kind != "pmix":
            # Without its library of Slurm's the component cannot be opened.
            if all(linker.find(soname, file) for soname in _pmi_libraries(file)):
                yield PmiAbility(kind=row.kind, evidence=f"{evidence} in {file.path}")
        elif external := next(iter(_linked([file], survey, linker)), None):
            said = f"{evidence}: {external.evidence}"
            yield external.model_copy(update={"evidence": said})
        else:
            psec, gds = pmix_parts(file, survey)
            number = _bundled_version(file, version)
            said = f"{evidence} in {file.path}"
            yield PmiAbility(kind="pmix", version=number, evidence=said, psec=psec, gds=gds)


def _pmi_libraries(file: ElfFile) -> Iterator[str]:
    """Yield the sonames of PMI libraries that a file needs."""
    return (name for name in file.elf.needed if mpi_families().pmi_library(name) is not None)


def _pmix_components(
    parts: Sequence[ElfFile], survey: Survey
) -> Iterator[tuple[str, ElfFile, str]]:
    """Yield name, file and evidence of each."""
    folder = parts[0].path.parent
    for file in survey.elf_files:
        match = _COMPONENT_FILE.fullmatch(file.path.name)
        if match and file.path.is_relative_to(folder) and file.arch == parts[0].arch:
            yield match.group(1), file, f"component `{match.group(1)}`"
    for part in parts:
        for symbol, is_defined in part.elf.symbols.items():
            match = _COMPONENT_SYMBOL.fullmatch(symbol)
            if match and is_defined:
                yield match.group(1), part, f"`{symbol}`"


def _bundled_version(file: ElfFile, mpi_version: str | Unknown) -> str | Unknown:
    """Tell the PMIx that Open MPI carries: the table's word, where the file has that constant."""
    bundled = pmix_versions().bundled_with(mpi_version)
    lines = {match.decode() for match in _PMIX_LINE.findall(file.elf.read_only_data())}
    return bundled if bundled is not None and bundled in lines else UNKNOWN


def pmix_version(library: ElfFile) -> str | Unknown:
    """Tell the version of a libpmix by its constants, else by its real file name."""
    by_name = pmix_versions().by_file_name(library.path.name)
    try:
        constants = library.elf.read_only_data()
    except ImageError:
        return by_name or UNKNOWN
    if banner := _PMIX_BANNER.search(constants):
        return banner.group(1).decode()
    lines = {match.decode() for match in _PMIX_LINE.findall(constants)}
    if by_name is not None:
        lines = {line for line in lines if line.startswith(by_name)}
    return lines.pop() if len(lines) == 1 else by_name or UNKNOWN
