import io
from typing import Any

import pytest

from hpcrun.errors import InputError, RefusedError
from hpcrun.model.diagnostic import Confidence, Diagnostic, Help, Location, Role, Severity
from hpcrun.report.diagnostics import (
    format_counts,
    format_diagnostic,
    format_diagnostics,
)
from hpcrun.report.errors import format_error
from hpcrun.report.terminal import escape, wants_colour, width


def diagnostic(**changes: Any) -> Diagnostic:
    values: dict[str, Any] = {
        "code": "HPR301",
        "rule": "mpi-family-mismatch",
        "severity": Severity.ERROR,
        "message": "image uses Open MPI, but the host library belongs to the MPICH family",
    }
    return Diagnostic(**(values | changes))


SAMPLE = diagnostic(
    location=Location(file="job.yaml", line=7, column=8, length=4, source_line="model: bind"),
    found=(
        "`libmpi.so.40` in solver.sif:/usr/lib (family openmpi-4)",
        "`libmpi.so.12` at /opt/cray/lib (family mpich; site_profiles/fjord.yaml:41)",
    ),
    table_row="`mpi_abi.yaml` row `openmpi-4`: no replacement across families",
    notes=("in the bind model host libraries run on the image's libc",),
    help=(
        Help(text="use `model: hybrid`", confidence=Confidence.SURE),
        Help(text="rebuild the image on an MPICH-family MPI", role=Role.IMAGE_AUTHOR),
        Help(text="load a module", role=Role.SITE_ADMIN, confidence=Confidence.TRY),
        Help(text="ask"),
    ),
)


def test_format_diagnostic_has_the_shape_of_the_conventions() -> None:
    assert (
        format_diagnostic(SAMPLE)
        == """\
error[HPR301]: image uses Open MPI, but the host library belongs to the MPICH family
  --> job.yaml:7:8
   |
 7 | model: bind
   |        ^^^^
   |
   = found: `libmpi.so.40` in solver.sif:/usr/lib (family openmpi-4)
   = found: `libmpi.so.12` at /opt/cray/lib (family mpich; site_profiles/fjord.yaml:41)
   = rule: `mpi_abi.yaml` row `openmpi-4`: no replacement across families
   = note: in the bind model host libraries run on the image's libc
help: use `model: hybrid` (sure)
help: or rebuild the image on an MPICH-family MPI (image author)
help: or load a module (site admin, try)
help: or ask (likely)"""
    )


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (None, ""),
        (Location(file="a.sif"), "  --> a.sif\n"),
        (Location(file="a.sif", inner_path="/lib/libc.so.6"), "  --> a.sif:/lib/libc.so.6\n"),
        (Location(file="job.yaml", line=1234), "  --> job.yaml:1234\n"),
        (
            Location(file="job.yaml", line=1234, column=1, source_line="a"),
            "     --> job.yaml:1234:1\n      |\n 1234 | a\n      |\n",
        ),
    ],
)
def test_place_is_shown_as_far_as_it_is_known(location: Location | None, text: str) -> None:
    head = f"error[HPR301]: {SAMPLE.message}\n"
    assert (head + text).rstrip("\n") == format_diagnostic(diagnostic(location=location))


@pytest.mark.parametrize(
    ("line", "column", "length", "shown", "marker"),
    [
        ("a: bcd", 4, 3, "a: bcd", "   ^^^"),
        ("a:\tbcd", 4, 3, "a: bcd", "   ^^^"),
        ("日本: bcd", 5, 3, "日本: bcd", "      ^^^"),
        ("日本: bcd", 1, 2, "日本: bcd", "^^^^"),
        ("e\u0301: x", 5, 1, "e\u0301: x", "   ^"),
        ("a\x1b: x", 5, 1, "a\\x1b: x", "       ^"),
        ("ab", 3, 1, "ab", "  ^"),
        ("x" * 300, 200, 3, "…" + "x" * 100 + "…", " " * 51 + "^^^"),
        ("x" * 300, 1, 300, "x" * 100 + "…", "^" * 100),
        ("x" * 300, 299, 2, "…" + "x" * 52, " " * 51 + "^^"),
    ],
)
def test_marker_stands_under_what_it_marks(
    line: str, column: int, length: int, shown: str, marker: str
) -> None:
    place = Location(file="f", line=1, column=column, length=length, source_line=line)
    lines = format_diagnostic(diagnostic(location=place)).splitlines()
    assert lines[3:5] == [f" 1 | {shown}", f"   | {marker}"]


