"""Network libraries and what gives them away; does not read any library."""

import re
from functools import cache, cached_property
from typing import Self

from pydantic import model_validator

from hpcrun.model.base import Unknown, is_known
from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, any_of, load_table
from hpcrun.tables.versions import version_key


class FabricRow(Row):
    """One network library."""

    id: str
    name: str
    pattern: Pattern
    """File names."""
    interface: Pattern | None = None
    """Versions of its public symbols."""
    private: Pattern | None = None
    """Versions of the symbols that its providers use."""
    versions: tuple[Pattern, ...] = ()
    """Forms of constants that tell the version; their first groups."""
    file_version: Pattern | None = None
    """Real file names that tell the version; their first group."""
    parts: Pattern | None = None
    """File names of its providers or transports; the first group is the name."""


class BuiltIn(Row):
    """A provider that may be inside a library."""

    library: str
    name: str
    pattern: Pattern
    """Constants that it leaves in the library."""


class Network(Row):
    """A way to reach a network that is faster than TCP."""

    network: str
    """As profiles name it: infiniband, omni-path, slingshot, efa."""
    library: str
    part: Pattern | None = None
    """Provider or transport of the library; None where the library itself reaches it."""
    provider: str | None = None
    """Libfabric's name of the way, where not every generation of the network takes it."""
    needs: tuple[str, ...] = ()
    """Libraries that the part loads besides."""


class DeadEnd(Row):
    """A library that never reaches a network."""

    network: str
    library: str
    message: str


class Generation(Row):
    """A generation of a network that is reached as another network."""

    network: str
    provider: str
    """What the nodes' libfabric has for it."""
    lacks: str
    same_as: str


class Driver(Row):
    """What of libibverbs drives an adapter."""

    device: Pattern
    parts: tuple[str, ...]
    libraries: tuple[str, ...]


class Unchosen(Row):
    """A way that an MPI has and does not take by itself."""

    implementation: str
    since: str = "0"
    network: str
    library: str
    unless: tuple[str, ...]
    message: str


class SlowChoice(Row):
    """A variable by which a job keeps its MPI off the network."""

    variable: str
    slow: tuple[str, ...]
    harmless: tuple[str, ...]


class Collective(Row):
    """By what a library of GPU collectives reaches a network."""

    network: str
    library: str
    """Row in gpus.yaml."""
    plugin: str | None = None
    """Row in gpus.yaml."""
    needs: str | None = None
    """Network library that it opens."""


class Fabrics(Document):
    """All that is known about network libraries."""

    libraries: tuple[FabricRow, ...]
    networks: tuple[Network, ...]
    dead_ends: tuple[DeadEnd, ...]
    generations: tuple[Generation, ...]
    drivers: tuple[Driver, ...]
    unchosen: tuple[Unchosen, ...]
    slow_choices: tuple[SlowChoice, ...]
    collectives: tuple[Collective, ...]
    built_in: tuple[BuiltIn, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        named = {row.library for row in self.built_in} | {row.library for row in self.networks}
        named |= {row.library for row in self.dead_ends} | {row.library for row in self.unchosen}
        named |= {need for row in self.networks for need in row.needs}
        named |= {library for row in self.drivers for library in row.libraries}
        named |= {row.needs for row in self.collectives if row.needs}
        if strangers := named - {row.id for row in self.libraries}:
            raise ValueError(f"rows about unknown libraries: {sorted(strangers)}")
        used = {row.network for row in self.dead_ends} | {row.network for row in self.unchosen}
        used |= {row.network for row in self.collectives}
        used |= {name for row in self.generations for name in (row.network, row.same_as)}
        if strangers := used - {row.network for row in self.networks}:
            raise ValueError(f"rows about networks that nothing reaches: {sorted(strangers)}")
        return self

    def is_fast(self, network: str) -> bool:
        """Whether there is a better way over a network than TCP."""
        return network in self._fast

    def reached_as(self, network: str, providers: tuple[str, ...] | Unknown) -> str:
        """Return the network whose ways count, by the providers that the nodes' libfabric has."""
        if is_known(providers):
            for row in self.generations:
                if row.network == network and row.provider in providers:
                    return network if row.lacks in providers else row.same_as
        return network

    def ways(
        self, network: str, library: str, part: str, providers: tuple[str, ...] | Unknown
    ) -> tuple[Network, ...]:
        """Return the rows by which a library reaches a network by one part, "" being itself."""
        return tuple(
            row
            for row in _ways(network, library, part)
            if row.provider is None or not is_known(providers) or row.provider in providers
        )

    def drivers_for(self, device: str) -> Driver | None:
        """Return what drives an adapter; None where its name tells nothing."""
        return next((row for row in self.drivers if re.fullmatch(row.device, device)), None)

    @cached_property
    def driver_libraries(self) -> frozenset[str]:
        """Libraries that are drivers of libibverbs themselves."""
        return frozenset(library for row in self.drivers for library in row.libraries)

    def dead_end(self, network: str, library: str) -> DeadEnd | None:
        """Return why a library does not reach a network."""
        rows = (row for row in self.dead_ends if (row.network, row.library) == (network, library))
        return next(rows, None)

    def left_alone(
        self, implementation: str, version: str, network: str, library: str
    ) -> Unchosen | None:
        """Return why an MPI does not take a library for a network by itself."""
        for row in self.unchosen:
            is_meant = (row.implementation, row.network) == (implementation, network)
            if is_meant and row.library == library:
                return row if version_key(version) >= version_key(row.since) else None
        return None

    def library(self, file_name: str) -> FabricRow | None:
        """Return the row whose pattern a file name matches."""
        if self._any_library.fullmatch(file_name) is None:
            return None
        return next((r for r in self.libraries if re.fullmatch(r.pattern, file_name)), None)

    @cached_property
    def _any_library(self) -> re.Pattern[str]:
        return any_of(self.libraries)

    @cached_property
    def _fast(self) -> frozenset[str]:
        return frozenset(row.network for row in self.networks)

    @cached_property
    def _by_id(self) -> dict[str, FabricRow]:
        return {row.id: row for row in self.libraries}

    def named(self, row_id: str) -> FabricRow | None:
        """Return a row by its id."""
        return self._by_id.get(row_id)


@cache
def _ways(network: str, library: str, part: str) -> tuple[Network, ...]:
    return tuple(
        row
        for row in fabrics().networks
        if row.network == network
        and row.library == library
        and (not part if row.part is None else re.fullmatch(row.part, part) is not None)
    )


@cache
def fabrics() -> Fabrics:
    """Return the table of network libraries."""
    return load_table("fabrics", Fabrics)
