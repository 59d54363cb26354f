"""The folders in which a tree's dynamic loader looks by itself; does not look for libraries.

glibc: its cache, then built-in folders, which differ between distributions. musl: one file of its
own, else three folders (ldso/dynlink.c). What ld.so.conf names counts for ldconfig alone.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.image.ld_cache import Cache, read_ld_cache
from hpcrun.image.linking import TRIPLETS, Linker
from hpcrun.image.tree import Kind, Node, read_text, resolve, resolve_file

BUILT_IN = "the loader's own folders"
CONFIGURED = "ld.so.conf"
_MUSL = re.compile(r"ld-musl-(?P<arch>[a-z0-9_-]+)\.so\.1")
_MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")
_TEXT_MAX = 64 << 10
_FOLDERS_MAX = 64


class Place(NamedTuple):
    """A folder to look in, and the rule that names it."""

    folder: str
    rule: str


class LibraryPlaces:
    """What the loaders of one tree search, whatever program they load."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._linker = Linker(root)

    @cached_property
    def cache(self) -> Cache | None:
        """Glibc's cache; None where there is none."""
        return read_ld_cache(self.root)

    def built_in(self, arch: str) -> tuple[Place, ...]:
        """Return the folders that glibc was built with, as its distribution builds it."""
        triplet = TRIPLETS.get(arch)
        if triplet and self._is_folder(f"/usr/lib/{triplet}"):
            folders = (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib")
        else:
            folders = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
        return tuple(Place(folder, BUILT_IN) for folder in folders)

    def configured(self) -> tuple[Place, ...]:
        """Return the folders of ld.so.conf: ldconfig reads it, the loader does not."""
        return tuple(Place(folder, CONFIGURED) for folder in self._linker.configured)

    def of_musl(self, loader: str) -> tuple[Place, ...]:
        """Return the folders that a musl loader searches."""
        match = _MUSL.fullmatch(PurePosixPath(loader).name)
        conf = f"/etc/ld-musl-{match['arch']}.path" if match else ""
        found = resolve_file(self.root, conf) if conf else None
        if found is None:
            return tuple(Place(folder, BUILT_IN) for folder in _MUSL_FOLDERS)
        words = re.split(r"[:\n]", read_text(found.node, limit=_TEXT_MAX))
        return tuple(Place(word, conf) for word in words[:_FOLDERS_MAX] if word.startswith("/"))

    def lib_word(self, arch: str) -> str:
        """Return what `$LIB` stands for in this tree."""
        triplet = TRIPLETS.get(arch)
        if triplet and self._is_folder(f"/usr/lib/{triplet}"):
            return f"lib/{triplet}"
        return "lib64" if self._is_folder("/usr/lib64") else "lib"

    def _is_folder(self, path: str) -> bool:
        found = resolve(self.root, path)
        return found is not None and found.node.kind is Kind.FOLDER


def is_musl(loader: str) -> bool:
    """Whether a program asks for musl's loader."""
    return _MUSL.fullmatch(PurePosixPath(loader).name) is not None


def split_path(text: str) -> Sequence[str]:
    """Split LD_LIBRARY_PATH as glibc does."""
    return [word for word in re.split("[:;]", text) if word][:_FOLDERS_MAX]
