"""What parts of a shell script hold, asked before they are read; runs nothing."""

from typing import NamedTuple

from hpcrun.shell.builtins import FREE_OF_FAILURE, assigned_names
from hpcrun.shell.parse import Block, Loop, Node, Simple, walk_nodes
from hpcrun.shell.state import State
from hpcrun.shell.words import SETTING
from hpcrun.shell.work import Work

_JUMPS = frozenset(("break", "continue", "return"))


class _Held(NamedTuple):
    """What a block holds, at any depth."""

    block: Block
    """Kept, so that no other block gets its place in memory."""
    names: frozenset[str]
    """Variables that may be set."""
    firsts: frozenset[str]
    """First words of commands."""


class Scanner:
    """Looks into the blocks of one script, into each once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._seen: dict[int, _Held] = {}

    def forget_rounds(self, node: Loop, state: State) -> None:
        """Forget what an earlier round of a loop may have changed."""
        called = [body for body in state.functions.values() if body is not None]
        self._work.spend(len(called))
        held = [self._held(block) for block in (node.condition, node.body, *called)]
        for each in held:
            state.forget(each.names)
        if any("cd" in each.firsts for each in held):
            state.folder = None
        if any(each.firsts & {"shift", "set"} for each in held):
            state.args = None

    def jumps(self, nodes: Block) -> bool:
        """Whether a loop or function may be left from within."""
        return bool(self._held(nodes).firsts & _JUMPS)

    def _held(self, block: Block) -> _Held:
        if (held := self._seen.get(id(block))) is None:
            simple = [node for node in walk_nodes(block) if isinstance(node, Simple)]
            self._work.spend(1 + sum(1 + len(node.words) for node in simple))
            names = frozenset(assigned_names(block))
            held = _Held(block, names, frozenset(node.words[0] for node in simple))
            self._seen[id(block)] = held
        return held


def is_free_of_failure(node: Node) -> bool:
    """Whether a command is no test: where it fails, the script has gone wrong."""
    if not isinstance(node, Simple):
        return False
    first = next((word for word in node.words if not SETTING.fullmatch(word)), ":")
    return first in FREE_OF_FAILURE
