"""What hpcrun has to say about an input, as data; does not format it."""

from enum import StrEnum

from hpcrun.model.base import Value


class Severity(StrEnum):
    """An error would not start or gives wrong results; a warning is fragile; a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Role(StrEnum):
    """Who can carry a help out."""

    USER = "user"
    IMAGE_AUTHOR = "image author"
    SITE_ADMIN = "site admin"


class Confidence(StrEnum):
    """How sure a help is to mend the fault."""

    SURE = "sure"
    LIKELY = "likely"
    TRY = "try"


class Location(Value):
    """A place: a file (or image), a path inside an image, and line and column, both from 1."""

    file: str
    inner_path: str | None = None
    line: int | None = None
    column: int | None = None
    length: int | None = None
    """Characters to mark from the column on."""
    source_line: str | None = None


class Help(Value):
    """What to do; only helps propose, messages state."""

    text: str
    role: Role = Role.USER
    confidence: Confidence = Confidence.LIKELY


class Diagnostic(Value):
    """One result of one rule (conventions.md, Diagnostics)."""

    code: str
    rule: str
    """The rule's kebab-case name; it reads after "allow"."""
    severity: Severity
    message: str
    location: Location | None = None
    found: tuple[str, ...] = ()
    table_row: str | None = None
    notes: tuple[str, ...] = ()
    help: tuple[Help, ...] = ()
    allowed_because: str | None = None
    """Set where the job allows this diagnostic; it then no longer refuses."""

    @property
    def refuses(self) -> bool:
        """Whether the job cannot be submitted because of it."""
        return self.severity is Severity.ERROR and self.allowed_because is None
