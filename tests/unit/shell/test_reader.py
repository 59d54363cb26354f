"""Shell scripts are followed on all their ways, what cannot be is a doubt that names the line."""

import pytest

from hpcrun.shell.found import Manner, ShellCommand, ShellDoubt
from hpcrun.shell.reader import read_shell
from hpcrun.shell.state import Arm, is_on_every_way
from hpcrun.shell.words import UNKNOWN_WORD


def commands_of(text: str, *args: str) -> list[tuple[str, ...]]:
    """Return the commands of a script that is followed to its end."""
    found = list(read_shell(text, name="/opt/run.sh", args=args))
    assert all(isinstance(each, ShellCommand) for each in found), found
    return [each.words for each in found if isinstance(each, ShellCommand)]


def doubt_of(text: str) -> ShellDoubt:
    """Return the first place of a script that cannot be followed."""
    found = read_shell(text, name="/opt/run.sh", args=())
    return next(each for each in found if isinstance(each, ShellDoubt))


def sureness_of(text: str) -> dict[str, bool]:
    """Return the programs that a script may run, and whether it does on each of its ways."""
    places: dict[str, list[tuple[Arm, ...]]] = {}
    for found in read_shell(text, name="/opt/run.sh", args=("-n", "a b")):
        if isinstance(found, ShellCommand):
            places.setdefault(found.words[0], []).append(found.where)
    return {name: is_on_every_way(each) for name, each in places.items()}


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
        ('C="mpirun -n 4"; $C solver\n', [("mpirun", "-n", "4", "solver")]),
        ('C="a b"; "$C"\n', [("a b",)]),
        ('shift; exec "$@"\n', [("exec", "a b")]),
        ("set -- solver -x; $1 $2 $3\n", [("solver", "-x")]),
        ("P=/opt; P+=/bin; $P/solver\n", [("/opt/bin/solver",)]),
        ("X=; ${X:-solver} ${1:-y}\n", [("solver", "-n")]),
        ("cat <<EOF\nother\nEOF\nsolver\n", [("cat",), ("solver",)]),
        ("cat <<-'E' >x\n\tother\n\tE\nsolver <<<word\n", [("cat",), ("solver",)]),
        ("solver `hostname`\n", [("hostname",), ("solver", UNKNOWN_WORD)]),
        (
            'X="$(nproc --all)"; solver -n $X\n',
            [("nproc", "--all"), ("solver", "-n", UNKNOWN_WORD)],
        ),
        ("N=$((2 * 3)); ((N++)); solver\n", [("solver",)]),
        ("A=(x y); solver ${#A[@]}\n", [("solver", UNKNOWN_WORD)]),
        ('f() { solver "$1"; }\nf x\n', [("solver", "x")]),
        ("function f {\n post\n}\nsolver && f\n", [("solver",), ("post",)]),
        ("(solver) >log; { post; }\n", [("solver",), ("post",)]),
        ("[[ $1 =~ ^a && -n $2 ]]\ntime ! solver\n", [("solver",)]),
        ("command -v solver >/dev/null || exit 1\nsolver\n", [("solver",)]),
        ("solver 'a\nb'\npost\n", [("solver", "a\nb"), ("post",)]),
    ],
)
def test_literal_commands_are_followed(text: str, expected: list[tuple[str, ...]]) -> None:
    assert commands_of(text, "-n", "a b") == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\nsolver <(hostname)\n", 3),
        ("f() { f; }\nf\n", 1),
        (". /opt/setvars.sh\n", 1),
        ("a\nmodule load openmpi\nsolver\n", 2),
        ("$SOLVER run\n", 1),
        ("if a\nthen b\nelse $SOLVER\nfi\n", 3),
        ("solver 'no end\n", 1),
        ("export $X\n", 1),
        ("set -a\n", 1),
        ("a\nb; fi\n", 2),
        ("if a; then\nb\n", 2),
        ("sol*r\n", 1),
        ("case a in\nb) c ;&\nd) e;;\nesac\n", 2),
    ],
)
def test_what_is_more_than_literal_is_a_doubt_with_its_line(text: str, line: int) -> None:
    assert doubt_of(text).line == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if [ -f x ]; then a; else b; fi; c\n", {"a": False, "b": False, "c": True}),
        ("if t; then a -x; elif u; then a -y; else a; fi\n", {"t": True, "u": False, "a": True}),
        ("if t; then a; elif u; then a; fi\n", {"t": True, "u": False, "a": False}),
        ("case $1 in -n|x) a;; *) a 1; b;; esac\n", {"a": True, "b": False}),
        ("case $1 in\n (x)\n a ;;\nesac\n", {"a": False}),
        ("if t; then if u; then a; else a; fi; else a; fi\n", {"t": True, "u": False, "a": True}),
        ("for x in 1 2; do a $x; done; b\n", {"a": True, "b": True}),
        ("for x in $LIST; do a; done\n", {"a": False}),
        ("for x; do a; break; done\n", {"a": False}),
        ("while read x; do a; done <list; b\n", {"a": False, "b": True}),
        ("[ -f x ] && a\n", {"a": False}),
        ("a || b; c\n", {"a": True, "b": False, "c": True}),
        ("cd /data && a\n", {"a": True}),
        ("[ $# -gt 1 ] || exit 1\na\n", {"a": True}),
        ("[ $# -gt 1 ] || { echo usage >&2; exit 2; }\na\n", {"a": True}),
        ("if t; then exit 0; fi\na\n", {"t": True, "a": False}),
        ("if t; then a; exit; fi\na -x\n", {"t": True, "a": True}),
        ("if t; then exec a; else exec a -x; fi\nb\n", {"t": True, "exec": True}),
        ("if t; then if u; then exit; fi; fi\na\n", {"t": True, "u": False, "a": False}),
        (". /opt/setvars.sh\na\n", {"a": False}),
        ("if t; then . /x; fi; a\n", {"t": True, "a": False}),
        ("f() { if t; then return; fi; a; }\nf; b\n", {"t": False, "a": False, "b": True}),
        ("f() { if t; then exit; fi; }\nf; b\n", {"t": True, "b": False}),
        ("a | while read x; do b; done; (exit); c\n", {"a": True, "b": False, "c": True}),
        ("$X/bin/mpirun a\n", {"\0/bin/mpirun": True}),
    ],
)
def test_what_runs_on_each_way_is_told_from_what_may_run(
    text: str, expected: dict[str, bool]
) -> None:
    assert sureness_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if t; then X=a; else X=a; fi; $X\n", "a"),
        ("X=a; if t; then X=b; fi; nice $X\n", UNKNOWN_WORD),
        ("X=a; (X=b); nice $X\n", "a"),
        ("X=a; for i in 1 2; do nice $X; X=b; done\n", UNKNOWN_WORD),
        ("f() { X=b; }; X=a; for i in 1 2; do nice $X; f; done\n", UNKNOWN_WORD),
        ("X=a; echo | read X; nice $X\n", UNKNOWN_WORD),
        ("X=a; read -r X; nice $X\n", UNKNOWN_WORD),
        ("X=a; t && X=b; nice $X\n", UNKNOWN_WORD),
        ("X=a; t || X=a; nice $X\n", "a"),
        ("X=a; t && X=b && nice $X\n", "b"),
        ("IFS=:; X='a b'; nice $X\n", UNKNOWN_WORD),
        ("X=a; . /x; nice $X\n", UNKNOWN_WORD),
        ("if t; then shift; fi; nice $1\n", UNKNOWN_WORD),
        ("for x in 1 2; do nice $1; shift; done\n", UNKNOWN_WORD),
    ],
)
def test_variable_that_differs_between_ways_is_unknown(text: str, expected: str) -> None:
    commands = [f for f in read_shell(text, name="x", args=("1",)) if isinstance(f, ShellCommand)]
    assert next(each.words[-1] for each in reversed(commands) if each.words != ("t",)) == expected


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("solver\n", ""),
        ("cd /data; solver\n", "/data"),
        ("cd /data; cd ../more; solver\n", "/data/../more"),
        ("cd sub && solver\n", "./sub"),
        ("(cd /data); solver\n", ""),
        ("cd /data || exit 1; solver\n", "/data"),
        ("if t; then cd /data; fi; solver\n", None),
        ("if t; then cd /data; else cd /data; fi; solver\n", "/data"),
        ("cd $DATA; solver\n", None),
        ("cd; solver\n", None),
        ("cd -; solver\n", None),
        ("for i in 1 2; do solver; cd ..; done\n", None),
        ('cd "$(dirname "$0")"; solver\n', "/opt"),
    ],
)
def test_folder_is_followed_where_it_is_literal(text: str, folder: str | None) -> None:
    found = [
        f for f in read_shell(text, name="/opt/run.sh", args=()) if isinstance(f, ShellCommand)
    ]
    assert found[-1].folder == folder


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
        "if a; then " * 20_000,
        "f() { f; f; }\nf\n" * 1_000,
        "case x in " * 20_000,
        "a && " * 50_000,
        "if a; then b; else b; fi\n" * 10_000,
        "(a;" * 50_000,
        "x=" + "`a" * 50_000,
        "$(" * 50_000,
        '"$(' * 50_000,
        "${x:-" * 50_000,
        "cat <<E\n" * 20_000,
        "for x in 1 2; do " * 20_000,
        "f() { " * 10_000,
        "=(" * 50_000,
        "((" * 50_000 + "\n" * 1_000,
    ],
)
def test_hostile_script_ends_soon(text: str) -> None:
    assert len(list(read_shell(text, name="x", args=()))) <= 101


