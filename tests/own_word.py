"""What libraries and loaders say of themselves, beside what a passport says; collects, no asserts.

The library is loaded by a Python, where need be by the tree's own, and asked by the functions that
MPI, PMIx, libfabric and UCX have for that.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hpcrun.image.linking import is_c_library
from hpcrun.model.fabric import FabricLibrary
from hpcrun.model.image import ImageFacts, MpiLibrary
from hpcrun.model.seen import Certainty

ASK = r"""
import ctypes, json, os, sys
said = {"glibc": os.confstr("CS_GNU_LIBC_VERSION").split()[-1]}
for path in sys.argv[1:]:
    try:
        library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        said["error"] = str(error)
        break
    text, length = ctypes.create_string_buffer(16000), ctypes.c_int()
    major, minor = ctypes.c_int(), ctypes.c_int()
    if hasattr(library, "MPI_Get_library_version"):
        library.MPI_Get_library_version(text, ctypes.byref(length))
        library.MPI_Get_version(ctypes.byref(major), ctypes.byref(minor))
        said["mpi"] = text.value.decode()
        said["standard"] = "%d.%d" % (major.value, minor.value)
        said["large_count"] = hasattr(library, "MPI_Send_c")
        said["abi_query"] = hasattr(library, "MPI_Abi_get_version")
        said["open_mpi"] = hasattr(library, "ompi_mpi_comm_world")
    if hasattr(library, "PMIx_Get_version"):
        library.PMIx_Get_version.restype = ctypes.c_char_p
        said["pmix"] = library.PMIx_Get_version().decode()
    if hasattr(library, "fi_version"):
        number = library.fi_version()
        said["libfabric"] = "%d.%d" % (number >> 16, number & 0xFFFF)
    if hasattr(library, "ucp_get_version_string"):
        library.ucp_get_version_string.restype = ctypes.c_char_p
        said["ucx"] = library.ucp_get_version_string().decode()
print("SAID " + json.dumps(said))
"""
Ask = Callable[..., Mapping[str, Any]]
"""Load the libraries of these paths, in this order, and return what they say."""


class Compared(NamedTuple):
    """One fact of a passport beside what was said."""

    fact: str
    told: object
    said: object
    certainty: Certainty = Certainty.SURE

    @property
    def differs(self) -> bool:
        """Whether the passport is contradicted."""
        return self.told != self.said


def parse_answer(output: str) -> Mapping[str, Any]:
    """Find the answer among what libraries print when they are loaded."""
    lines = [line.removeprefix("SAID ") for line in output.splitlines() if line[:5] == "SAID "]
    answer: Mapping[str, Any] = json.loads(lines[-1]) if lines else {}
    return answer


def compare_mpi(library: MpiLibrary, said: Mapping[str, Any]) -> Iterator[Compared]:
    """Compare one MPI library with its own word."""
    name = library.file_name
    words = said["mpi"].replace(",", " ").replace("Open MPI v", "").split()
    # Intel's 2021.15 and 2021.15.0 are one release; its libraries say the one or the other.
    is_intel = "Intel" in said["mpi"]
    version = library.version.removesuffix(".0") if is_intel else library.version
    numbers = [word.removesuffix(".0") for word in words] if is_intel else words
    yield Compared(f"{name} version", version, version if version in numbers else said["mpi"])
    yield Compared(f"{name} large counts", library.has_large_count, said["large_count"])
    yield Compared(f"{name} ABI query", library.has_abi_query, said["abi_query"])
    yield Compared(f"{name} is Open MPI", library.implementation == "open-mpi", said["open_mpi"])
    if device := re.search(r"(?m)^MPICH Device:\s*(.+?)\s*$", said["mpi"]):
        yield Compared(f"{name} device", library.device, device[1])
    abilities = library.pmi if isinstance(library.pmi, tuple) else ()
    pmix = [ability.version for ability in abilities if ability.kind == "pmix"]
    if pmix and "pmix" in said:
        yield Compared(f"{name} PMIx", pmix[0], _word(said["pmix"], "OpenPMIx"))
    for use in library.fabrics:
        if use.how == "linked" and use.kind in {"libfabric", "ucx"}:
            yield Compared(f"{name} is linked to {use.kind}", use.kind, _key(said, use.kind))


def _word(text: str, before: str) -> str:
    """Return the word after another one, else the first one."""
    words = text.replace(",", " ").split()
    return words[words.index(before) + 1] if before in words else words[0]


def _key(said: Mapping[str, Any], key: str) -> str | None:
    return key if key in said else None


def compare_fabric(library: FabricLibrary, said: Mapping[str, Any]) -> Iterator[Compared]:
    """Compare a network library's version with its own word, as far as that goes."""
    own = said.get(library.kind)
    if own is None or library.version == "unknown":
        return
    told = ".".join(library.version.split(".")[: own.count(".") + 1])
    yield Compared(f"{library.path} version", told, own, library.certainty)


def compare_libraries(facts: ImageFacts, ask: Ask) -> Iterator[Compared]:
    """Compare every MPI and network library that can be loaded."""
    for library in facts.mpi:
        said = ask(library.path)
        if "mpi" in said:
            yield from compare_mpi(library, said)
    for fabric in facts.fabrics:
        if fabric.kind in {"libfabric", "ucx"}:
            yield from compare_fabric(fabric, ask(fabric.path))


def without_c_library(listed: Mapping[str, str | None]) -> dict[str, str | None]:
    """Leave out what is the C library's own, of which passports do not tell."""
    return {name: path for name, path in listed.items() if not is_c_library(name)}
