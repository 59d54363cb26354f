"""YAML text → tree of nodes; refuses what YAML readers disagree about; does not resolve scalars.

Works on ruamel.yaml's events, so that aliases are never followed and nothing is ever constructed.
"""

from collections.abc import Iterator
from typing import Any

from hpcrun.loading.events import GiveUpError, read_events
from hpcrun.loading.nodes import Entry, Mapping, Node, Refused, Scalar, Sequence
from hpcrun.loading.problems import FileRule, Problems, shorten
from hpcrun.loading.source import Source, Span

MAX_DEPTH = 24
MAX_NODES = 10_000


def compose(source: Source, problems: Problems) -> Node | None:
    """Read the one document of a file; None where there is none, which is reported too."""
    try:
        return _Composer(source, problems, read_events(source, problems)).document()
    except GiveUpError:
        return None


class _Composer:
    """Builds the tree from events."""

    def __init__(self, source: Source, problems: Problems, events: Iterator[Any]) -> None:
        self.source = source
        self.problems = problems
        self.events = events
        self.n_nodes = 0
        self.used_anchors: set[str] = set()
        self.anchors: list[tuple[str, Span]] = []

    def document(self) -> Node | None:
        """Read the first document; a second one is a problem."""
        node: Node | None = None
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent" and node is not None:
                self._report(
                    self._span(event),
                    "a second document starts here",
                    found="`---` after the end of the first",
                    help_text="keep one document per file",
                )
                raise GiveUpError
            if kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentStartEvent"):
                node = node if kind == "DocumentEndEvent" else self._node(event, depth=0)
        if node is None:
            self._report(
                self.source.span(1, 1),
                "the file holds nothing",
                found=f"no key in {len(self.source.lines)} lines",
                help_text="write keys and values",
            )
        self._report_unused_anchors()
        return node

    def _node(self, event: Any, *, depth: int) -> Node:
        self.n_nodes += 1
        if depth > MAX_DEPTH or self.n_nodes > MAX_NODES:
            limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_NODES} values"
            self._report(
                self._span(event),
                f"the file has more than {limit}",
                found=f"value number {self.n_nodes}, {depth} levels deep",
                help_text="put data into files of its own",
            )
            raise GiveUpError
        kind = type(event).__name__
        span = self._span(event)
        if kind == "AliasEvent":
            self.used_anchors.add(event.anchor)
            return self._ambiguous(span, f"alias `*{shorten(event.anchor)}`", "write the value out")
        if event.anchor is not None:
            self.anchors.append((event.anchor, span))
        node = self._content(event, kind, span, depth=depth)
        tag = event.tag
        if tag is not None:
            written = str(tag).replace("tag:yaml.org,2002:", "!!")
            return self._ambiguous(span, f"tag `{shorten(written)}`", "leave the tag out")
        return node

    def _content(self, event: Any, kind: str, span: Span, *, depth: int) -> Node:
        if kind == "SequenceStartEvent":
            return self._sequence(span, depth=depth)
        if kind == "MappingStartEvent":
            return self._mapping(span, depth=depth)
        return self._scalar(event, span)

    def _scalar(self, event: Any, span: Span) -> Node:
        try:
            event.value.encode()
        except UnicodeEncodeError:
            self._report(
                span,
                "an escape gives half a character",
                found="one half of a surrogate pair",
                help_text="write the character itself",
            )
            return Refused(span)
        return Scalar(event.value, event.style is None, span)

    def _sequence(self, span: Span, *, depth: int) -> Sequence:
        items: list[Node] = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, depth=depth + 1))
        return Sequence(tuple(items), span)

    def _mapping(self, span: Span, *, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            key = self._node(event, depth=depth + 1)
            value = self._value(key, depth=depth + 1)
            if not isinstance(key, Scalar):
                if not isinstance(key, Refused):
                    self._report_key(key)
                continue
            if key.is_plain and key.text == "<<":
                self._ambiguous(key.span, "merge key `<<`", "write the keys out")
            elif key.text in entries:
                self._report_duplicate(entries[key.text].key, key)
            else:
                entries[key.text] = Entry(key, value)
        return Mapping(tuple(entries.values()), span)

    def _value(self, key: Node, *, depth: int) -> Node:
        event = next(self.events)
        is_merge = isinstance(key, Scalar) and key.is_plain and key.text == "<<"
        if is_merge and type(event).__name__ == "AliasEvent":
            self.used_anchors.add(event.anchor)
            return Refused(key.span)
        value = self._node(event, depth=depth)
        if isinstance(value, Scalar) and value.is_plain and not value.text:
            # Nothing is written that a marker could point at.
            return value._replace(span=key.span)
        return value

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        is_block = getattr(event, "style", None) in ("|", ">")
        length = end.column - start.column if end.line == start.line and not is_block else None
        return self.source.span(start.line + 1, start.column + 1, 1 if is_block else length)

    def _report(self, span: Span, message: str, *, found: str, help_text: str) -> None:
        self.problems.report(
            FileRule.UNREADABLE_YAML, span, message=message, found=[found], helps=[help_text]
        )

    def _report_key(self, key: Node) -> None:
        kind = "a list" if isinstance(key, Sequence) else "a mapping"
        help_text = "write `key: value`"
        self._report(key.span, "a key must be text", found=f"{kind} as key", help_text=help_text)

    def _ambiguous(self, span: Span, what: str, help_text: str) -> Refused:
        self.problems.report(
            FileRule.AMBIGUOUS_SCALAR,
            span,
            message=f"{what} is not used here",
            found=["anchors, aliases, merge keys and tags hide what a value is"],
            helps=[help_text],
        )
        return Refused(span)

    def _report_duplicate(self, first: Scalar, second: Scalar) -> None:
        shown = shorten(second.text)
        self.problems.report(
            FileRule.DUPLICATE_KEY,
            second.span,
            message=f"key `{shown}` stands twice in one mapping",
            found=[
                f"`{shown}` in line {first.span.line}, column {first.span.column}",
                f"`{shown}` in line {second.span.line}, column {second.span.column}",
            ],
            helps=["keep one of them"],
        )

    def _report_unused_anchors(self) -> None:
        for anchor, span in self.anchors:
            if anchor not in self.used_anchors:
                self._ambiguous(span, f"anchor `&{shorten(anchor)}`", "leave the anchor out")
