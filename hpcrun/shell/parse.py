"""The structure of a shell script: lists, branches, loops, functions; runs and expands nothing."""

from collections.abc import Iterator
from typing import NamedTuple

from hpcrun.shell.tokens import Token, read_tokens

_DEPTH_MAX = 24
_NODES_MAX = 4000
_ENDS = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}"))
_UNFOLLOWED = frozenset(("select", "coproc"))
_LEFT_OUT = frozenset(("!", "time"))


class Simple(NamedTuple):
    """One command with its words as they stand there."""

    line: int
    words: tuple[str, ...]


class Gap(NamedTuple):
    """A place behind which nothing can be read."""

    line: int
    what: str


class Group(NamedTuple):
    """Commands between braces or parentheses."""

    line: int
    body: "Block"
    is_own_shell: bool


class Pipe(NamedTuple):
    """Commands that run at once, each in a shell of its own; one alone behind which `&` stands."""

    line: int
    stages: tuple["Node", ...]


class Chain(NamedTuple):
    """Commands joined by `&&` and `||`."""

    line: int
    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


class Branch(NamedTuple):
    """`if` or `case`: of several blocks one runs, or none."""

    line: int
    arms: tuple[tuple["Block", "Block"], ...]
    """Condition and body of each."""
    is_exhaustive: bool


class Loop(NamedTuple):
    """`for`, `while` or `until`."""

    line: int
    variable: str | None
    words: tuple[str, ...] | None
    """What `for` goes through; None where that is not told."""
    condition: "Block"
    body: "Block"


class Function(NamedTuple):
    """The definition of a function."""

    line: int
    name: str
    body: "Block"


Node = Simple | Gap | Group | Pipe | Chain | Branch | Loop | Function
Block = tuple[Node, ...]


def parse_shell(text: str, line: int = 1) -> Block:
    """Return what a script consists of; a gap is the last that is read of it.

    Args:
        line: where the text begins.
    """
    return _Parser(text, line).whole()


def walk_nodes(block: Block, *, with_functions: bool = True) -> Iterator[Node]:
    """Yield every node of a block, whatever it stands in; if asked, not those in functions."""
    pending: list[Node] = list(block)
    while pending:
        node = pending.pop()
        yield node
        match node:
            case Function() if not with_functions:
                pass
            case Group() | Function():
                pending += node.body
            case Pipe():
                pending += node.stages
            case Chain():
                pending += (node.first, *(each for _, each in node.rest))
            case Branch():
                pending += (each for arm in node.arms for block in arm for each in block)
            case Loop():
                pending += (*node.condition, *node.body)
            case _:
                pass


