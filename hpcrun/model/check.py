"""What is to be said of a job, an image or a script at several sites; does not find it out."""

from pathlib import Path
from typing import Literal

from hpcrun.model.base import Value
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.plan import Candidate, Skipped


class SiteCheck(Value):
    """One input at one site."""

    site: str
    profile: Path
    partition: str | None = None
    chosen: Candidate | None = None
    """How it would run there; None where it is refused."""
    diagnostics: tuple[Diagnostic, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    """Rules that were not checked, for a fact is lacking; not the same as passed."""
    problem: str | None = None
    """Why nothing could be checked there: the profile cannot be used."""

    @property
    def refuses(self) -> bool:
        """Whether it would not run there."""
        return self.problem is not None or self.chosen is None


class Check(Value):
    """Everything at once about one input."""

    version: Literal[1] = 1
    kind: Literal["job", "image", "script"]
    input: str
    """As it was named."""
    about: tuple[str, ...] = ()
    """For people: what it is, in a few lines."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What is to be said wherever it goes."""
    sites: tuple[SiteCheck, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found that refuses it, at any of the sites."""
        return not any(d.refuses for d in self.diagnostics) and not any(
            at.refuses or any(d.refuses for d in at.diagnostics) for at in self.sites
        )
