"""The table of what scripts say to others than hpcrun: variables, host paths, modules."""

import re
from functools import cache

from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.runtime_options import Meaning
from hpcrun.tables.versions import VersionRange


class Leak(Row):
    """Exported variables, and what they do in the container."""

    name: str
    """A pattern."""
    reaches: bool
    is_fragile: bool = False
    what: str


class RuntimeVariable(Row):
    """Variables that set an option of the runtime."""

    name: str
    """A pattern."""
    means: Meaning


class HostPart(Row):
    """A folder or file of the host that a recipe of the bind model mounts."""

    path: str


class ContainerModule(Row):
    """A module that changes what containers get."""

    name: str
    """A pattern."""
    what: str


class Behaviour(Row):
    """What releases of Slurm do that scripts do not expect."""

    name: str
    versions: VersionRange


class ScriptWords(Document):
    """All of them."""

    leaks: tuple[Leak, ...]
    runtime_variables: tuple[RuntimeVariable, ...]
    host_parts: tuple[HostPart, ...]
    container_modules: tuple[ContainerModule, ...]
    behaviours: tuple[Behaviour, ...]

    def behaviour(self, name: str) -> Behaviour:
        """Return a behaviour."""
        return next(row for row in self.behaviours if row.name == name)

    def leak(self, name: str) -> Leak | None:
        """Return what is known of an exported variable."""
        return next((row for row in self.leaks if re.fullmatch(row.name, name)), None)

    def runtime_variable(self, name: str) -> RuntimeVariable | None:
        """Return the row of a variable that sets an option of the runtime."""
        rows = self.runtime_variables
        return next((row for row in rows if re.fullmatch(row.name, name)), None)

    def host_part(self, path: str) -> HostPart | None:
        """Return the row of a host path, of itself or of a folder that it is in."""
        rows = self.host_parts
        return next((r for r in rows if path == r.path or path.startswith(f"{r.path}/")), None)

    def container_module(self, name: str) -> ContainerModule | None:
        """Return the row of a module."""
        rows = self.container_modules
        return next((row for row in rows if re.fullmatch(row.name, name)), None)


@cache
def script_words() -> ScriptWords:
    """Return the table."""
    return load_table("script_words", ScriptWords)
