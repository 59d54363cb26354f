"""The tables of PMI: what `srun --mpi` types serve, what PMIx pairs work; does not judge images."""

import re
from functools import cache, cached_property
from typing import Literal, Self, get_args

from pydantic import model_validator

from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import is_same, is_within

Kind = Literal["pmi1", "pmi2", "pmix"]


class SrunType(Row):
    """One kind of `srun --mpi` type and the PMI kinds that it serves."""

    id: str
    pattern: str
    serves: tuple[Kind, ...]
    may_serve: Family | None = None
    """Family of which it serves one vendor's builds."""
    vendor: str | None = None
    """That vendor's implementation; one that is not known may be it."""

    doubtful: tuple[str, ...] = ()
    """Implementations whose own PMI libraries only have the names of those that it serves."""

    def may_be_served(self, family: str, implementation: str) -> bool:
        """Whether a library may be a build that only that vendor's PMI serves."""
        if implementation in self.doubtful:
            return True
        if self.may_serve is None or family not in (self.may_serve, UNKNOWN):
            return False
        return self.vendor is None or implementation in (self.vendor, UNKNOWN)


class Unserved(Row):
    """What a library does when nobody serves the PMI that it speaks."""

    id: str
    family: Family
    since: str
    before: str
    is_silent: bool
    """Whether the job would end with exit code 0."""
    outcome: str


class Preference(Row):
    """Which PMI kinds a family takes, first choice first."""

    id: str
    family: Family
    kinds: tuple[Kind, ...]


class PmiTable(Document):
    """What is known about PMI under srun."""

    srun_types: tuple[SrunType, ...]
    unserved: tuple[Unserved, ...]
    preferences: tuple[Preference, ...]

    @model_validator(mode="after")
    def _check_families(self) -> Self:
        for family in Family:
            row = self.preference(family)
            if row is None or set(row.kinds) != set(get_args(Kind)):
                raise ValueError(f"no whole preference for family `{family}`")
            if self.outcome(family, "9998") is None:
                raise ValueError(f"no outcome for family `{family}`")
        return self

    def srun_type(self, name: str) -> SrunType | None:
        """Return the row for a type as `srun --mpi=list` prints it."""
        if name not in self._by_name:
            rows = (row for row in self.srun_types if re.fullmatch(row.pattern, name))
            self._by_name[name] = next(rows, None)
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, SrunType | None]:
        """What was asked for before."""
        return {}

    def outcome(self, family: Family, version: str) -> Unserved | None:
        """Return what a library of this version does unserved."""
        for row in self.unserved:
            if row.family is family and is_within(version, row.since, row.before):
                return row
        return None

    def preference(self, family: Family) -> Preference | None:
        """Return which kinds a family takes by itself."""
        return next((row for row in self.preferences if row.family is family), None)


class PmixPair(Row):
    """Whether clients of one range of PMIx versions work with servers of another."""

    id: str
    server_since: str
    server_before: str
    client_since: str
    client_before: str
    is_same: bool = False
    """Whether the row speaks of equal versions only."""
    slurm_since: str = "0"
    slurm_before: str | None = None
    """The row speaks only of Slurm from and before these versions."""
    answer: Answer

    def fits(self, server: str, client: str, slurm: str | None) -> bool:
        """Whether the row speaks of this pair; an unknown Slurm counts as an old one."""
        if self.slurm_before and not self._is_about_slurm(slurm):
            return False
        if self.is_same and not is_same(server, client):
            return False
        is_served = is_within(server, self.server_since, self.server_before)
        return is_served and is_within(client, self.client_since, self.client_before)

    def _is_about_slurm(self, slurm: str | None) -> bool:
        if slurm is None:
            return self.slurm_since == "0"
        return is_within(slurm, self.slurm_since, self.slurm_before or "9999")


class PmixTable(Document):
    """Pairs of PMIx versions; the last row fits every pair."""

    pairs: tuple[PmixPair, ...]

    def pair(self, *, server: str, client: str, slurm: str | None) -> PmixPair:
        """Return the first row that fits."""
        return next(row for row in self.pairs if row.fits(server, client, slurm))

    @model_validator(mode="after")
    def _check_last_row(self) -> Self:
        last = self.pairs[-1]
        if not (last.fits("0", "0", None) and last.fits("9998", "9998", "9998")):
            raise ValueError("the last row of the pairs must fit every pair")
        return self


@cache
def pmi() -> PmiTable:
    """Return the table of PMI under srun."""
    return load_table("pmi", PmiTable)


@cache
def pmix() -> PmixTable:
    """Return the table of PMIx pairs."""
    return load_table("pmix", PmixTable)
