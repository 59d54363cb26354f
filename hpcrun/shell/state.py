"""What is known at one place of a shell script, and how several ways there are joined."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hpcrun.shell.words import ARRAY, UNKNOWN_WORD
from hpcrun.shell.work import VARIABLES_MAX, FullError, Work

if TYPE_CHECKING:
    from hpcrun.shell.parse import Block

V = TypeVar("V")
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Arm(NamedTuple):
    """A condition of a place: it lies on some of the ways through a branch."""

    branch: int
    arms: frozenset[int]
    n_arms: int


_NESTING_MAX = 6
Where = tuple[Arm, ...]
"""Every condition of a place, the outermost first; none where each way leads there."""


def is_on_every_way(places: Sequence[Where]) -> bool:
    """Whether each way through a script leads to one of these places."""
    if not all(places):
        return True
    by_branch: dict[int, list[Where]] = {}
    for place in places:
        if len(place) <= _NESTING_MAX:
            by_branch.setdefault(place[0].branch, []).append(place)
    return any(_is_covered(group) for group in by_branch.values())


def _is_covered(places: Sequence[Where]) -> bool:
    """Whether these places within one branch are met on each way through it."""
    n_arms = places[0][0].n_arms
    behind = {tuple(p[1:] for p in places if arm in p[0].arms) for arm in range(n_arms)}
    return all(is_on_every_way(each) for each in behind)


class State:
    """What is known while a script is read."""

    def __init__(
        self, args: Sequence[str], work: Work, lasting: Mapping[str, str] = _NOTHING
    ) -> None:
        self.work = work
        self.lasting = lasting
        """What is known again where everything else is lost."""
        self.args: tuple[str, ...] | None = tuple(args)
        self.variables: dict[str, str] = {}
        self.exported: dict[str, str] = {}
        self.functions: dict[str, Block | None] = {}
        self.folder: str | None = ""
        """Where relative names start; empty where the script began, None where not known."""
        self.is_lost = False
        """Whether something ran that may have changed anything."""

    def copy(self) -> "State":
        """Return what may change without this one."""
        self.work.spend(1 + self._size // 8)
        other = State((), self.work)
        other.__dict__.update(self.__dict__)
        other.variables = dict(self.variables)
        other.exported = dict(self.exported)
        other.functions = dict(self.functions)
        return other

    @property
    def _size(self) -> int:
        return len(self.variables) + len(self.exported) + len(self.functions)

    def take(self, way: "State") -> None:
        """Know what is known on a way, and nothing else; that one is used up."""
        self.__dict__.update(way.__dict__)

    def join(self, way: "State") -> None:
        """Know only what is the same on another way that leads here."""
        self.work.spend(1 + (self._size + way._size) // 2)
        self.args = self.args if self.args == way.args else None
        self.folder = self.folder if self.folder == way.folder else None
        self.variables = _same(self.variables, way.variables, UNKNOWN_WORD)
        self.exported = _same(self.exported, way.exported, UNKNOWN_WORD)
        self.functions = _same(self.functions, way.functions, None)
        self.is_lost = self.is_lost or way.is_lost

    def set(self, name: str, value: str, *, is_export: bool = False) -> None:
        """Set a variable, and export it where it is exported or shall be."""
        self.work.spend(1)
        self.variables[name] = value
        if is_export or name in self.exported:
            # A shell exports no arrays.
            self.exported[name] = value if not value.startswith(ARRAY) else UNKNOWN_WORD
        if len(self.variables) > VARIABLES_MAX:
            raise FullError

    def export(self, name: str) -> None:
        """Export a variable as it is."""
        self.set(name, self.variables.get(name, UNKNOWN_WORD), is_export=True)

    def lose(self) -> None:
        """Forget all, as something may have changed it."""
        self.is_lost = True
        self.args = self.folder = None
        self.variables = dict(self.lasting)
        self.exported = {}
        self.functions = {}

    def forget(self, names: Iterable[str]) -> None:
        """Take the values of these for unknown."""
        for name in names:
            self.set(name, UNKNOWN_WORD)


def joined(one: State | None, other: State) -> State:
    """Return what is the same on two ways; both are used up."""
    if one is None:
        return other
    one.join(other)
    return one


def _same(one: dict[str, V], other: dict[str, V], otherwise: V) -> dict[str, V]:
    """Keep what both say, and put a word for what they say differently."""
    return {
        name: one[name] if name in one and name in other and one[name] == other[name] else otherwise
        for name in dict.fromkeys((*one, *other))
    }