class _Parser:
    """A script's tokens, read from left to right."""

    def __init__(self, text: str, line: int) -> None:
        self._tokens = read_tokens(text, line)
        self._next: Token | None = None
        self._line = line
        self._n_nodes = 0
        self.gap: Gap | None = None
        self._advance()

    def whole(self) -> Block:
        """Read all; what ends a block that was never begun is a gap."""
        block = self._block(depth=0)
        if self._next is not None and self.gap is None:
            block = (*block, self._lose(f"`{self._next.text}` ends nothing"))
        return block

    def _advance(self) -> Token | None:
        token, self._next = self._next, next(self._tokens, None)
        if self._next is not None:
            self._line = self._next.line
            if self._next.kind == "gap":
                self._lose(self._next.text)
                self._next = None
        return token

    def _lose(self, what: str) -> Gap:
        self.gap = self.gap or Gap(self._line, what)
        self._next = None
        self._tokens = iter(())
        return self.gap

    def _is(self, *texts: str) -> bool:
        return self._next is not None and self._next.text in texts

    def _expect(self, text: str) -> None:
        """Go behind a word; at a gap every word is taken to be there."""
        if self._is(text):
            self._advance()
        elif self.gap is None:
            self._lose(f"`{text}` is not where it is expected")

    def _skip_lines(self) -> None:
        while self._is("\n"):
            self._advance()

    def _block(self, *, depth: int) -> Block:
        """Read commands up to a word that ends a block."""
        nodes: list[Node] = []
        while self._next is not None and not self._is(*_ENDS, ")", ";;", ";&", ";;&"):
            if self._is("\n", ";"):
                self._advance()
            else:
                nodes.append(self._chain(depth=depth))
        if self.gap is not None and not _holds_gap(nodes, self.gap):
            nodes.append(self.gap)
        return tuple(nodes)

    def _chain(self, *, depth: int) -> Node:
        line = self._line
        first = self._pipe(depth=depth)
        rest: list[tuple[str, Node]] = []
        while self._is("&&", "||"):
            operator = "&&" if self._is("&&") else "||"
            self._advance()
            self._skip_lines()
            rest.append((operator, self._pipe(depth=depth)))
        node: Node = Chain(line, first, tuple(rest)) if rest else first
        if self._is("&"):
            self._advance()
            return Pipe(line, (node,))
        return node

    def _pipe(self, *, depth: int) -> Node:
        line = self._line
        stages = [self._command(depth=depth)]
        while self._is("|", "|&"):
            self._advance()
            self._skip_lines()
            stages.append(self._command(depth=depth))
        return Pipe(line, tuple(stages)) if len(stages) > 1 else stages[0]

    def _command(self, *, depth: int) -> Node:
        self._n_nodes += 1
        if depth > _DEPTH_MAX or self._n_nodes > _NODES_MAX:
            return self._lose("the script is too large or too deep")
        while self._is(*_LEFT_OUT):
            self._advance()
        token = self._next
        if token is None or (token.kind == "operator" and token.text != "("):
            return self._lose("a command is not where it is expected")
        if token.text in _UNFOLLOWED:
            return self._lose(f"`{token.text}` is more than a literal command")
        if token.text in ("(", "{"):
            return self._group(token.text, depth=depth)
        return self._named(token.text, depth=depth + 1)

    def _named(self, name: str, *, depth: int) -> Node:
        """Read what begins with a word."""
        match name:
            case "[[":
                return self._test()
            case "if":
                return self._if(depth=depth)
            case "case":
                return self._case(depth=depth)
            case "for" | "while" | "until":
                return self._for(depth=depth) if name == "for" else self._while(depth=depth)
            case "function":
                return self._function(depth=depth)
            case _:
                return self._simple(depth=depth)

    def _simple(self, *, depth: int) -> Node:
        line, words = self._line, list[str]()
        while self._next is not None and self._next.kind == "word":
            words.append(self._next.text)
            self._advance()
            if len(words) == 1 and self._is("("):
                return self._body_of(line, words[0], depth=depth)
        return Simple(line, tuple(words))

    def _group(self, begin: str, *, depth: int) -> Group:
        line = self._line
        self._advance()
        body = self._block(depth=depth + 1)
        self._expect(")" if begin == "(" else "}")
        return Group(line, body, begin == "(")

    def _test(self) -> Simple:
        """Go behind `[[ … ]]`, in which operators mean something else."""
        line, words = self._line, list[str]()
        while self._next is not None and not self._is("]]"):
            words.append(self._next.text)
            self._advance()
        self._expect("]]")
        return Simple(line, tuple(words))

    def _if(self, *, depth: int) -> Branch:
        line, arms = self._line, list[tuple[Block, Block]]()
        has_else = False
        while self._is("if", "elif"):
            self._advance()
            condition = self._block(depth=depth)
            self._expect("then")
            arms.append((condition, self._block(depth=depth)))
        if self._is("else"):
            self._advance()
            arms.append(((), self._block(depth=depth)))
            has_else = True
        self._expect("fi")
        return Branch(line, tuple(arms), has_else and self.gap is None)

    def _case(self, *, depth: int) -> Branch:
        line, arms = self._line, list[tuple[Block, Block]]()
        self._advance()
        told = self._advance()
        self._skip_lines()
        self._expect("in")
        self._skip_lines()
        patterns: list[str] = []
        while self._next is not None and not self._is("esac"):
            patterns += self._patterns()
            arms.append(((), self._block(depth=depth)))
            if self._is(";&", ";;&"):
                self._lose(f"`{self._next.text}` is more than is followed")
            if self._is(";;"):
                self._advance()
            self._skip_lines()
        self._expect("esac")
        if told is not None and arms:
            # What stands behind `case` may run commands while it is expanded.
            arms[0] = ((Simple(line, (":", told.text)),), arms[0][1])
        return Branch(line, tuple(arms), "*" in patterns and self.gap is None)

    def _patterns(self) -> list[str]:
        patterns: list[str] = []
        if self._is("("):
            self._advance()
        while self._next is not None and not self._is(")"):
            patterns.append(self._next.text)
            self._advance()
        self._expect(")")
        return patterns

    def _for(self, *, depth: int) -> Loop:
        line = self._line
        self._advance()
        variable = self._advance()
        words: list[str] | None = None
        self._skip_lines()
        if self._is("in"):
            self._advance()
            words = []
            while self._next is not None and self._next.kind == "word":
                words.append(self._next.text)
                self._advance()
        while self._is(";", "\n"):
            self._advance()
        body = self._loop_body(depth=depth)
        name = variable.text if variable is not None else None
        return Loop(line, name, tuple(words) if words is not None else None, (), body)

    def _while(self, *, depth: int) -> Loop:
        line = self._line
        self._advance()
        condition = self._block(depth=depth)
        return Loop(line, None, None, condition, self._loop_body(depth=depth))

    def _loop_body(self, *, depth: int) -> Block:
        self._expect("do")
        body = self._block(depth=depth)
        self._expect("done")
        return body

    def _function(self, *, depth: int) -> Node:
        line = self._line
        self._advance()
        name = self._advance()
        if name is None:
            return self._lose("a function has no name")
        return self._body_of(line, name.text, depth=depth)

    def _body_of(self, line: int, name: str, *, depth: int) -> Function:
        if self._is("("):
            self._advance()
            self._expect(")")
        self._skip_lines()
        return Function(line, name, (self._command(depth=depth + 1),))


def _holds_gap(nodes: list[Node], gap: Gap) -> bool:
    """Whether a block within the last of these ends in the gap already, and is surely read."""
    return bool(nodes) and gap in walk_nodes((nodes[-1],), with_functions=False)
