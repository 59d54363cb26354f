"""What network libraries need of each other: drivers, symbol versions; not which network it is."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.compat.evidence import asked, fits, in_image, incompatible, library_name, listed
from hpcrun.model.base import is_known
from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.model.nodes import Fabric
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabric_versions import UcxNeed, fabric_versions, interface_key
from hpcrun.tables.fabrics import fabrics
from hpcrun.tables.versions import version_key

_DRIVERS = asked("fabric-drivers")
_LIBFABRIC = asked("libfabric")
_UCX = asked("ucx")
_DRIVER_NAME = re.compile(r"lib([a-z0-9_]+?)(?:-rdmav[0-9]+)?\.so")


class MpiHolder(NamedTuple):
    """An MPI library, and where its network libraries come from."""

    facts: ImageFacts
    library: MpiLibrary
    stack_name: str = ""
    stack: StackFacts | None = None
    """The host stack that is bound into the image; None where the MPI is the image's own."""

    @property
    def mpi(self) -> str:
        """The MPI's name and version."""
        return f"{library_name(self.library)} {self.library.version}".removesuffix(" unknown")

    @property
    def owner(self) -> str:
        """Whose it is, for sentences."""
        return f"of stack `{self.stack_name}`" if self.stack_name else "of the image"

    @property
    def library_found(self) -> str:
        """Which library it is, and where."""
        return f"`{self.library.soname}`, {self.mpi}, at {self.place(self.library.path)}"

    @property
    def fabrics(self) -> tuple[FabricLibrary, ...]:
        """Network libraries that it may load: of its processor, the stack's before the image's."""
        every = (*(self.stack.fabrics if self.stack else ()), *self.facts.fabrics)
        archs = (self.library.arch, "unknown")
        return tuple(found for found in every if found.arch in archs)

    def place(self, path: str) -> str:
        """Name a file of it."""
        if self.stack is not None and any(path == found.path for found in self.facts.fabrics):
            return in_image(self.facts, path)
        return f"`{path}` of `{self.stack_name}`" if self.stack else in_image(self.facts, path)


def parts_of(holder: MpiHolder) -> Iterator[tuple[str, str]]:
    """Yield the network libraries that an MPI library uses, with each of their parts."""
    every = holder.fabrics
    for use in holder.library.fabrics:
        yield use.kind, ""
        for found in every:
            if found.kind == use.kind:
                yield from ((use.kind, part) for part in (*found.built_in, *found.parts))


