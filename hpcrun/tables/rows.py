"""What all tables share: rows with a source, and the one loader; does not know any table's content.

A table is written as YAML, because people review it, and shipped beside it as JSON, because YAML
is slow to read (194 kB: ruamel.yaml 0.3 s, JSON 1 ms). The JSON names the SHA-256 of the YAML that
it was made from: in a checkout whose YAML was edited the YAML is read, so that an edit always
counts; a test keeps the shipped JSON fresh (tests/tools/compile_tables.py). Nothing is written at
run time, so hpcrun works from a read-only prefix.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import Field

from hpcrun import resources
from hpcrun.model.base import Value


class Row(Value):
    """One fact with the place where it was read or measured."""

    source: str = Field(min_length=1)
    reason: str | None = None
    """Why the row is as it is, where the source does not say it."""


class Document(Value):
    """A whole table file; subclasses name its lists of rows and check them against each other."""

    as_of: date
    """The day on which the rows were last compared with their sources."""


D = TypeVar("D", bound=Document)


class Named(Protocol):
    """A row about what has a name of some form."""

    @property
    def pattern(self) -> str:
        """The form, of the whole name."""


def any_of(rows: Iterable[Named]) -> re.Pattern[str]:
    """Return the form of all names that any row is about.

    To be asked first: of thousands of files in an image few are known to any row.
    """
    return re.compile("|".join(f"(?:{row.pattern})" for row in rows))


def load_table(name: str, document: type[D], *, folder: Path | None = None) -> D:
    """Load and check one table; a wrong table is a bug in hpcrun, so its error is not caught."""
    source = (folder or resources.package_folder("tables")) / f"{name}.yaml"
    return document.model_validate_json(json.dumps(read_table_json(source)))


def read_table_json(source: Path) -> Any:
    """Return the content of a table as JSON types, from its compiled twin where that is fresh."""
    text = source.read_bytes()
    compiled = source.with_suffix(".json")
    if compiled.is_file():
        twin = json.loads(compiled.read_bytes())
        if twin["sha256"] == hashlib.sha256(text).hexdigest():
            return twin["table"]
    return parse_table(text)


def parse_table(text: bytes) -> Any:
    """Parse the YAML text of a table into JSON types."""
    from ruamel.yaml import YAML

    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))
