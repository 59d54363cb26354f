"""Where the dynamic loader would find a library, and the closure of a file; does not load anything.

Follows ld.so(8) for glibc: DT_RPATH (only without DT_RUNPATH), LD_LIBRARY_PATH, DT_RUNPATH, the
folders of ld.so.conf, then the default folders.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import PurePosixPath

from hpcrun.image.elf import read_elf
from hpcrun.image.errors import ImageError
from hpcrun.image.survey import ElfFile
from hpcrun.image.tree import Kind, Node, read_text, resolve, resolve_file

CLOSURE_MAX = 500
NAMES_MAX = 10_000
CONFIGURED_MAX = 256
_SONAME = re.compile(r"[\x21-\x7e]+\.so(\.[0-9.]+)?")
_CONF_MAX = 64 << 10
_CONF_FILES_MAX = 200

TRIPLETS = {
    "x86_64": "x86_64-linux-gnu",
    "aarch64": "aarch64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "loongarch64": "loongarch64-linux-gnu",
    "i686": "i386-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
}
"""Debian's multiarch folders, which its ld.so searches by default (wiki.debian.org/Multiarch)."""

_C_LIBRARY = re.compile(
    r"(libc|libm|libdl|librt|libpthread|libutil|libresolv|libnsl|libcrypt|libanl|libmvec"
    r"|libBrokenLocale|libthread_db)\.so(\.[0-9]+)?|ld(-linux|64|-musl)?[a-z0-9_-]*\.so\.[0-9]+"
    r"|libc\.musl-.*|linux-vdso\.so\.1"
)


def is_c_library(soname: str) -> bool:
    """Whether a library is part of the C library itself; it can only be the image's own."""
    return _C_LIBRARY.fullmatch(soname) is not None


def library_at(root: Node, path: str, user: ElfFile) -> ElfFile | None:
    """Read the library at a path; None where the loader would pass over it and look on.

    It does so where there is nothing, no ELF file, or one for another processor than the user's.
    """
    found = resolve_file(root, path)
    elf = None if found is None else read_elf(found.node)
    if found is None or elf is None or elf.ident[:3] != user.elf.ident[:3]:
        return None
    return ElfFile(found.path, found.node, elf)


class Linker:
    """Looks libraries up in one tree as the dynamic loader would."""

    def __init__(
        self, root: Node, *, first: Sequence[PurePosixPath] = (), library_path: Sequence[str] = ()
    ) -> None:
        self._root = root
        self._first = tuple(str(folder) for folder in first)
        self._library_path = tuple(library_path)
        self._found: dict[tuple[str, str, int], ElfFile | None] = {}

    def find(self, soname: str, user: ElfFile) -> ElfFile | None:
        """Return the library that a file would get for a soname; None where there is none."""
        for folder in self._folders(user):
            found = self._in_folder(folder, soname, user)
            if found is not None:
                return found
        return None

    def real_path(self, path: PurePosixPath) -> PurePosixPath | None:
        """Return where a link leads inside the tree; None where it leads to no file."""
        found = resolve_file(self._root, path)
        return found.path if found else None

    def closure(self, start: ElfFile) -> Iterator[tuple[str, ElfFile | None]]:
        """Yield everything a file needs, directly or not, as soname and file; each soname once.

        The C library's own files are left out.
        """
        seen: set[str] = set()
        pending = [start]
        while pending:
            user = pending.pop(0)
            for soname in user.elf.needed:
                if soname in seen or is_c_library(soname):
                    continue
                if len(seen) >= CLOSURE_MAX:
                    raise ImageError(f"{start.path} needs more than {CLOSURE_MAX} libraries")
                seen.add(soname)
                library = self.find(soname, user)
                yield soname, library
                if library is not None:
                    pending.append(library)

    def _folders(self, user: ElfFile) -> Iterator[str]:
        origin = str(user.path.parent)
        elf = user.elf
        own = elf.runpath or elf.rpath
        expanded = [re.sub(r"\$(ORIGIN|\{ORIGIN\})", lambda _: origin, folder) for folder in own]
        if not elf.runpath:
            yield from expanded
        yield from self._library_path
        if elf.runpath:
            yield from expanded
        yield from self._first
        yield from self._default_folders(user.arch)

    def _default_folders(self, arch: str) -> Iterator[str]:
        """Yield the folders that are searched for every program, whatever it asks for."""
        yield from self.configured
        triplet = TRIPLETS.get(arch)
        if triplet:
            yield from (f"/lib/{triplet}", f"/usr/lib/{triplet}")
        yield from ("/lib64", "/usr/lib64", "/lib", "/usr/lib")

    def default_names(self, arch: str) -> tuple[str, ...]:
        """Return the names of libraries that every program of an architecture finds."""
        names: set[str] = set()
        for folder in self._default_folders(arch):
            found = resolve(self._root, folder)
            if found is not None and found.node.kind is Kind.FOLDER:
                names.update(filter(_SONAME.fullmatch, found.node.entries()))
        return tuple(sorted(names)[:NAMES_MAX])

    def _in_folder(self, folder: str, soname: str, user: ElfFile) -> ElfFile | None:
        key = (folder, soname, user.elf.ident.machine)
        if key not in self._found:
            self._found[key] = library_at(self._root, f"{folder}/{soname}", user)
        return self._found[key]

    @cached_property
    def configured(self) -> tuple[str, ...]:
        """Folders that ld.so.conf names."""
        return tuple(islice(self._read_conf("/etc/ld.so.conf", depth=0), CONFIGURED_MAX))

    def _read_conf(self, path: str, *, depth: int) -> Iterator[str]:
        found = resolve_file(self._root, path)
        if found is None or depth > 2:  # noqa: PLR2004
            return
        for raw in read_text(found.node, limit=_CONF_MAX).splitlines():
            line = raw.split("#")[0].strip()
            if line.startswith("include"):
                for pattern in line.split()[1:]:
                    for name in self._matching(pattern):
                        yield from self._read_conf(name, depth=depth + 1)
            elif line.startswith("/"):
                yield line

    def _matching(self, pattern: str) -> list[str]:
        path = PurePosixPath("/etc") / pattern
        folder = resolve(self._root, path.parent)
        if folder is None or folder.node.kind is not Kind.FOLDER:
            return []
        names = fnmatch.filter(sorted(folder.node.entries()), path.name)
        return [str(path.parent / name) for name in names[:_CONF_FILES_MAX]]