def test_long_evidence_is_cut_by_count() -> None:
    one = diagnostic(found=tuple(f"library {n}" for n in range(9)))
    assert format_diagnostic(one).splitlines()[-2:] == [
        "   = found: library 5",
        "   = found: 3 further; all with --verbose",
    ]
    assert format_diagnostic(one, is_verbose=True).splitlines()[-1] == "   = found: library 8"


def test_allowed_diagnostic_says_so_and_why() -> None:
    one = diagnostic(allowed_because="tried by hand")
    assert format_diagnostic(one).splitlines() == [
        f"error[HPR301] (allowed): {SAMPLE.message}",
        "   = note: allowed because: tried by hand",
    ]


def test_diagnostics_come_in_order_each_once_and_are_counted() -> None:
    def at(file: str, line: int, code: str = "HPR301") -> Diagnostic:
        return diagnostic(code=code, location=Location(file=file, line=line, column=1))

    nowhere = diagnostic(code="HPR105", severity=Severity.WARNING)
    given = [nowhere, at("b", 1), at("a", 10), at("a", 2, "HPR402"), at("a", 2), at("a", 2)]
    text = format_diagnostics(given)
    assert [line for line in text.splitlines() if "-->" in line] == [
        "  --> a:2:1",
        "  --> a:2:1",
        "  --> a:10:1",
        "  --> b:1:1",
    ]
    assert text.splitlines()[-1] == (
        "explain: hpcrun explain HPR105 HPR301 HPR402 (4 errors, 1 warning)"
    )


def test_no_diagnostics_give_no_text() -> None:
    assert format_diagnostics([]) == ""


def test_counts_tell_kinds_apart() -> None:
    kinds = [
        *(diagnostic(severity=severity) for severity in Severity),
        diagnostic(allowed_because="x"),
        diagnostic(allowed_because="y"),
    ]
    assert format_counts(kinds) == (
        "explain: hpcrun explain HPR301 (1 error, 1 warning, 1 note, 2 allowed)"
    )


def test_colour_adds_only_escapes() -> None:
    import re

    coloured = format_diagnostics([SAMPLE], colour=True)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == format_diagnostics([SAMPLE])


HOSTILE = "\x1b]0;gone\x07 \x9b31m \u202eevil\u2028 \r\n \x00 \ud800 \u200b"


def test_foreign_text_cannot_command_the_terminal() -> None:
    place = Location(
        file=HOSTILE, inner_path=HOSTILE, line=1, column=1, length=9, source_line=HOSTILE
    )
    one = diagnostic(
        message=HOSTILE,
        location=place,
        found=(HOSTILE,),
        table_row=HOSTILE,
        notes=(HOSTILE,),
        help=(Help(text=HOSTILE),),
        allowed_because=HOSTILE,
    )
    error = InputError(HOSTILE, help=[HOSTILE], diagnostics=[one])
    text = format_error(error)
    assert text.isprintable() is False  # for its line breaks alone
    assert [line for line in text.split("\n") if not line.isprintable()] == []
    text.encode()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("日本 é 🧠", "日本 é 🧠"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\tb\n", "a\\tb\\n"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_escape_leaves_letters_alone(text: str, escaped: str) -> None:
    assert escaped == escape(text)


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("", "abc", "日本", "e\u0301")] == [0, 3, 4, 1]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_alone(
    stream: io.StringIO, environment: dict[str, str], wanted: bool
) -> None:
    assert wanted is wants_colour(stream, environment)


def test_error_without_diagnostics() -> None:
    error = InputError("`a` is not there", help=["look", "look again"])
    assert format_error(error) == "error: `a` is not there\nhelp: look\nhelp: look again"


def test_error_with_diagnostics_ends_with_the_counts() -> None:
    error = RefusedError("refused", diagnostics=[diagnostic()])
    assert format_error(error).splitlines() == [
        f"error[HPR301]: {SAMPLE.message}",
        "",
        "error: refused",
        "explain: hpcrun explain HPR301 (1 error)",
    ]
