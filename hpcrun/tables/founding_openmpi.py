"""A third party's table of Open MPI under mpirun of other releases; evidence, and no rule."""

from collections.abc import Iterator
from functools import cache
from typing import Self

from pydantic import Field, model_validator

from hpcrun.tables.rows import Document, Row, load_table


class FoundingRow(Row):
    """What was seen with one release in the image."""

    image: str
    hosts: str = Field(pattern="^[wf-]+$")
    """For each of the host's releases: works, fails, not tested."""


class Difference(Row):
    """Why the engine says something else of some cells."""

    images: tuple[str, ...]
    hosts: tuple[str, ...]
    cause: str


class FoundingTable(Document):
    """All cells."""

    versions: tuple[str, ...]
    criterion: str
    """What counted as success."""
    cells: tuple[FoundingRow, ...]
    differences: tuple[Difference, ...]

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        sizes = {len(row.hosts) for row in self.cells} | {len(self.cells)}
        if sizes != {len(self.versions)} or self.versions != tuple(r.image for r in self.cells):
            raise ValueError("the table is not square")
        return self

    def seen(self) -> Iterator[tuple[str, str, str]]:
        """Yield image, host and what was seen, of every cell."""
        for row in self.cells:
            for host, letter in zip(self.versions, row.hosts, strict=True):
                yield row.image, host, {"w": "works", "f": "fails", "-": "not tested"}[letter]

    def cause(self, image: str, host: str) -> str | None:
        """Return why the engine differs in a cell, where that was written down."""
        rows = (row for row in self.differences if image in row.images and host in row.hosts)
        return next((row.cause for row in rows), None)


@cache
def founding_openmpi() -> FoundingTable:
    """Return the table."""
    return load_table("founding_openmpi", FoundingTable)
