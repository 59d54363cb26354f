"""What an ELF file says about linking; does not load or run it.

Our own small reader and not pyelftools: that one reads strings and tables without a bound and
takes milliseconds per file, and thousands of files are looked at; it is the oracle in the tests.
Every count and length is capped and only ImageError comes out. Layout: System V ABI, gABI
chapters 4 and 5; symbol versions and DT_GNU_HASH as glibc has them (elf.h).
"""

from functools import cached_property

from hpcrun.image.elf_frame import IDENT_SIZE, PT_INTERP, STRING_MAX, Ident, read_ident
from hpcrun.image.elf_symbols import ElfSymbols
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Bytes
from hpcrun.image.tree import text_of

__all__ = ["IDENT_SIZE", "Elf", "Ident", "read_elf", "read_ident"]

_NEEDED_MAX = 512
_FOLDERS_MAX = 64

_DT_NEEDED, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 14, 15, 29


class Elf(ElfSymbols):
    """One ELF file; everything is read when it is asked for."""

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Sonames in DT_NEEDED, in order."""
        if len(self.dynamic.get(_DT_NEEDED, ())) > _NEEDED_MAX:
            raise ImageError("ELF file needs too many libraries")
        return self.strings(_DT_NEEDED)

    @cached_property
    def soname(self) -> str | None:
        """DT_SONAME."""
        return next(iter(self.strings(_DT_SONAME)), None)

    @cached_property
    def rpath(self) -> tuple[str, ...]:
        """Folders of DT_RPATH; they count only where there is no DT_RUNPATH."""
        return _folders(self.strings(_DT_RPATH))

    @cached_property
    def runpath(self) -> tuple[str, ...]:
        """Folders of DT_RUNPATH."""
        return _folders(self.strings(_DT_RUNPATH))

    @cached_property
    def interpreter(self) -> str | None:
        """PT_INTERP: the dynamic loader that the program asks for."""
        segment = self.segment(PT_INTERP)
        if segment is None:
            return None
        raw = self.file.read_at(segment.offset, min(segment.size, STRING_MAX))
        return text_of(raw.split(b"\0")[0])


def _folders(texts: tuple[str, ...]) -> tuple[str, ...]:
    folders = [folder for text in texts for folder in text.split(":") if folder]
    if len(folders) > _FOLDERS_MAX:
        raise ImageError("ELF file names too many library folders")
    return tuple(folders)


def read_elf(file: Bytes) -> Elf | None:
    """Return the ELF view of a file; None where it is none."""
    ident = read_ident(file.read_at(0, IDENT_SIZE))
    return Elf(file, ident) if ident is not None else None
