"""A job that was read from a script → the text of a job.yaml, with comments; writes no file."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpcrun.loading.job_shape import JOB
from hpcrun.loading.nodes import Scalar
from hpcrun.loading.scalars import text_doubt
from hpcrun.sbatch.job import ScriptJob

_SAFE = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.+@-]*")
_BREAK_OR_TAB = "\n\t"
_FOUR_DIGITS = 0xFFFF
_LINE_MAX = 90
_LOSSES = ("HPR827", "HPR828", "HPR826")


def format_job(script: ScriptJob, folder: Path) -> str:
    """Write the job for a file in some folder; what was left out stands in comments at the end."""
    own = Path(os.path.abspath(script.source.path.parent))  # noqa: PTH100  links stay
    values = _moved(script.draft.values, own) if own != folder else script.draft.values
    lines = [f"# Read from {_remark(script.source.path.name)} by `hpcrun init --from`."]
    for name in JOB.fields:
        if name in values:
            lines += _entry(name, values[name])
    lines += _comments(script)
    return "\n".join(lines) + "\n"


def _moved(values: dict[str, Any], own: Path) -> dict[str, Any]:
    """Return the values with the paths that were meant from the script's own folder."""
    moved = dict(values)
    moved["image"] = _absolute(values["image"], own)
    span = values["version"].span
    moved["workdir"] = _absolute(values.get("workdir", Scalar(".", is_plain=False, span=span)), own)
    if "mounts" in values:
        moved["mounts"] = [m | {"host": _absolute(m["host"], own)} for m in values["mounts"]]
    return moved


def _absolute(path: Scalar, own: Path) -> Scalar:
    if "://" in path.text:
        return path
    return path._replace(text=os.path.normpath(own / path.text))


def _entry(name: str, value: Any, indent: str = "") -> Iterator[str]:
    """Yield the lines of one key."""
    key = f"{indent}{_key(name)}:"
    if isinstance(value, dict):
        yield key
        for inner, each in value.items():
            yield from _entry(inner, each, indent + "  ")
    elif isinstance(value, list):
        yield from _list(key, value, indent)
    elif name == "script" and not indent and _is_readable(value.text):
        yield f"{key} |"
        yield from (f"  {line}" for line in value.text.rstrip("\n").split("\n"))
    else:
        yield f"{key} {_scalar(value)}"


def _list(key: str, items: list[Any], indent: str) -> Iterator[str]:
    if all(isinstance(item, Scalar) for item in items):
        line = f"{key} [{', '.join(map(_scalar, items))}]"
        if len(line) <= _LINE_MAX:
            yield line
            return
    yield key
    yield from (f"{indent}  - {_item(item)}" for item in items)


def _item(item: Any) -> str:
    if isinstance(item, Scalar):
        return _scalar(item)
    return "{" + ", ".join(f"{_key(name)}: {_scalar(value)}" for name, value in item.items()) + "}"


def _scalar(value: Scalar) -> str:
    return value.text if value.is_plain else _quoted(value.text)


def _key(name: str) -> str:
    return (
        name if re.fullmatch(r"[a-z][a-z0-9_-]+", name) and not text_doubt(name) else _quoted(name)
    )


def _quoted(text: str) -> str:
    """Write a text as YAML: plain where every reader takes it for that text."""
    if _SAFE.fullmatch(text) and text.lower() != "null" and not text_doubt(text):
        return text
    # JSON's texts are YAML's, but for characters that cannot stand in a YAML file, or end its line;
    # and what is not seen, or turns what is seen around, would hide what the job does.
    return "".join(map(_escaped, json.dumps(text, ensure_ascii=False)))


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= _FOUR_DIGITS else f"\\U{ord(letter):08x}"


def _is_readable(text: str) -> bool:
    """Whether every character of a text with lines is seen as what it is."""
    return all(letter.isprintable() or letter in _BREAK_OR_TAB for letter in text)


def _comments(script: ScriptJob) -> Iterator[str]:
    """Yield what was left out, in the order of the script."""
    told = [d for d in script.found if d.code in _LOSSES and d.location is not None]
    if not told:
        return
    yield ""
    yield "# Not carried over:"
    for each in sorted(told, key=lambda d: (d.location.line or 0) if d.location else 0):
        line = each.location.line if each.location else 0
        why = each.found[0] if each.found else ""
        yield _remark(f"# line {line}: {each.message}; {why}")


def _remark(text: str) -> str:
    """Make text safe in a comment: one line of printable characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
