"""Which PMIx a library file is, and which one an Open MPI release carries; does not read files."""

import re
from functools import cache

from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, load_table


class PmixFileName(Row):
    """What the numbers of a real file name say; `{revision}` is the pattern's first group."""

    pattern: Pattern
    version: str


class Bundled(Row):
    """The PMIx that an Open MPI release carries."""

    openmpi: str
    pmix: str


class PmixVersions(Document):
    """All that is known about telling PMIx versions."""

    file_names: tuple[PmixFileName, ...]
    bundled: tuple[Bundled, ...]

    def by_file_name(self, file_name: str) -> str | None:
        """Return the version, or only its series, of a library's real file name."""
        for row in self.file_names:
            if match := re.fullmatch(row.pattern, file_name):
                revision = match.group(1) if match.re.groups else ""
                return row.version.replace("{revision}", revision)
        return None

    def bundled_with(self, openmpi: str) -> str | None:
        """Return the PMIx that an Open MPI release carries in its sources."""
        return next((row.pmix for row in self.bundled if row.openmpi == openmpi), None)


@cache
def pmix_versions() -> PmixVersions:
    """Return the table of PMIx file names and bundled copies."""
    return load_table("pmix_versions", PmixVersions)
