"""Diagnostics → terminal text and JSON, two views of the same values; does not print."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from hpcrun.model.diagnostic import Confidence, Diagnostic, Help, Location, Role
from hpcrun.report.terminal import escape, styled, width

MAX_EVIDENCE = 6
"""Lines of evidence shown without --verbose."""

MAX_SOURCE_COLUMNS = 100


def format_diagnostics(
    diagnostics: Iterable[Diagnostic], *, colour: bool = False, is_verbose: bool = False
) -> str:
    """Write diagnostics and, last, the line that counts and explains them; no text for none."""
    ordered = in_order(diagnostics)
    blocks = [format_diagnostic(one, colour=colour, is_verbose=is_verbose) for one in ordered]
    return "\n\n".join([*blocks, format_counts(ordered)]) if ordered else ""


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by file, line, column and code, what has no place last; each stands once."""
    return sorted(dict.fromkeys(diagnostics), key=_order)


def _order(diagnostic: Diagnostic) -> tuple[bool, str, int, int, str]:
    place = diagnostic.location
    if place is None:
        return (True, "", 0, 0, diagnostic.code)
    return (False, place.file, place.line or 0, place.column or 0, diagnostic.code)


def format_diagnostic(
    diagnostic: Diagnostic, *, colour: bool = False, is_verbose: bool = False
) -> str:
    """Write one diagnostic in the shape that conventions give it."""
    place = diagnostic.location
    gutter = len(str(place.line)) if place and place.line and place.source_line is not None else 1
    lines = [_header(diagnostic, colour=colour)]
    if place is not None:
        lines += _place(place, gutter, diagnostic.severity.value, colour=colour)
    details = _details(diagnostic, is_verbose=is_verbose)
    lines += [f"{' ' * (gutter + 2)}= {escape(detail)}" for detail in details]
    lines += [
        f"help: {_or(index)}{escape(help_.text)}{_who(help_)}"
        for index, help_ in enumerate(diagnostic.help)
    ]
    return "\n".join(lines)


def _header(diagnostic: Diagnostic, *, colour: bool) -> str:
    severity = diagnostic.severity.value
    head = styled(f"{severity}[{diagnostic.code}]", severity, colour=colour)
    allowed = " (allowed)" if diagnostic.allowed_because is not None else ""
    return f"{head}{allowed}: {styled(escape(diagnostic.message), 'strong', colour=colour)}"


def _place(place: Location, gutter: int, severity: str, *, colour: bool) -> Iterator[str]:
    arrow = styled("-->", "faint", colour=colour)
    yield f"{' ' * (gutter + 1)}{arrow} {escape(format_location(place))}"
    if place.source_line is None or place.line is None:
        return
    bar = styled("|", "faint", colour=colour)
    number = styled(str(place.line).rjust(gutter), "faint", colour=colour)
    shown, offset, length = _window(place)
    yield f"{' ' * (gutter + 2)}{bar}"
    yield f" {number} {bar} {shown}".rstrip()
    if length:
        marker = styled("^" * length, severity, colour=colour)
        yield f"{' ' * (gutter + 2)}{bar} {' ' * offset}{marker}"
    yield f"{' ' * (gutter + 2)}{bar}"


def _window(place: Location) -> tuple[str, int, int]:
    """Give the part of the source line to show, and where and how long its marker is."""
    text = (place.source_line or "").replace("\t", " ")
    column = place.column or 1
    start = max(0, column - 1 - MAX_SOURCE_COLUMNS // 2) if column > MAX_SOURCE_COLUMNS else 0
    end = start + MAX_SOURCE_COLUMNS
    marked = text[column - 1 : min(column - 1 + (place.length or 0), end)]
    shown = ("…" if start else "") + escape(text[start:end]) + ("…" if len(text) > end else "")
    offset = (1 if start else 0) + width(escape(text[start : column - 1]))
    return shown, offset, max(width(escape(marked)), 1) if place.length else 0


def format_location(place: Location) -> str:
    """Write a place as `file:line:column`, or `image:path`."""
    parts = [place.file, place.inner_path, place.line, place.column if place.line else None]
    return ":".join(str(part) for part in parts if part is not None)


_QUESTIONS = "questions.yaml "
"""Rows of that table say why something is asked, which the rule's page says at length."""


def _details(diagnostic: Diagnostic, *, is_verbose: bool) -> Iterator[str]:
    found = diagnostic.found if is_verbose else diagnostic.found[:MAX_EVIDENCE]
    yield from (f"found: {line}" for line in found)
    hidden = len(diagnostic.found) - len(found)
    if hidden:
        yield f"found: {hidden} further; all with --verbose"
    row = diagnostic.table_row
    if row is not None and (is_verbose or not row.startswith(_QUESTIONS)):
        yield f"rule: {row}"
    yield from (f"note: {note}" for note in diagnostic.notes)
    if diagnostic.allowed_because is not None:
        yield f"note: allowed because: {diagnostic.allowed_because}"


def _or(index: int) -> str:
    return "or " if index else ""


def _who(help_: Help) -> str:
    """Say who can do it, where that is not the user, and how sure it is to mend the fault."""
    words = [] if help_.role is Role.USER else [help_.role.value]
    if not words or help_.confidence is not Confidence.LIKELY:
        words.append(help_.confidence.value)
    return f" ({', '.join(words)})"


def format_counts(diagnostics: Sequence[Diagnostic]) -> str:
    """Write the last line: how to learn more, and how many there are of each kind."""
    codes = " ".join(sorted({diagnostic.code for diagnostic in diagnostics}))
    kinds = Counter(
        "allowed" if d.allowed_because is not None else d.severity.value for d in diagnostics
    )
    counts = ", ".join(
        f"{kinds[kind]} {kind}{'s' if kinds[kind] > 1 and kind != 'allowed' else ''}"
        for kind in ("error", "warning", "note", "allowed")
        if kinds[kind]
    )
    return f"explain: hpcrun explain {codes} ({counts})"
