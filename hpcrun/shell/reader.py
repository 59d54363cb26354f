"""The commands that a shell script may run, each with where it stands; runs nothing.

Of branches every arm is read, of loops one round; what differs between the ways to a place is
unknown there. Whatever reads other files or makes up commands leaves a doubt that names the line,
and what stands behind it is told as something that may run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hpcrun.shell.builtins import HARMLESS, apply_builtin
from hpcrun.shell.found import IN_AN_IMAGE, Manner, ShellCommand, ShellDoubt
from hpcrun.shell.parse import (
    Block,
    Branch,
    Chain,
    Function,
    Gap,
    Group,
    Loop,
    Node,
    Pipe,
    Simple,
    parse_shell,
)
from hpcrun.shell.scan import Scanner, is_free_of_failure
from hpcrun.shell.simple import beyond, split_settings
from hpcrun.shell.state import Arm, State, Where, joined
from hpcrun.shell.tokens import substitutions
from hpcrun.shell.words import (
    OWN_FOLDER,
    UNKNOWN_WORD,
    WORDS_MAX,
    Known,
    expand_all,
    expand_each,
    is_pattern,
)
from hpcrun.shell.work import FullError, Work

_STEPS_MAX = 4000
_CALLS_MAX = 6
_MAYBE = frozenset((0,))
# Possessive, as a stranger's script may hold blanks without end.
_OWN_FOLDER = re.compile(
    r"\$\(\s*+(?:cd\s++(?:--\s++)?)?(?:\"?\$\()?\s*+dirname\s++(?:--\s++)?\"?"
    r"\$(?:0|\{0\}|\{BASH_SOURCE(?:\[0\])?\}|BASH_SOURCE)\"?\s*+\)?\"?"
    r"(?:\s*+&&\s*+pwd(?:\s++-P)?)?\s*+\)"
)


class _Outcome(NamedTuple):
    """How the reading of a node ends."""

    goes_on: bool = True
    may_end: bool = False
    """Whether the script ends there on some way, and not by an error."""


_ON, _END, _FAIL = _Outcome(), _Outcome(goes_on=False, may_end=True), _Outcome(goes_on=False)


def read_shell(
    text: str,
    *,
    name: str,
    args: Sequence[str],
    variables: Mapping[str, str] | None = None,
    manner: Manner = IN_AN_IMAGE,
) -> Iterator[ShellCommand | ShellDoubt]:
    """Yield the commands of a script and the doubts, in the order in which they stand.

    Args:
        name: what `$0` is.
        args: what `$1`, `$2` and so on are.
        variables: what the environment holds, as far as it is known.
        manner: how it is read, where it is no script of an image.
    """
    work = Work()
    state = State(args, work, manner.lasting)
    state.variables.update(variables or {})
    state.exported.update(variables or {})
    reader = _Reader(name, work, manner)
    try:
        reader.block(reader.parse(_OWN_FOLDER.sub(OWN_FOLDER, text)), state)
    except FullError:
        line = reader.found[-1].line if reader.found else 1
        reader.found.append(ShellDoubt(line, "the script is too large to be read whole"))
    yield from reader.found


class _Reader:
    """One script, read from top to bottom."""

    def __init__(self, name: str, work: Work, manner: Manner) -> None:
        self._name = name
        self._manner = manner
        self._work = work
        self._scan = Scanner(work)
        self._where: Where = ()
        self._n_branches = 0
        self._n_steps = 0
        self._n_calls = 0
        self.found: list[ShellCommand | ShellDoubt] = []

    def parse(self, text: str, line: int = 1) -> Block:
        """Return the commands of a text that begins in some line."""
        self._work.spend(len(text))
        return parse_shell(text, line)

    def block(self, nodes: Block, state: State) -> _Outcome:
        """Read commands one after the other."""
        may_end = False
        for node in nodes:
            outcome = self._node(node, state)
            may_end = may_end or outcome.may_end
            if not outcome.goes_on:
                return _Outcome(goes_on=False, may_end=may_end)
        return _Outcome(may_end=may_end)

    def _node(self, node: Node, state: State) -> _Outcome:
        self._step()
        if isinstance(node, Function):
            state.functions[node.name] = node.body
            return _ON
        if isinstance(node, Gap):
            return self._doubt(node.line, node.what, state)
        return (
            self._compound(node, state)
            if not isinstance(node, Simple)
            else self._simple(node, state)
        )

    def _step(self) -> None:
        self._n_steps += 1
        if self._n_steps > _STEPS_MAX:
            raise FullError

    def _compound(self, node: Group | Pipe | Chain | Branch | Loop, state: State) -> _Outcome:
        match node:
            case Group():
                return self._group(node, state)
            case Pipe():
                return self._pipe(node, state)
            case Chain():
                return self._chain(node, state)
            case Branch():
                return self._branch(node, state)
            case Loop():
                return self._loop(node, state)

    def _tell(self, found: ShellCommand | ShellDoubt) -> None:
        if len(self.found) >= self._manner.n_most:
            raise FullError
        self.found.append(found)

    def _doubt(self, line: int, what: str, state: State) -> _Outcome:
        """Note what may change anything: what stands behind it may run, or not."""
        self._tell(ShellDoubt(line, what))
        state.lose()
        return _ON

    def _arm(self, arms: frozenset[int], n_arms: int) -> Arm:
        self._n_branches += 1
        return Arm(self._n_branches, arms, n_arms)

    def _within(self, arm: Arm | None, nodes: Block, state: State) -> _Outcome:
        """Read commands that run on some ways only."""
        before = self._where
        self._where = (*before, arm) if arm is not None else before
        outcome = self.block(nodes, state)
        self._where = before
        return outcome

    def _after(self, outcomes: Sequence[_Outcome]) -> None:
        """Note that what follows runs only where the script has not ended before."""
        if any(outcome.may_end for outcome in outcomes):
            self._where = (*self._where, self._arm(_MAYBE, 2))

    def _group(self, node: Group, state: State) -> _Outcome:
        if not node.is_own_shell:
            return self.block(node.body, state)
        self._within(None, node.body, state.copy())
        return _ON

    def _pipe(self, node: Pipe, state: State) -> _Outcome:
        for stage in node.stages[:-1]:
            self._within(None, (stage,), state.copy())
        last = state.copy()
        self._within(None, node.stages[-1:], last)
        if len(node.stages) > 1:
            # Some shells run the last one themselves.
            state.join(last)
        return _ON

    def _chain(self, node: Chain, state: State) -> _Outcome:
        """Read `a && b || c`: each but the first runs on some ways only."""
        outcomes = [self._node(node.first, state)]
        goes_on = outcomes[0].goes_on
        ways: State | None = None
        is_free = is_free_of_failure(node.first)
        for operator, each in node.rest:
            bypass = state.copy()
            if operator == "||":
                if ways is not None:
                    state.join(ways)
                ways, is_free = None, False
            arm = None if is_free and operator == "&&" else self._arm(_MAYBE, 2)
            outcome = self._within(arm, (each,), state)
            outcomes.append(outcome)
            if operator == "&&":
                ways = joined(ways, bypass)
            elif outcome.goes_on:
                state.join(bypass)
            else:
                state.take(bypass)
            if not outcome.goes_on and ways is not None:
                state.take(ways)
                ways = None
            is_free = is_free and is_free_of_failure(each)
        if ways is not None:
            state.join(ways)
        self._after(outcomes)
        may_end = any(outcome.may_end for outcome in outcomes)
        return _Outcome(goes_on=goes_on, may_end=may_end)

    def _branch(self, node: Branch, state: State) -> _Outcome:
        n_arms = len(node.arms) + (0 if node.is_exhaustive else 1)
        branch = self._arm(_MAYBE, n_arms)
        outcomes = list[_Outcome]()
        ways: State | None = None
        for at, (condition, body) in enumerate(node.arms):
            self._work.spend(n_arms)
            later = branch._replace(arms=frozenset(range(at, n_arms))) if at else None
            self._within(later, condition, state)
            way = state.copy()
            outcomes.append(self._within(branch._replace(arms=frozenset((at,))), body, way))
            if outcomes[-1].goes_on:
                ways = joined(ways, way)
        if not node.is_exhaustive:
            ways = joined(ways, state.copy())
        may_end = any(outcome.may_end for outcome in outcomes)
        if ways is None:
            return _Outcome(goes_on=False, may_end=may_end)
        state.take(ways)
        ended = {at for at, each in enumerate(outcomes) if each == _END}
        self._after([each for each in outcomes if each != _END])
        if ended:
            rest = frozenset(range(n_arms)) - ended
            self._where = (*self._where, branch._replace(arms=rest))
        return _Outcome(may_end=may_end)

    def _loop(self, node: Loop, state: State) -> _Outcome:
        """Read one round, as any round may find it."""
        raw_words = node.words or ()
        words = expand_all(self._known(state), raw_words)
        for raw in raw_words:
            self._inside(raw, node.line, state)
        self._scan.forget_rounds(node, state)
        if node.variable is not None:
            is_one = len(words) == 1 and not any(map(is_pattern, raw_words))
            state.set(node.variable, words[0] if is_one else UNKNOWN_WORD)
        first = self.block(node.condition, state)
        before = state.copy()
        is_sure = (
            bool(words) and UNKNOWN_WORD not in "".join(words) and not self._scan.jumps(node.body)
        )
        arm = None if is_sure else self._arm(_MAYBE, 2)
        outcome = self._within(arm, node.body, state)
        may_end = first.may_end or outcome.may_end
        if is_sure and not outcome.goes_on:
            return _Outcome(goes_on=False, may_end=may_end)
        state.join(before) if outcome.goes_on else state.take(before)
        self._after((first, outcome))
        return _Outcome(may_end=may_end)

    def _known(self, state: State) -> Known:
        return Known(self._name, state.args, state.variables, self._work, state.folder != "")

    def _inside(self, raw: str, line: int, state: State) -> None:
        """Read the commands that run while a word is expanded."""
        self._work.spend(len(raw))
        for text in substitutions(raw):
            self._step()
            self._within(None, self.parse(text, line), state.copy())

    def _simple(self, node: Simple, state: State) -> _Outcome:
        """Carry out what a command does to variables, and tell it where it runs a program."""
        for raw in node.words:
            self._inside(raw, node.line, state)
        if node.words[0] == "[[" or node.words[0].startswith("(("):
            state.forget(re.findall(r"[A-Za-z_]\w*", node.words[0]))
            return _ON
        known = self._known(state)
        settings, rest = split_settings(known, node.words)
        each = expand_each(known, rest)
        words = [word for word, _ in each]
        if not words:
            for name, value in settings.items():
                state.set(name, value)
            return _ON
        first = words[0]
        if first in state.functions:
            return self._call(node.line, first, tuple(words[1:]), state)
        if first == "return" and self._n_calls:
            # It ends the function alone, of which nothing is sure then.
            return _ON
        if first in ("exit", "return", "logout"):
            is_error = bool(re.fullmatch(r"0*[1-9][0-9]*", words[1] if len(words) > 1 else ""))
            return _FAIL if is_error else _END
        return self._run(node.line, rest, each, settings, state)

    def _run(
        self,
        line: int,
        rest: Sequence[str],
        each: Sequence[tuple[str, str]],
        settings: Mapping[str, str],
        state: State,
    ) -> _Outcome:
        words = [word for word, _ in each]
        first = words[0]
        if first in HARMLESS or words == ["exec"]:
            return _ON
        if (reason := beyond(first, rest[0], self._manner.plain)) is not None:
            return self._doubt(line, reason, state)
        if (reason := apply_builtin(words, rest, self._known(state), state)) is not None:
            return self._doubt(line, reason, state) if reason else _ON
        # What may have changed anything may have ended the script too.
        where = (*self._where, self._arm(_MAYBE, 2)) if state.is_lost else self._where
        told = {**state.exported, **settings}
        argv = tuple(words[:WORDS_MAX])
        raw = tuple(text for _, text in each[:WORDS_MAX])
        self._tell(ShellCommand(line, argv, told, where, state.folder, state.is_lost, raw))
        return _END if first == "exec" else _ON

    def _call(self, line: int, name: str, args: tuple[str, ...], state: State) -> _Outcome:
        """Read a function where it is called."""
        body = state.functions[name]
        if body is None or self._n_calls >= _CALLS_MAX:
            why = "is defined in more than one way" if body is None else "calls itself"
            return self._doubt(line, f"the function `{name}` {why}", state)
        own, state.args = state.args, args
        self._n_calls += 1
        if self._scan.jumps(body):
            before = state.copy()
            outcome = self._within(self._arm(_MAYBE, 2), body, state)
            state.join(before)
            outcome = _Outcome(may_end=outcome.may_end)
            self._after((outcome,))
        else:
            outcome = self.block(body, state)
        self._n_calls -= 1
        state.args = own if not state.is_lost else None
        return outcome
