"""What versions of container runtimes can and do; does not look for them."""

from functools import cache
from typing import Self

from pydantic import model_validator

from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import VersionRange


class RuntimeRow(Row):
    """What the script asks of one make of runtime."""

    id: str
    kinds: tuple[str, ...]
    """As profiles name them."""
    since: str
    """The first version that has the option."""
    option: str


class Demand(Row):
    """What one rank in a container of its own takes of a node."""

    id: str
    kinds: tuple[str, ...]
    per_rank: int
    at_start: int | None = None
    """What it may take while it starts."""
    many: int | None = None
    """From how many ranks on a node on it is felt."""


class Order(Row):
    """Whether libraries of the host come before the image's, in some versions."""

    id: str
    kinds: tuple[str, ...]
    since: str
    before: str
    host_first: bool


class _Document(Document):
    runtimes: tuple[RuntimeRow, ...]
    features: tuple[RuntimeRow, ...]
    demands: tuple[Demand, ...]
    orders: tuple[Order, ...]

    @model_validator(mode="after")
    def _check_kinds(self) -> Self:
        known = {kind for row in self.runtimes for kind in row.kinds}
        used = {kind for row in self.features for kind in row.kinds}
        used |= {kind for row in self.demands for kind in row.kinds}
        strangers = (used | {kind for row in self.orders for kind in row.kinds}) - known
        if strangers:
            raise ValueError(f"no runtime is called {', '.join(sorted(strangers))}")
        return self


@cache
def _table() -> _Document:
    return load_table("runtimes", _Document)


@cache
def runtime(kind: str) -> RuntimeRow | None:
    """Return what is asked of a kind of runtime; None where hpcrun does not work with it."""
    return next((row for row in _table().runtimes if kind in row.kinds), None)


@cache
def runtime_feature(name: str, kind: str) -> RuntimeRow | None:
    """Return the row of something that only newer versions of a kind can do."""
    rows = _table().features
    return next((row for row in rows if row.id == name and kind in row.kinds), None)


@cache
def runtime_demand(name: str, kind: str) -> Demand | None:
    """Return what a rank takes of its node under a kind of runtime."""
    rows = _table().demands
    return next((row for row in rows if row.id == name and kind in row.kinds), None)


@cache
def library_order(name: str, kind: str, version: str) -> Order | None:
    """Return the row by which a version orders libraries: of a path that was set, or mounted."""
    for row in _table().orders:
        holds = VersionRange(since=row.since, before=row.before).holds(version)
        if row.id.startswith(name) and kind in row.kinds and holds:
            return row
    return None
