"""GPU libraries, toolkits, settings and device code of a tree; does not judge or run any."""

import re
from collections.abc import Iterable, Iterator, Mapping

from hpcrun.image.device_code import has_device_code, read_device_code
from hpcrun.image.environment import read_settings
from hpcrun.image.errors import ImageError
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.image.tree import Kind, Node, read_text, resolve, resolve_file
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.gpu import DeviceCode, GpuFacts, GpuLibrary, Toolkit
from hpcrun.model.seen import Certainty
from hpcrun.tables.gpus import GpuRow, gpus

LIBRARIES_MAX = 64
CODE_FILES_MAX = 48
OWN_PROGRAMS_MAX = 200
_TEXT_MAX = 64 << 10
_ENTRIES_MAX = 64
_STATIC_MIN = 256 << 10
"""A program of five lines that nvcc 13.0 linked is 994 kB, most of it libcudart (measured)."""
_SYSTEM_FOLDERS = ("/usr/bin/", "/usr/sbin/", "/usr/lib", "/bin/", "/sbin/", "/lib")


def read_gpu(
    survey: Survey, root: Node, declared: Mapping[str, str], applications: Iterable[ElfFile]
) -> GpuFacts:
    """Tell all about GPUs in a tree.

    Args:
        declared: what an OCI image's configuration sets.
        applications: programs and modules, of which those linked to a GPU library are looked at.
    """
    libraries = [*_libraries(survey)]
    with_code = [file for file, row in libraries if row.has_code]
    with_code += _users(applications, survey)
    try:
        toolkits = tuple(_toolkits(root))
        environment = read_settings(root, declared, gpus().is_variable)
    except ImageError as exc:
        survey.problems.add(f"GPU software: {exc.message}")
        toolkits, environment = (), {}
    return GpuFacts(
        libraries=tuple(_describe(file, row, survey) for file, row in libraries[:LIBRARIES_MAX]),
        toolkits=toolkits,
        environment=environment,
        code=tuple(_codes(with_code[:CODE_FILES_MAX], survey)),
    )


def _libraries(survey: Survey) -> Iterator[tuple[ElfFile, GpuRow]]:
    """Yield the libraries, copies of one under several names once."""
    found: dict[tuple[object, ...], tuple[ElfFile, GpuRow]] = {}
    for file in survey.elf_files:
        row = gpus().library(str(file.path.parent), file.path.name)
        if row is not None:
            key = (file.path.parent, row.id, file.path.name.split(".so")[0], file.node.size)
            known = found.get(key)
            if known is None or len(file.path.name) > len(known[0].path.name):
                found[key] = (file, row)
    yield from found.values()


def _describe(file: ElfFile, row: GpuRow, survey: Survey) -> GpuLibrary:
    version, evidence, certainty = _version(file, row, survey)
    try:
        soname = file.soname
    except ImageError as exc:
        survey.problems.tell(file.path, exc)
        soname = file.path.name
    return GpuLibrary(
        kind=row.id,
        path=str(file.path),
        soname=soname,
        arch=file.arch,
        version=version,
        evidence=evidence,
        certainty=certainty,
    )


def _version(file: ElfFile, row: GpuRow, survey: Survey) -> tuple[str | Unknown, str, Certainty]:
    if row.file_version and (match := re.fullmatch(row.file_version, file.path.name)):
        return match.group(1), f"file name {file.path}", Certainty.LIKELY
    try:
        constants = file.elf.read_only_data() if row.versions else b""
    except ImageError as exc:
        survey.problems.tell(file.path, exc)
        constants = b""
    for pattern in row.versions:
        found = {match.decode() for match in re.findall(pattern.encode(), constants)}
        if len(found) == 1:
            number = found.pop()
            return number, f"constant with `{number}` in {file.path}", Certainty.SURE
    return UNKNOWN, f"file name {file.path}", Certainty.LIKELY


def _users(applications: Iterable[ElfFile], survey: Survey) -> Iterator[ElfFile]:
    """Yield programs and modules that may hold device code.

    nvcc links the CUDA runtime statically unless it is told otherwise: such a program needs no
    library that gives it away. It is looked for outside the distribution's own folders.
    """
    n_own = 0
    for file in applications:
        try:
            if any(gpus().is_used(soname) for soname in file.elf.needed):
                yield file
                continue
            if not _may_hold_runtime(file):
                continue
            n_own += 1
            if n_own <= OWN_PROGRAMS_MAX and has_device_code(file.elf):
                yield file
        except ImageError as exc:
            survey.problems.tell(file.path, exc)


def _may_hold_runtime(file: ElfFile) -> bool:
    is_own = ".so" not in file.path.name and not str(file.path).startswith(_SYSTEM_FOLDERS)
    return is_own and file.node.size >= _STATIC_MIN


def _codes(files: Iterable[ElfFile], survey: Survey) -> Iterator[DeviceCode]:
    for file in files:
        try:
            found = read_device_code(file.elf)
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
            continue
        if found is not None:
            yield DeviceCode(
                path=str(file.path),
                targets=found.compiled,
                portable=found.portable,
                evidence=f"headers in {found.evidence} of {file.path}",
                certainty=Certainty.SURE if found.is_whole else Certainty.LIKELY,
            )


def _toolkits(root: Node) -> Iterator[Toolkit]:
    seen = set()
    for row in gpus().toolkits:
        folder = resolve(root, row.folder)
        if folder is None or folder.node.kind is not Kind.FOLDER:
            continue
        names = [name for name in sorted(folder.node.entries()) if re.fullmatch(row.entry, name)]
        for name in names[:_ENTRIES_MAX]:
            file = resolve_file(root, f"{row.folder}/{name}/{row.file}")
            if file is None or file.path in seen:
                continue
            seen.add(file.path)
            if match := re.search(row.pattern, read_text(file.node, limit=_TEXT_MAX)):
                yield Toolkit(kind=row.kind, version=match.group(1), evidence=str(file.path))
