"""What an image's programs are made for: processor, operating system, C++ library."""

from pydantic import Field

from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.seen import Seen


class ArchShare(Value):
    """ELF files of one processor architecture."""

    arch: str
    n_files: int
    examples: tuple[str, ...]
    """A few of their paths, own programs before the distribution's."""


class LevelSign(Seen):
    """A sign of the processor level that something in the image was built for."""

    level: str
    """As archspec names it: x86_64_v3, zen3, neoverse_v1."""
    is_needed: bool
    """Whether it would stop or fail on lower processors; else only a variant is there for it."""
    n_files: int = 0
    """How many files say so, where files were looked at."""


class OsRelease(Value):
    """The distribution, by its os-release file."""

    id: str | Unknown = UNKNOWN
    version: str | Unknown = UNKNOWN
    """VERSION_ID; a release that rolls has none."""
    name: str | Unknown = UNKNOWN
    """PRETTY_NAME."""
    like: tuple[str, ...] = ()
    path: str


class CxxLibrary(Seen):
    """The image's C++ library."""

    path: str
    glibcxx: str | Unknown = UNKNOWN
    """Highest GLIBCXX_x.y.z that it defines."""
    cxxabi: str | Unknown = UNKNOWN
    """Highest CXXABI_x.y.z that it defines."""


class UserSite(Seen):
    """Whether Python would import packages below the user's home in place of the image's."""

    is_read: bool | Unknown


class SystemFacts(Value):
    """What the image's programs are made for, and stand on."""

    archs: tuple[ArchShare, ...] = ()
    levels: tuple[LevelSign, ...] = ()
    """Strongest sign first."""
    protections: dict[str, int] = Field(default_factory=dict)
    """Files marked for BTI, PAC, IBT or SHSTK, among those looked at; none of it is needed."""
    os: OsRelease | None = None
    libstdcxx: CxxLibrary | None = None
    user_site: UserSite | None = None
    """None where no Python was found."""
