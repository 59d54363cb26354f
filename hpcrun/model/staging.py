"""What of a job a site does not see, and what came back, as values; copies nothing."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcrun.model.base import Line, Value
from hpcrun.model.run import Run, Staged

WORK = Path("work")
"""The working folder that went along, in the run's folder at the site."""
FETCHED = "fetched.json"
"""In the run's folder here, once what the job left has come back."""
IMAGE_TIME_S = 946_684_800
"""Modification time of every image that was sent: the script of a job names it."""


class TreeFile(Value):
    """A file or link of a folder tree, by its path in there."""

    path: str
    size: int
    mtime_ns: int
    kind: Literal["file", "link"] = "file"


class SentImage(Value):
    """An image that the site lacks."""

    file: Path
    sha256: str
    at_site: Path


class Transfer(Value):
    """What a job needs that the site does not see."""

    runs_at_site: Path | None = None
    """Where runs lie at the site, which does not see their folder or the working folder here."""
    image: SentImage | None = None
    workdir: Path | None = None
    files: tuple[TreeFile, ...] = ()
    """What goes along of the working folder."""
    folders: tuple[str, ...] = ()

    @property
    def n_bytes(self) -> int:
        """Size of the files that go along."""
        return sum(file.size for file in self.files)

    def staged_for(self, run: Run, stage_out: tuple[str, ...] | None) -> Staged | None:
        """Return where a run will lie at the site."""
        if self.runs_at_site is None:
            return None
        folder = self.runs_at_site / run.name
        return Staged(folder=folder, workdir=self.workdir, stage_out=stage_out)


class Sent(Value):
    """`sent.json`: what went along of a working folder, as it was then."""

    version: Literal[1] = 1
    files: dict[str, TreeFile] = Field(default_factory=dict)


class FetchResult(Value):
    """What `fetch --json` prints, and `fetched.json` keeps."""

    version: Literal[1] = 1
    run: Line
    folder: Path
    workdir: Path | None
    fetched_at: datetime
    files: tuple[str, ...] = ()
    """What came back into the working folder."""
    kept_apart: tuple[str, ...] = ()
    """What changed here too; it lies in the run's folder below `apart/`."""
    left_there: tuple[str, ...] = ()
    """Links that lead out of the working folder."""
