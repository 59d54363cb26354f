"""Parts of which the shape of a profile is built; names no keys."""

from hpcrun.loading.facts import Fact, Sourced
from hpcrun.loading.groups import ListOf, MappingOf
from hpcrun.loading.leaves import ONE_LINE, Boolean, Integer, Nullable, Text, Version
from hpcrun.loading.records import Field, Record
from hpcrun.loading.shapes import NOTHING, Shape, bare

SITE_NAME = Text(
    expected="a name of letters, digits, `.`, `_` and `-`",
    pattern="[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    help="start with a letter or digit, 64 characters at most",
)
ABSOLUTE_PATH = Text(
    expected="a path that starts with `/`", pattern=f"/{ONE_LINE}", help="write the whole path"
)
FEATURE = Text(
    expected="a feature's name: letters, digits, `_`, `.`, `:` and `-`",
    pattern="[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}",
)
TEXT = Text(is_empty_allowed=True)


def list_of(shape: Shape, expected: str) -> ListOf:
    """Give a list whose items may be unknown, each for itself; those are left out."""
    return ListOf(Fact(shape, when_unknown=NOTHING), expected=expected)


NAMES = list_of(Text(), "a list of names")
PATHS = list_of(ABSOLUTE_PATH, "a list of paths")
TEXTS = list_of(Text(), "a list of texts")
TEXT_BY_NAME = MappingOf(
    Fact(TEXT, when_unknown=NOTHING), name="one line", pattern=rf"(?=.){ONE_LINE}"
)
VERSION_BY_NAME = MappingOf(Fact(Version()))


def fact(shape: Shape, about: str, *, is_required: bool = False, probe: str = "") -> Field:
    """Give a leaf whose field in the model can be unknown."""
    return Field(Fact(shape), is_required, about, probe)


def defaulting(shape: Shape, about: str, *, probe: str = "") -> Field:
    """Give a leaf for whose `unknown` the model's default stands."""
    return Field(Fact(shape, when_unknown=NOTHING), about=about, probe=probe)


def optional(shape: Shape, about: str) -> Field:
    """Give a leaf that may be null; for `unknown` the model's default stands."""
    return defaulting(Nullable(shape), about)


def flag(about: str, *, probe: str = "") -> Field:
    """Give a yes or no that can be unknown."""
    return fact(Boolean(), about, probe=probe)


def count(about: str, *, probe: str = "") -> Field:
    """Give a whole number that can be unknown."""
    return fact(Integer(), about, probe=probe)


def group(shape: Shape, about: str) -> Field:
    """Give a group of leaves, all of them unknown where the group is."""
    inner = Sourced(shape) if isinstance(bare(shape), Record) else shape
    return Field(Fact(inner, when_unknown=NOTHING, is_group=True), about=about)


def named(record: Record, about: str) -> Field:
    """Give groups of leaves by names that the profile chooses."""
    return group(MappingOf(Sourced(record)), about)
