"""YAML text → events of ruamel.yaml; reports what is no YAML, and refuses directives."""

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hpcrun.loading.problems import FileRule, Problems, shorten
from hpcrun.loading.source import Source

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

_SYNTAX_HELPS = (
    ("\\t'", "indent with spaces; YAML allows no tabs there"),
    ("mapping values are not allowed", "put quotes around a text that holds `: `, or indent anew"),
    ("could not find expected ':'", "each line of a mapping is `key: value`"),
    ("unexpected end of stream", "close the quotes"),
    ("cannot start any token", "put quotes around a text that starts with a special character"),
    ("", "check quotes, brackets and indentation here and on the line before"),
)


class GiveUpError(Exception):
    """The rest of the file cannot be read; why was reported."""


def read_events(source: Source, problems: Problems) -> Iterator[Any]:
    """Give the events of a file; GiveUpError where they end early."""
    return _events(_without_directives(source, problems), source, problems)


def _without_directives(source: Source, problems: Problems) -> str:
    """Refuse `%YAML` and `%TAG`, which change how the same text is read, and blank them out."""
    lines = list(source.lines)
    for index, line in enumerate(lines):
        if line.startswith("%"):
            problems.report(
                FileRule.AMBIGUOUS_SCALAR,
                source.span(index + 1, 1, len(line)),
                message=f"directive `{shorten(line)}` is not used here",
                found=["hpcrun reads YAML 1.2; a directive would change how values are read"],
                helps=["remove the line"],
            )
            lines[index] = ""
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return source.text if tuple(lines) == source.lines else "\n".join(lines)


def _events(text: str, source: Source, problems: Problems) -> Iterator[Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        _report_syntax(error, source, problems)
        raise GiveUpError from error
    except (YAMLError, ValueError, OverflowError) as error:
        # An escape such as "\U99999999" ends in chr(), which raises one of the two.
        _report_escape(error, source, problems)
        raise GiveUpError from error


def _report_escape(error: Exception, source: Source, problems: Problems) -> None:
    escapes = (
        (number, match)
        for number, line in enumerate(source.lines, start=1)
        for match in re.finditer(r"\\U([0-9a-fA-F]{8})", line)
        if int(match[1], 16) > sys.maxunicode
    )
    number, match = next(escapes, (1, None))
    problems.report(
        FileRule.UNREADABLE_YAML,
        source.span(number, match.start() + 1, len(match[0])) if match else source.span(1, 1),
        message="cannot read this as YAML: an escape gives no character",
        found=[shorten(str(error), 80)],
        helps=["write the character itself"],
    )


def _report_syntax(error: "MarkedYAMLError", source: Source, problems: Problems) -> None:
    problem = shorten(str(error.problem or error.context), 60)
    mark = error.problem_mark or error.context_mark
    if "end of stream" in problem and error.context_mark:
        # What was opened there never ends; the end of the file says nothing.
        mark = error.context_mark
    span = source.span(mark.line + 1, mark.column + 1, 1) if mark else source.span(1, 1)
    found = [f"ruamel.yaml: {problem}"]
    if error.context and error.context_mark:
        found.append(f"{shorten(error.context)} that starts in line {error.context_mark.line + 1}")
    help_text = next(text for part, text in _SYNTAX_HELPS if part in problem)
    problems.report(
        FileRule.UNREADABLE_YAML,
        span,
        message=f"cannot read this as YAML: {problem}",
        found=found,
        helps=[help_text],
    )
