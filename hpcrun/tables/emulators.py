"""The table of emulators that binfmt_misc handlers name; does not look at nodes."""

import re
from functools import cache
from typing import Literal

from pydantic import model_validator

from hpcrun.model.base import Unknown, is_known
from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer
from hpcrun.tables.processors import processor
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import VersionRange


class Offer(Row):
    """The level of processors that some versions of an emulator have."""

    level: str
    """Row of processors.yaml."""
    arch: str
    since: str
    before: str


class Emulator(Row):
    """One emulator and how far it can be trusted."""

    id: str
    pattern: str
    kind: Literal["handler", "machine", "wrapper"] = "handler"
    """What it does: runs programs for the kernel, is a whole machine, or starts one program."""
    mpi_since: str
    """First version whose shared memory between processes is right; 0 is every one."""
    is_exact: bool
    """Whether floating point is that of the processor by default."""
    found_since: str | None = None
    """First Apptainer that finds its handler by the magic that it registers."""
    offers: tuple[Offer, ...] = ()

    def offered(self, arch: str, version: str | Unknown) -> Offer | None:
        """Return what a version is known to have of an architecture."""
        if not is_known(version):
            return None
        fitting = (
            row
            for row in self.offers
            if row.arch == arch and VersionRange(since=row.since, before=row.before).holds(version)
        )
        return next(fitting, None)


class Clash(Row):
    """An MPI library that fails under some versions of an emulator, or about which nobody knows."""

    id: str
    emulator: str
    emulator_since: str
    emulator_before: str
    family: Family
    since: str
    before: str
    answer: Literal[Answer.INCOMPATIBLE, Answer.UNKNOWN]
    outcome: str


class OwnHandler(Row):
    """What a user needs to register a handler in a user namespace of their own."""

    id: str
    kernel_since: str


class Magic(Row):
    """The bytes by which Apptainer wants a handler to know programs of an architecture."""

    arch: str
    magic: str


class _Document(Document):
    emulators: tuple[Emulator, ...]
    clashes: tuple[Clash, ...]
    own_handlers: tuple[OwnHandler, ...]
    magics: tuple[Magic, ...]

    @model_validator(mode="after")
    def _check_emulators(self) -> "_Document":
        strange = {row.emulator for row in self.clashes} - {row.id for row in self.emulators}
        if strange:
            raise ValueError(f"no emulator has the id {', '.join(sorted(strange))}")
        for row in self.emulators:
            for offer in row.offers:
                level = processor(offer.level)
                if level is None or level.arch != offer.arch:
                    raise ValueError(f"no processor of {offer.arch} is called `{offer.level}`")
        return self


@cache
def _table() -> _Document:
    return load_table("emulators", _Document)


def emulator(name: str) -> Emulator | None:
    """Return the row of an emulator as profiles name it."""
    return next(
        (row for row in _table().emulators if re.fullmatch(row.pattern, name.lower())), None
    )


def own_handler() -> OwnHandler:
    """Return what a handler in one's own user namespace needs."""
    (row,) = _table().own_handlers
    return row


def handler_magic(arch: str) -> Magic | None:
    """Return the bytes that Apptainer wants for an architecture."""
    return next((row for row in _table().magics if row.arch == arch), None)


def emulation_clash(
    name: str, emulator_version: str | Unknown, family: Family | Unknown, version: str | Unknown
) -> Clash | None:
    """Return what is known against an MPI library under an emulator; unknown versions are any."""
    row = emulator(name)
    for clash in _table().clashes:
        if (
            (row and row.id, family) == (clash.emulator, clash.family)
            and _may_hold(clash.emulator_since, clash.emulator_before, emulator_version)
            and _may_hold(clash.since, clash.before, version)
        ):
            return clash
    return None


def _may_hold(since: str, before: str, version: str | Unknown) -> bool:
    return not is_known(version) or VersionRange(since=since, before=before).holds(version)