def lacking_of(holder: MpiHolder, needs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of network libraries that are needed and nowhere to be found."""
    kinds = {found.kind for found in holder.fabrics}
    rows = (fabrics().named(need) for need in needs if need not in kinds)
    return tuple(row.name for row in rows if row)


def check_drivers(holder: MpiHolder, fabric: Fabric, seen: tuple[str, ...]) -> Verdict:
    """Judge whether libibverbs has a driver for the nodes' adapters that it would take."""
    verbs = [found for found in holder.fabrics if found.kind == "verbs"]
    foreign = {
        match.group(1): text
        for found in verbs
        for text in found.foreign_parts
        if (match := _DRIVER_NAME.match(text))
    }
    drivers = {part for found in verbs for part in found.parts}
    drivers |= {found.kind for found in holder.fabrics} & fabrics().driver_libraries
    drivers -= foreign.keys()
    at = holder.place(verbs[0].path)
    own = f"libibverbs at {at} has drivers: {', '.join(sorted(drivers)) or 'none'}"
    lacking = _without_driver(fabric, drivers)
    if foreign and (lacking or not _are_told(fabric)):
        force = Force.REFUSES if lacking else Force.WARNS
        return _foreign_drivers(holder, verbs[0], seen, force=force)
    if not lacking:
        return fits(_DRIVERS, *seen, own)
    reason = Reason(
        code="HPR322",
        message=f"libibverbs {holder.owner} has no driver for {lacking}",
        evidence=(*seen, own),
        table_row=_DRIVERS,
    )
    return incompatible(reason)


def _are_told(fabric: Fabric) -> bool:
    """Whether the profile names adapters whose driver is known."""
    devices = fabric.devices if is_known(fabric.devices) else ()
    return any(fabrics().drivers_for(device) for device in devices)


def _without_driver(fabric: Fabric, drivers: set[str]) -> str:
    """Say which adapters nothing drives; "" where one has a driver, or nobody knows it."""
    devices = fabric.devices if is_known(fabric.devices) else ()
    rows = {device: fabrics().drivers_for(device) for device in devices}
    bare = [
        device
        for device, row in rows.items()
        if row and drivers.isdisjoint((*row.parts, *row.libraries))
    ]
    if bare and len(bare) == len(rows):
        return listed(bare)
    return "" if drivers else "any adapter"


def _foreign_drivers(
    holder: MpiHolder, verbs: FabricLibrary, seen: tuple[str, ...], *, force: Force
) -> Verdict:
    own = verbs.private or "other private symbols"
    reason = Reason(
        code="HPR323",
        message=f"drivers beside libibverbs {holder.owner} are of another rdma-core",
        evidence=(
            *seen,
            f"{holder.place(verbs.path)} has {own}{_release(own)}",
            *(f"{text}{_release(text.rpartition('_')[2])}" for text in verbs.foreign_parts[:3]),
        ),
        table_row=_DRIVERS,
    )
    return incompatible(reason, force=force)


def _release(private: str) -> str:
    """Say which releases a version of the private symbols is of."""
    number = version_key(private)
    name = fabric_versions().rdma_core_of(number[0]) if number else None
    return f" ({name})" if name else ""


def check_libfabric(holder: MpiHolder) -> Verdict:
    """Judge whether the libfabric that an MPI library finds has the symbols that it needs."""
    for use in holder.library.fabrics:
        if use.kind != "libfabric":
            continue
        found = _libfabric_found(holder, use)
        if found is not None:
            return judge_interface(
                holder,
                use.interface_needed,
                found.interface,
                where=f"libfabric {found.version} at {holder.place(found.path)}",
            )
        if use.how == "loaded" and not any(f.kind == "libfabric" for f in holder.fabrics):
            return _without_libfabric(holder, use.evidence)
    return fits(_LIBFABRIC, f"{holder.library_found}: no libfabric is known to be too old for it")


def _libfabric_found(holder: MpiHolder, use: FabricUse) -> FabricLibrary | None:
    """Return the libfabric that is loaded: of a host stack only the prefix gets into containers."""
    stack = holder.stack
    is_shown = stack is None or (use.path and PurePosixPath(use.path).is_relative_to(stack.prefix))
    if is_shown:
        return next((each for each in holder.fabrics if each.path == use.path), None)
    own = [each for each in holder.facts.fabrics if each.kind == use.kind and each.interface]
    return max(own, key=lambda each: interface_key(each.interface or ""), default=None)


def judge_interface(
    holder: MpiHolder, needed: str | None, offered: str | None, *, where: str
) -> Verdict:
    """Judge the version of libfabric's symbols that an MPI needs against one that is offered."""
    seen = (
        f"{holder.library_found} needs {needed or 'no version that is known'}",
        f"{where} has symbols up to {offered or 'an unknown version'}",
    )
    if not needed or not offered:
        return fits(_LIBFABRIC, *seen)
    since = fabric_versions().libfabric_with(needed)
    row = f"fabric_versions.yaml libfabric `{needed}`" if since else _LIBFABRIC
    if interface_key(needed) <= interface_key(offered):
        return fits(row, *seen)
    reason = Reason(
        code="HPR324",
        message=f"{holder.mpi} needs {needed}, and libfabric has no more than {offered}",
        evidence=(*seen, *((f"{needed} is in libfabric since {since}",) if since else ())),
        table_row=row,
    )
    return incompatible(reason)


def _without_libfabric(holder: MpiHolder, evidence: str) -> Verdict:
    reason = Reason(
        code="HPR324",
        message=f"{holder.mpi} looks for libfabric, and there seems to be none",
        evidence=(holder.library_found, evidence, "no libfabric was found where it would look"),
        table_row=_LIBFABRIC,
    )
    return incompatible(reason, force=Force.WARNS)


def check_ucx(holder: MpiHolder) -> Verdict:
    """Judge UCX by the releases of the libraries beside it."""
    used = {use.path for use in holder.library.fabrics if use.kind == "ucx"}
    for ucx in holder.fabrics:
        if ucx.path not in used or not is_known(ucx.version):
            continue
        for row in fabric_versions().ucx_needs(ucx.version):
            for other in holder.fabrics:
                if other.kind != row.library or not is_known(other.version):
                    continue
                if version_key(other.version) < version_key(row.at_least):
                    return _old_beside_ucx(holder, ucx, other, row)
    return fits(_UCX, f"{holder.library_found}: nothing beside its UCX is known to be too old")


def _old_beside_ucx(
    holder: MpiHolder, ucx: FabricLibrary, other: FabricLibrary, need: UcxNeed
) -> Verdict:
    row = fabrics().named(other.kind)
    name = row.name if row else other.kind
    reason = Reason(
        code="HPR327",
        message=f"UCX {ucx.version} needs {name} {need.at_least}, and there is {other.version}",
        evidence=(
            f"UCX {ucx.version} at {holder.place(ucx.path)}",
            f"{name} {other.version} at {holder.place(other.path)}",
        ),
        table_row=f"fabric_versions.yaml ucx since `{need.since}`",
    )
    return incompatible(reason, force=Force.WARNS)
