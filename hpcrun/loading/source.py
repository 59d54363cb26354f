"""The text of one input file and places in it; does not know what the text means."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from hpcrun.errors import InputError, MissingInputError
from hpcrun.model.diagnostic import Location

MAX_FILE_BYTES = 262_144
"""A job or profile is a few kB; the YAML scanner is slow on what is made to be slow."""

MAX_SHOWN_LINE = 4096
"""A longer line is not shown; no person wrote it."""

# The lines that a YAML mark counts (ruamel.yaml 0.19, reader.py, `forward`).
_LINE_BREAK = re.compile("\r\n|[\r\n\x85]|[\u2028\u2029]")

# All but what YAML 1.2.2, 5.1, lets stand in a stream; the other way round takes ms to compile.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)


class Source(NamedTuple):
    """One file: where it is, how the person named it, and its lines."""

    path: Path
    shown: str
    text: str
    lines: tuple[str, ...]

    def span(self, line: int, column: int, length: int | None = None) -> "Span":
        """Give a place; line and column count from 1."""
        return Span(self, line, column, length)


class Span(NamedTuple):
    """A place in a source."""

    source: Source
    line: int
    column: int
    length: int | None = None

    @property
    def location(self) -> Location:
        """The place as diagnostics carry it, with its line of text."""
        lines = self.source.lines
        text = lines[self.line - 1] if self.line <= len(lines) else ""
        is_shown = len(text) <= MAX_SHOWN_LINE
        return Location(
            file=self.source.shown,
            line=self.line,
            column=self.column,
            length=self.length,
            source_line=text if is_shown else None,
        )


class Unreadable(NamedTuple):
    """Why a file's bytes are no text, and where they stop being text."""

    span: Span
    message: str
    help: str


def read_source(path: Path) -> Source | Unreadable:
    """Read a small text file; what is not there or no file at all raises."""
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        source = make_source(path, content.decode("utf-8", "replace"))
        return Unreadable(
            span=_span_at(source, len(before)),
            message=f"byte 0x{content[error.start]:02x} is not UTF-8",
            help="save the file as UTF-8 text",
        )
    source = make_source(path, text)
    found = UNPRINTABLE.search(text)
    if found is None:
        return source
    return Unreadable(
        span=_span_at(source, found.start()),
        message=f"character U+{ord(found[0]):04X} cannot stand in YAML",
        help="remove the character",
    )


def make_source(path: Path, text: str) -> Source:
    """Give the source of a text that was read already."""
    return Source(path, str(path), text, tuple(_LINE_BREAK.split(text)))


def _is_utf8(path: Path) -> bool:
    try:
        os.fsencode(path).decode()
    except UnicodeError:
        return False
    return True


def _span_at(source: Source, index: int) -> Span:
    before = _LINE_BREAK.split(source.text[:index])
    return source.span(len(before), len(before[-1]) + 1, 1)


def refuse_unfit_path(path: Path) -> None:
    """Refuse a path that no plan, record or JSON can hold."""
    if not _is_utf8(path.absolute()):
        raise InputError(
            f"the path of `{path}` is not UTF-8, so no plan or record can hold it",
            help=["rename the file or folder"],
        )


def read_bytes(path: Path) -> bytes:
    """Read a small file; what is not there or no file at all raises."""
    refuse_unfit_path(path)
    try:
        # Without O_NONBLOCK a named pipe would be waited on for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            content = stream.read(MAX_FILE_BYTES + 1) or b""  # None from a pipe that holds nothing
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingInputError(f"`{path}` is not there", help=["check the path"]) from error
    except IsADirectoryError as error:
        raise InputError(f"`{path}` is a folder, not a file", help=["name the file"]) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot read `{path}`: {reason}", help=["check the path"]) from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError(
            f"`{path}` is larger than {MAX_FILE_BYTES // 1024} KiB",
            help=["name a job file, profile or script; put data into files of its own"],
        )
    return content
