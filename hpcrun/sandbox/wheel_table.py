"""The table of wheels that a sandbox is made of, with the hash of each file; fetches none."""

from functools import cache
from typing import Literal

from pydantic import Field

from hpcrun import resources
from hpcrun.errors import UnavailableError
from hpcrun.tables.rows import Document, Row, load_table

_HASH = r"^[0-9a-f]{64}$"


class Wheel(Row):
    """One wheel in one version."""

    wheel: str = Field(pattern=r"^[A-Za-z0-9._-]+==[0-9][0-9a-z.]*$")
    """Name and version, as pip takes them."""
    serves: Literal["nodes", "hpcrun"] = Field(alias="for")
    """Whose it is: an MPI installation of the nodes, or needed by hpcrun on the login node."""
    sha256: dict[str, str]
    """By the processor as `uname -m` has it, or `any`."""

    def lock(self, machine: str) -> str:
        """Write the line of a requirements file that lets pip take this file and no other."""
        known = self.sha256.get(machine) or self.sha256.get("any")
        if known is None:
            raise UnavailableError(
                f"no wheel of {self.wheel} is known for {machine} machines",
                help=[f"there are some for {', '.join(self.sha256)}"],
            )
        return f"{self.wheel} --hash=sha256:{known}"


class _Document(Document):
    wheels: tuple[Wheel, ...] = Field(min_length=1)


@cache
def _document() -> _Document:
    return load_table("wheels", _Document, folder=resources.package_folder("sandbox"))


def wheels_for(serves: Literal["nodes", "hpcrun"]) -> tuple[Wheel, ...]:
    """Return the wheels of one kind."""
    return tuple(row for row in _document().wheels if row.serves == serves)


def lock(serves: Literal["nodes", "hpcrun"], machine: str) -> tuple[str, ...]:
    """Return the requirements of one kind for a processor, as lines for pip."""
    return tuple(row.lock(machine) for row in wheels_for(serves))
