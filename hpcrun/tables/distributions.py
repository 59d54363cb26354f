"""What distributions build for and bring: processors, C libraries; does not look into images."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Self

from pydantic import model_validator

from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import VersionRange, version_key


class Baseline(Row):
    """The oldest processors that releases of some distributions run on."""

    ids: tuple[str, ...]
    since: str
    levels: Mapping[str, str]


class Libraries(Row):
    """The C and C++ libraries of some releases of a distribution."""

    ids: tuple[str, ...]
    since: str
    before: str
    glibc: str
    glibcxx: str | None = None
    """Highest GLIBCXX_x.y.z of its libstdc++."""


class _Document(Document):
    baselines: tuple[Baseline, ...]
    libraries: tuple[Libraries, ...]

    @model_validator(mode="after")
    def _check_ladders(self) -> Self:
        """Newer releases of a distribution never go back to an older library."""
        by_id: dict[str, list[Libraries]] = {}
        for row in self.libraries:
            VersionRange(since=row.since, before=row.before)
            for name in row.ids:
                by_id.setdefault(name, []).append(row)
        for name, rows in by_id.items():
            rows.sort(key=lambda row: version_key(row.since))
            for older, newer in pairwise(rows):
                if version_key(older.before) > version_key(newer.since):
                    raise ValueError(f"two rows hold for one release of `{name}`")
                if version_key(older.glibc) > version_key(newer.glibc):
                    raise ValueError(f"glibc of `{name}` goes back in {newer.since}")
        return self


@cache
def _table() -> _Document:
    return load_table("distributions", _Document)


@cache
def distribution_libraries(name: str, version: str) -> Libraries | None:
    """Return the row of a release, by ID and VERSION_ID of its os-release."""
    for row in _table().libraries:
        if name in row.ids and VersionRange(since=row.since, before=row.before).holds(version):
            return row
    return None


def distribution_baseline(
    ids: Sequence[str], version: str, arch: str
) -> tuple[str, Baseline] | None:
    """Return the level of the first distribution that the table knows, with its row."""
    for name in ids:
        rows = [row for row in _table().baselines if name in row.ids]
        fitting = [row for row in rows if version_key(row.since) <= version_key(version)]
        row = max(fitting, key=lambda each: version_key(each.since), default=None)
        if row is not None and arch in row.levels:
            return row.levels[arch], row
    return None
