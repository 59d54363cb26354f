"""Container runtimes that the job's script can work with; does not look for them."""

from functools import cache

from hpcrun.tables.rows import Document, Row, load_table


class RuntimeRow(Row):
    """What the script asks of one make of runtime."""

    id: str
    kinds: tuple[str, ...]
    """As profiles name them."""
    since: str
    """The first version that has the option."""
    option: str


class _Document(Document):
    runtimes: tuple[RuntimeRow, ...]


@cache
def _rows() -> dict[str, RuntimeRow]:
    rows = load_table("runtimes", _Document).runtimes
    return {kind: row for row in rows for kind in row.kinds}


def runtime(kind: str) -> RuntimeRow | None:
    """Return what is asked of a kind of runtime; None where hpcrun does not work with it."""
    return _rows().get(kind)
