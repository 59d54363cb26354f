"""Which nodes can run programs for another processor, and by what; registers no handler itself.

Since Linux 6.7 a user namespace has a list of handlers (binfmt_misc) of its own. The sandbox
registers in its own (inside/box.sh), so the machine's list is neither used nor changed, unless root
asks for that (registration.py).
"""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from functools import cache as remember
from pathlib import Path

from pydantic import Field

from hpcrun import resources
from hpcrun.errors import UnavailableError, UsageError
from hpcrun.hostlist import expand_hostlist
from hpcrun.sandbox import linux, namespace, owners, rootfs
from hpcrun.sandbox.identity import Identity
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.progress import Progress
from hpcrun.sandbox.registration import LIST, entry_name
from hpcrun.tables.rows import Document, Row, load_table

# Inside the box; the kernel opens it when it is registered (flag F), so nodes need not see it.
_PLACE_INSIDE = Path("/run/box/emulator")
_FLAGS = "F"
_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")


class EmulatorRow(Row):
    """One emulator, and how the kernel knows the programs that are for it."""

    arch: str
    on: str
    emulator: str
    suite: str
    package: str
    program: str
    magic: str = Field(pattern=r"^([0-9a-f]{2}){20}$")
    mask: str = Field(pattern=r"^([0-9a-f]{2}){20}$")


class _Document(Document):
    emulators: tuple[EmulatorRow, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Emulator:
    """An emulator that is at hand."""

    arch: str
    name: str
    version: str
    flags: str
    handler: str
    """What makes the kernel start it for such programs (binfmt_misc of the kernel's manual)."""
    folder: Path


@dataclass(frozen=True)
class Emulation:
    """An emulator and the nodes that have it."""

    emulator: Emulator
    nodes: tuple[str, ...]


@remember
def find_row(machine: str) -> EmulatorRow | None:
    """Return the emulator for a machine's processor, if there is one."""
    folder = resources.package_folder("sandbox")
    rows = load_table("emulators", _Document, folder=folder).emulators
    return next((row for row in rows if row.on == machine), None)


def choose_nodes(wanted: str | None, nodes: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the nodes are to emulate: all unless something else was asked for."""
    if wanted in {None, "all"}:
        return nodes
    if wanted == "none":
        return ()
    chosen = set(expand_hostlist(wanted or ""))
    strange = sorted(chosen - set(nodes))
    if strange or not chosen:
        raise UsageError(
            f"no compute node is named `{strange[0] if strange else wanted}`",
            help=[f"--emulation takes `all`, `none` or some of {', '.join(nodes)}"],
        )
    return tuple(node for node in nodes if node in chosen)


def provide(
    where: Places, identity: Identity, shows: Progress, *, registers: bool = False
) -> Emulator:
    """Find the emulator in the cache, or fetch it, where this machine can make use of one.

    Its handler is for the sandbox's own list, or for the machine's if that is asked for.
    """
    row = find_row(platform.machine())
    if row is None:
        raise UnavailableError(f"no emulator is known for {platform.machine()} machines")
    maps = identity.maps
    if not registers and not _has_own_list(maps):
        raise UnavailableError(
            "nodes can emulate other processors only where a user namespace may have handlers of "
            f"its own (binfmt_misc, since Linux 6.7; this is Linux {platform.release()})",
            help=["root may change the machine's: sudo hpcrun sandbox up --register-emulation"],
        )
    recipe = (fetch_command(row, Path("/target"), mirror=None),)
    kind = f"emulator-{row.arch}"
    folder = owners.keep(
        where.cache, kind, recipe, identity, lambda new: _fetch(row, maps, new, shows)
    )
    entry = entry_name(where.folder) if registers else Path(row.program).name
    place = folder.absolute() if registers else _PLACE_INSIDE
    return Emulator(
        arch=row.arch,
        name=row.emulator,
        version=_read_version(folder / row.program),
        flags=_FLAGS,
        handler=format_handler(row, entry, place / row.program),
        folder=folder,
    )


def _has_own_list(maps: IdMaps) -> bool:
    """Try it, in namespaces that end at once."""

    def body() -> None:
        try:
            linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
            linux.mount("binfmt_misc", LIST, kind="binfmt_misc")
        except OSError:
            os._exit(1)

    return namespace.run(maps, linux.CLONE_NEWNS, body) == 0


def _fetch(row: EmulatorRow, maps: IdMaps, new: Path, shows: Progress) -> None:
    shows.step(f"fetching the emulator for {row.arch} programs ({row.package})")
    mirror = rootfs.read_mirror()
    options = rootfs.read_apt_proxies()
    argv = fetch_command(row, new, mirror=mirror, apt_options=options)
    rootfs.run_mmdebstrap(argv, new, maps, shows, mirror=mirror)


def fetch_command(
    row: EmulatorRow, target: Path, *, mirror: str | None, apt_options: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Compose the command line that unpacks the one file, and runs nothing of the package."""
    wanted = rootfs.Unpacked(row.suite, row.package, (row.program,))
    return rootfs.unpack_command(wanted, target, mirror=mirror, apt_options=apt_options)


def _read_version(program: Path) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stdout)
    return found[1] if found else "unknown"


def format_handler(row: EmulatorRow, name: str, program: Path) -> str:
    """Write the line that the kernel takes (`:name:M:offset:magic:mask:interpreter:flags`).

    Whatever stands first divides the fields.
    """
    fields = ("", name, "M", "", _escape(row.magic), _escape(row.mask), str(program), _FLAGS)
    between = next(mark for mark in ":|;,!\n" if mark not in str(program))
    return between.join(fields)


def _escape(digits: str) -> str:
    return "".join(f"\\x{digits[i : i + 2]}" for i in range(0, len(digits), 2))
