"""The table of MPI ABI families: sonames, replacements, choosers; does not judge images."""

from functools import cache
from typing import Literal, Self

from pydantic import model_validator

from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import VersionRange


class Soname(Row):
    """One soname and the family whose libraries carry it in a range of versions."""

    soname: str
    family: Family
    since: str
    before: str


class Replacement(Row):
    """Whether a host library of one version may stand in for the image's of another."""

    id: str
    soname: str
    family: Family
    image_since: str
    image_before: str
    stack_since: str
    stack_before: str
    direction: Literal["forward", "backward"]
    """forward: the host library is at least as new as the image's."""
    answer: Answer
    is_risky: bool = False
    """Whether it works only for programs that call nothing newer than the host library."""

    def fits(self, image_version: str, stack_version: str) -> bool:
        """Whether the row speaks of these two versions (not of their direction)."""
        image = VersionRange(since=self.image_since, before=self.image_before)
        stack = VersionRange(since=self.stack_since, before=self.stack_before)
        return image.holds(image_version) and stack.holds(stack_version)


class Chooser(Row):
    """A module that looks for an MPI library at run time, and the variable that tells it which."""

    path_part: str
    variable: str
    families: tuple[Family, ...]


class MpiAbiTable(Document):
    """All that is known about swapping MPI libraries."""

    sonames: tuple[Soname, ...]
    replacements: tuple[Replacement, ...]
    choosers: tuple[Chooser, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        known = {(row.soname, row.family) for row in self.sonames}
        for row in self.replacements:
            if (row.soname, row.family) not in known:
                raise ValueError(f"replacement `{row.id}` speaks of a soname without a row")
        if len({row.id for row in self.replacements}) != len(self.replacements):
            raise ValueError("two replacements share an id")
        return self

    def families_of(self, soname: str) -> tuple[Family, ...]:
        """Families whose libraries carry this soname."""
        return tuple(dict.fromkeys(r.family for r in self.sonames if r.soname == soname))

    def replacement(
        self, soname: str, family: Family, *, image_version: str, stack_version: str, direction: str
    ) -> Replacement | None:
        """Return the row that decides, or None where nothing is known."""
        for row in self.replacements:
            if (row.soname, row.family, row.direction) != (soname, family, direction):
                continue
            if row.fits(image_version, stack_version):
                return row
        return None

    def chooser(self, path: str) -> Chooser | None:
        """Return the row of the run-time chooser that a module's path belongs to."""
        parts = path.split("/")
        return next((row for row in self.choosers if row.path_part in parts), None)


@cache
def mpi_abi() -> MpiAbiTable:
    """Return the table of MPI ABI families."""
    return load_table("mpi_abi", MpiAbiTable)
