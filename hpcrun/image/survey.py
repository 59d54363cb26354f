"""One walk through a file tree that notes every ELF file in it; does not interpret them."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.image.elf import IDENT_SIZE, Elf, Ident, read_ident
from hpcrun.image.errors import ImageError
from hpcrun.image.problems import Problems
from hpcrun.image.tree import Entry, Found, Kind, Node, walk
from hpcrun.tables import architectures

DEPTH_MAX = 64
ENTRIES_MAX = 600_000
ELF_FILES_MAX = 60_000

_NOT_PART_OF_IMAGE = frozenset(map(PurePosixPath, ("/proc", "/sys", "/dev")))


class ElfFile(NamedTuple):
    """An ELF file with its real path in the tree."""

    path: PurePosixPath
    node: Node
    elf: Elf

    @property
    def arch(self) -> str:
        """Processor architecture as `uname -m` names it."""
        return arch_name(self.elf.ident)

    @property
    def soname(self) -> str:
        """DT_SONAME, or the file name where there is none."""
        return self.elf.soname or self.path.name


def arch_name(ident: Ident) -> str:
    """Name an ELF file's architecture as `uname -m` does."""
    row = architectures().by_elf(ident.machine, ident.bits, ident.byte_order)
    return row.uname if row else f"elf-machine-{ident.machine}"


@dataclass(frozen=True)
class Survey:
    """The ELF files below one or more folders."""

    elf_files: list[ElfFile] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    """Names of links to libraries, and the names that they point to."""
    links: list[PurePosixPath] = field(default_factory=list)
    """Where the links to libraries lie."""
    problems: Problems = field(default_factory=Problems)

    def count_archs(self) -> dict[str, int]:
        """Count ELF files by processor architecture, the most frequent first."""
        return dict(Counter(file.arch for file in self.elf_files).most_common())


def survey(starts: Iterable[Found], problems: Problems) -> Survey:
    """Walk through folders and note every program and library."""
    found = Survey(problems=problems)
    for start in starts:
        for entry in walk(
            start,
            depth_max=DEPTH_MAX,
            entries_max=ENTRIES_MAX,
            skip=_NOT_PART_OF_IMAGE.__contains__,
            problems=problems,
        ):
            if entry.node.kind is Kind.FILE:
                _note(found, entry)
            elif entry.node.kind is Kind.LINK and ".so" in entry.name:
                _note_link(found, entry)
            if len(found.elf_files) >= ELF_FILES_MAX:
                problems.add(f"more than {ELF_FILES_MAX} ELF files: the rest was not read")
                return found
    return found


def _note_link(found: Survey, entry: Entry) -> None:
    try:
        found.links.append(entry.path)
        found.aliases.setdefault(entry.name, PurePosixPath(entry.node.target()).name)
    except ImageError as exc:
        found.problems.tell(entry.path, exc)


def _note(found: Survey, entry: Entry) -> None:
    node = entry.node
    try:
        if ".so" not in entry.name and not node.is_executable:
            return
        ident = read_ident(node.read_at(0, IDENT_SIZE))
        if ident is None:
            return
        elf = Elf(node, ident)
    except ImageError as exc:
        found.problems.tell(entry.path, exc)
        return
    found.elf_files.append(ElfFile(entry.path, node, elf))
    if ".so" not in entry.name:
        _read_ahead(elf)


def _read_ahead(program: Elf) -> None:
    """Read what every program is asked for, while the block that it shares with others is kept.

    What cannot be read is told when it is asked for.
    """
    with suppress(ImageError):
        _ = program.interpreter, program.needed
