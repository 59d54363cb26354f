"""How YAML readers take a plain scalar (without quotes); does not know what is meant.

YAML 1.2 core schema: YAML 1.2.2, 10.3.2. YAML 1.1 types, which many readers still follow:
yaml.org/type/{bool,int,float,timestamp}.html.
"""

import math
import re
from typing import Literal

Kind = Literal["null", "bool", "number", "text"]

_BOOL = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_OLD_BOOL = frozenset(
    form
    for word in ("y", "n", "yes", "no", "on", "off")
    for form in (word, word.capitalize(), word.upper())
)
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|0o[0-7]+|0x[0-9a-fA-F]+"
)
_OLD_NUMBER = re.compile(
    r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")

CANONICAL_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def kind_of(text: str) -> Kind:
    """Tell what YAML 1.2 makes of a plain scalar."""
    if text in ("", "~", "null", "Null", "NULL"):
        return "null"
    if text in _BOOL:
        return "bool"
    return "number" if _NUMBER.fullmatch(text) else "text"


def bool_of(text: str) -> bool:
    """Give the value of a boolean."""
    return text.lower() == "true"


def is_old_bool(text: str) -> bool:
    """Whether YAML 1.1 reads a text of YAML 1.2 as a boolean."""
    return text in _OLD_BOOL


def number_doubt(text: str) -> str | None:
    """Tell why a plain scalar that looks like a number is not what it seems; None where it is.

    Leading zeros, underscores and prefixes are read differently by YAML 1.1, 1.2 and people.
    """
    if not (_NUMBER.fullmatch(text) or _OLD_NUMBER.fullmatch(text)):
        return None
    if "_" in text:
        return "underscores are part of a number in YAML 1.1 and text in YAML 1.2"
    if re.match(r"[-+]?0[0-9oxb]", text):
        return "a leading zero, `0o`, `0x` or `0b` changes the base, depending on the YAML version"
    if JSON_NUMBER.fullmatch(text) and math.isinf(float(text)):
        return "the number overflows to infinity"
    if not JSON_NUMBER.fullmatch(text) and not text.lstrip("-+").startswith(
        (".i", ".I", ".n", ".N")
    ):
        return "the number is not written as JSON would write it"
    return None


def text_doubt(text: str) -> str | None:
    """Tell why a plain scalar is not surely the text that was written; None where it is."""
    kind = kind_of(text)
    if kind == "bool":
        return "YAML reads it as a boolean"
    if kind == "number":
        return number_doubt(text) or f"YAML reads it as the number {_as_read(text)}"
    if _OLD_NUMBER.fullmatch(text):
        return number_doubt(text)
    if _DATE.fullmatch(text):
        return "YAML 1.1 reads it as a date"
    return None


def is_faithful_number(text: str) -> bool:
    """Whether a plain number reads back exactly as written, so that it may stand for its text."""
    if CANONICAL_INTEGER.fullmatch(text):
        return text != "-0"
    return bool(JSON_NUMBER.fullmatch(text)) and _as_read(text) == text


def _as_read(text: str) -> str:
    """Write a number of YAML 1.2 as a reader would give it back."""
    if CANONICAL_INTEGER.fullmatch(text):
        return text
    return repr(float(text)) if JSON_NUMBER.fullmatch(text) else text