@pytest.mark.parametrize("end", ["\n", " &\n", " && x\n"])
def test_gap_in_a_function_is_told_though_it_is_not_called(end: str) -> None:
    gap = "f() {\nselect x in a; do :; done\n}"
    assert "select" in doubt_of(f"first\n{gap}{end}solver\n").what


MANNER = Manner(plain=frozenset(("module",)), lasting={"SLURM_NTASKS": "4"}, n_most=2)


def told(text: str) -> list[ShellCommand | ShellDoubt]:
    known = dict(MANNER.lasting)
    return list(read_shell(text, name="job.sh", args=(), variables=known, manner=MANNER))


def test_plain_commands_are_told_and_change_nothing() -> None:
    loaded, run = told("IMG=/a.sif\nmodule load x\nsolve $IMG\n")
    assert isinstance(loaded, ShellCommand)
    assert isinstance(run, ShellCommand)
    assert (loaded.words, run.words, run.raw) == (
        ("module", "load", "x"),
        ("solve", "/a.sif"),
        ("solve", "$IMG"),
    )


def test_lasting_variables_are_known_behind_what_cannot_be_followed() -> None:
    doubt, run = told("IMG=/a.sif\nsource x\nsolve $IMG $SLURM_NTASKS\n")
    assert isinstance(doubt, ShellDoubt)
    assert isinstance(run, ShellCommand)
    assert run.words == ("solve", UNKNOWN_WORD, "4")


