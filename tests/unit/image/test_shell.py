"""Simple shell scripts are followed, everything else ends in a doubt that names the line."""

import pytest

from hpcrun.image.shell import UNKNOWN_WORD, ShellCommand, ShellDoubt, read_shell


def commands_of(text: str, *args: str) -> list[tuple[str, ...]]:
    """Return the commands of a script that is followed to its end."""
    found = list(read_shell(text, name="/opt/run.sh", args=args))
    assert all(isinstance(each, ShellCommand) for each in found), found
    return [each.words for each in found if isinstance(each, ShellCommand)]


def doubt_of(text: str) -> ShellDoubt:
    """Return what ends the reading of a script."""
    *_, last = read_shell(text, name="/opt/run.sh", args=())
    assert isinstance(last, ShellDoubt)
    return last


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('#!/bin/sh\nexec solver "$@"\n', [("exec", "solver", "-n", "a b")]),
        ("solver $1 '$1' \"$2\" $3\n", [("solver", "-n", "$1", "a b")]),
        ("P=/opt\nexport P\n$P/bin/solver\n", [("/opt/bin/solver",)]),
        ('P="/opt/x y"; "$P/solver" --to="$P"\n', [("/opt/x y/solver", "--to=/opt/x y")]),
        ("set -euo pipefail\necho start\nsolver && post || exit 3\n", [("solver",), ("post",)]),
        ("solver >log 2>&1 </dev/null | tee out &\n", [("solver",), ("tee", "out")]),
        ("solver \\\n  --long \\\n  x\nnext\n", [("solver", "--long", "x"), ("next",)]),
        ('"$(dirname "$0")/solver"\n', [("/opt/solver",)]),
        ('D="$(cd "$(dirname "$0")" && pwd)"\n$D/solver\n', [("/opt/solver",)]),
        ("solver # not this one\n# nor this\n", [("solver",)]),
        ("solver 'it is; one' \"a & b\"\n", [("solver", "it is; one", "a & b")]),
        ("exit 0\nsolver\n", []),
        ("exec first\nsecond\n", [("exec", "first")]),
        ("solver $UNSET\n", [("solver", UNKNOWN_WORD)]),
        ("A=$HOME solver\n", [("solver",)]),
    ],
)
def test_literal_commands_are_followed(text: str, expected: list[tuple[str, ...]]) -> None:
    assert commands_of(text, "-n", "a b") == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("echo a\nif true; then solver; fi\n", 2),
        ("for x in a b; do\n solver $x\ndone\n", 1),
        ("solver `hostname`\n", 1),
        ("\n\nsolver $(hostname)\n", 3),
        ("cat <<EOF\nsolver\nEOF\n", 1),
        ("f() { solver; }\nf\n", 1),
        (". /opt/setvars.sh\n", 1),
        ("module load openmpi\nsolver\n", 1),
        ("$SOLVER run\n", 1),
        ("cd /data\n./solver\n", 1),
        ("solver 'no end\n", 1),
        ("export PATH=$(x)\n", 1),
        ("(solver)\n", 1),
        ("a \\\n b\n[[ x ]]\n", 3),
    ],
)
def test_what_is_more_than_literal_is_a_doubt_with_its_line(text: str, line: int) -> None:
    assert doubt_of(text).line == line


def test_exported_variables_reach_the_program_and_others_do_not() -> None:
    text = "A=1\nexport B=2 PATH=/opt/bin:$PATH\nC=$HOME solver\n"
    (command,) = read_shell(text, name="x", args=(), variables={"PATH": "/bin"})
    assert isinstance(command, ShellCommand)
    assert command.settings == {"B": "2", "PATH": "/opt/bin:/bin", "C": UNKNOWN_WORD}


@pytest.mark.parametrize(
    "text",
    [
        "a;" * 100_000,
        "'" * 100_001,
        '"' * 99_999,
        "$" * 50_000,
        "\\" * 99_999,
        "((((" * 20_000,
        "A=$A$A\n" * 5_000 + "$A\n",
        "x \\\n" * 30_000,
        "${" * 50_000,
        "$(dirname " * 10_000,
        "x=$(" + " " * 250_000 + "y",
        "x=$(cd " + " " * 250_000 + "y",
        'x=$(dirname "$0"' + " " * 250_000 + "y",
    ],
)
def test_hostile_script_ends_soon(text: str) -> None:
    assert len(list(read_shell(text, name="x", args=()))) <= 41
