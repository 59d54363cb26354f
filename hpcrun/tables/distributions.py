"""The table of the processors that distributions build for; does not look into images."""

from collections.abc import Mapping, Sequence
from functools import cache

from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import version_key


class Baseline(Row):
    """The oldest processors that releases of some distributions run on."""

    ids: tuple[str, ...]
    since: str
    levels: Mapping[str, str]


class _Document(Document):
    baselines: tuple[Baseline, ...]


@cache
def _rows() -> tuple[Baseline, ...]:
    return load_table("distributions", _Document).baselines


def distribution_baseline(
    ids: Sequence[str], version: str, arch: str
) -> tuple[str, Baseline] | None:
    """Return the level of the first distribution that the table knows, with its row."""
    for name in ids:
        rows = [row for row in _rows() if name in row.ids]
        fitting = [row for row in rows if version_key(row.since) <= version_key(version)]
        row = max(fitting, key=lambda each: version_key(each.since), default=None)
        if row is not None and arch in row.levels:
            return row.levels[arch], row
    return None