def test_no_more_is_told_than_asked_for() -> None:
    assert [type(each) for each in told("a\nb\nc\n")] == [ShellCommand, ShellCommand, ShellDoubt]


ARRAYS = {
    'A=(a "b c" $X)\np "${A[@]}"': ("p", "a", "b c", "x"),
    "A=(a b)\np ${A[@]} $A": ("p", "a", "b", "a"),
    "A=(a)\nA+=(b 'c')\np ${A[@]}": ("p", "a", "b", "c"),
    "A=()\np ${A[@]} z": ("p", "z"),
    "A=('b  c' '')\np ${A[@]} z": ("p", "b", "c", "z"),
    "A=('b*')\np ${A[@]} \"${A[@]}\"": ("p", UNKNOWN_WORD, "b*"),
    "A=(a\n b # c\n)\np ${A[@]}": ("p", "a", "b"),
    "A=b\np ${A[@]}": ("p", "b"),
    "A=(*)\np ${A[@]}": ("p", UNKNOWN_WORD),
    "A=([1]=a)\np ${A[@]}": ("p", UNKNOWN_WORD),
    "A=(a); A+=b\np ${A[@]}": ("p", UNKNOWN_WORD),
    "A=(a); t && A=(b)\np ${A[@]}": ("p", UNKNOWN_WORD),
}


@pytest.mark.parametrize(("text", "words"), ARRAYS.items(), ids=range(len(ARRAYS)))
def test_arrays_are_followed(text: str, words: tuple[str, ...]) -> None:
    assert commands_of(f"X=x\n{text}")[-1] == words


def test_arrays_are_not_exported() -> None:
    (run,) = read_shell("export A\nA=(a b)\np", name="x", args=())
    assert isinstance(run, ShellCommand)
    assert run.settings["A"] == UNKNOWN_WORD


def test_words_of_one_variable_have_no_word_of_their_own() -> None:
    (run,) = read_shell("A='b c'\np $A $B", name="x", args=(), variables={"B": "d"})
    assert isinstance(run, ShellCommand)
    assert run.raw == ("p", "", "", "$B")


@pytest.mark.parametrize(
    ("setting", "is_exported"),
    [("export A=1", True), ("declare -x A=1", True), ("readonly A=1", False), ("local A=1", False)],
)
def test_only_what_is_said_to_be_is_exported(setting: str, *, is_exported: bool) -> None:
    (run,) = read_shell(f"{setting}\np", name="x", args=())
    assert isinstance(run, ShellCommand)
    assert ("A" in run.settings) is is_exported
