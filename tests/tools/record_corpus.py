"""Writes the passports of Debian's MPIs, of every suite and processor, into tests/corpora/images.

    python -m tests.tools.record_corpus [NAME …]

NAME is a row of tests/debian_tree.py, as `openmpi-5.0.7-x86_64`; all where none is given. What the
archive no longer has is told and left as it is.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hpcrun.errors import HpcrunError
from tests.debian_tree import ROWS, Row, build_command, build_tree, remove_tree
from tests.tools.record_passport import record_image


def main() -> None:
    """Build each tree, write what is read of it, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[row.name for row in ROWS], metavar="NAME")
    names = parser.parse_args().names or [row.name for row in ROWS]
    with tempfile.TemporaryDirectory() as folder:
        for row in (row for row in ROWS if row.name in names):
            try:
                _record(row, Path(folder))
            except HpcrunError as error:
                sys.stderr.write(f"{row.name}: {error.message}; left as it is\n")


def _record(row: Row, folder: Path) -> None:
    tree = build_tree(row, folder)
    day = datetime.now(UTC).date()
    recipe = " ".join(build_command(row, mirror=None)[:-2])
    try:
        record_image(tree.root, row.name, f"{recipe} {row.suite}; read on {day}")
    finally:
        remove_tree(tree)


if __name__ == "__main__":
    main()
