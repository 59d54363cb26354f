"""What parts of a shell script hold, asked before they are read; runs nothing."""

from hpcrun.image.shell_builtins import FREE_OF_FAILURE, assigned_names
from hpcrun.image.shell_parse import Block, Loop, Node, Simple, walk_nodes
from hpcrun.image.shell_state import State
from hpcrun.image.shell_words import SETTING

_JUMPS = frozenset(("break", "continue", "return"))


def forget_rounds(node: Loop, state: State) -> None:
    """Forget what an earlier round of a loop may have changed."""
    called = (body for body in state.functions.values() if body is not None)
    nodes = (*node.condition, *node.body, *(each for body in called for each in body))
    state.forget(assigned_names(nodes))
    firsts = {each.words[0] for each in walk_nodes(nodes) if isinstance(each, Simple)}
    if "cd" in firsts:
        state.folder = None
    if firsts & {"shift", "set"}:
        state.args = None


def is_free_of_failure(node: Node) -> bool:
    """Whether a command is no test: where it fails, the script has gone wrong."""
    if not isinstance(node, Simple):
        return False
    first = next((word for word in node.words if not SETTING.fullmatch(word)), ":")
    return first in FREE_OF_FAILURE


def jumps(nodes: Block) -> bool:
    """Whether a loop or function may be left from within."""
    simple = (node for node in walk_nodes(nodes) if isinstance(node, Simple))
    return any(node.words[0] in _JUMPS for node in simple)
