"""Scripts that are made to cost: each is given up after a bounded amount of work and memory."""

import time
import tracemalloc

import pytest

from hpcrun.shell.found import ShellCommand, ShellDoubt
from hpcrun.shell.reader import read_shell
from hpcrun.shell.words import UNKNOWN_WORD, WORD_MAX, WORDS_MAX

SECONDS_MAX = 10
"""Of the processor; each takes less than one, and many took minutes before they were capped."""
BYTES_MAX = 50 << 20
LONG = "b=" + "x" * 4000 + "\n"
MANY_FIELDS = "b='" + "a " * 2000 + "'\n"


def found_in(text: str, *args: str) -> list[ShellCommand | ShellDoubt]:
    return list(read_shell(text, name="/opt/run.sh", args=args))


HOSTILE = {
    "arguments doubled": "set -- a b\n" + 'set -- "$@" "$@"\n' * 18 + "solver\n",
    "arguments doubled in calls": 'f() { set -- "$@" "$@"; }\n' + 'f "$@" "$@"\n' * 3000,
    "names read": "read " + " ".join(f"a{n}" for n in range(30_000)) + "\n" + "x || y\n" * 100,
    "names in arithmetic": "(("
    + "+".join(f"a{n}" for n in range(30_000))
    + "))\n"
    + "x || y\n" * 90,
    "names exported": "export " + " ".join(f"a{n}=" for n in range(30_000)) + "\nx\n",
    "substitutions behind lines": "\n" * 200_000 + "$( ) " * 12_000,
    "substitutions of commands": "\n" * 100_000 + "echo $(:) " * 15_000,
    "joined settings": LONG + "a+=$b " * 40_000 + "\n",
    "joined exports": LONG + "export " + "a+=$b " * 40_000 + "\n",
    "settings of a command": "".join(f"a{n}= " for n in range(30_000)) + "x\n",
    "words that are split": MANY_FIELDS + "echo " + "$b " * 80_000 + "\n",
    "exported words": "b='" + "a " * 300 + "'\nexport " + "$b " * 80_000 + "\n",
    "argument that is split": "set -- '" + "a " * 60_000 + "'\necho " + "$1 " * 40_000 + "\n",
    "long words told": LONG + ("x " + "z$b " * 400 + "\n") * 90,
    "loops and functions": "".join(f"f{n}() {{ {'a=1 ' * 60}; }}\n" for n in range(600))
    + "for i in a b; do :; done\n" * 700,
    "functions that are left": "f() {\nexit\n" + "a=1\n" * 1900 + "break\n}\n" + "f || :\n" * 900,
    "words in functions": "f() {\n: '" + "x$" * 60_000 + "'\n}\n" + "f\n" * 3900,
    "arms": "case x in " + "a);;" * 50_000 + "esac\n",
    "folders": LONG + "cd $b\n" * 3900,
    "texts behind lines": "".join(f"<<A{n}\nA{n}\n" for n in range(16_000)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_script_is_read_in_bounded_time(text: str) -> None:
    assert len(text) < 256 << 10
    started = time.process_time()
    found_in(text)
    assert time.process_time() - started < SECONDS_MAX


@pytest.mark.parametrize(
    "name", ["arguments doubled", "arguments doubled in calls", "names read", "long words told"]
)
def test_hostile_script_takes_bounded_memory(name: str) -> None:
    tracemalloc.start()
    try:
        found_in(HOSTILE[name])
        assert tracemalloc.get_traced_memory()[1] < BYTES_MAX
    finally:
        tracemalloc.stop()


def test_too_many_arguments_are_unknown() -> None:
    (command,) = found_in("set -- " + "a " * (WORDS_MAX + 1) + "\nsolver $1\n")
    assert isinstance(command, ShellCommand)
    assert command.words == ("solver", UNKNOWN_WORD)


def test_too_many_names_are_a_doubt() -> None:
    first = found_in("read " + "a " * (WORDS_MAX + 1) + "\nsolver\n")[0]
    assert isinstance(first, ShellDoubt)
    assert "more words than are followed" in first.what


def test_joined_value_that_is_too_long_is_unknown() -> None:
    half = "x" * (WORD_MAX // 2 + 1)
    (command,) = found_in(f"a={half}\na+={half}\nsolver $a\n")
    assert isinstance(command, ShellCommand)
    assert command.words == ("solver", UNKNOWN_WORD)


def test_substitution_is_told_at_its_line() -> None:
    found = found_in("\n\nA=$(first\nsecond) third\n")
    assert [each.line for each in found] == [3, 4, 3]


def test_digit_that_is_no_decimal_is_no_argument() -> None:
    (command,) = found_in("solver $² ${²}\n", "a")
    assert isinstance(command, ShellCommand)
    assert command.words[0] == "solver"


def test_long_script_of_a_vendor_is_read_to_its_end() -> None:
    lines = [f"export V{n}=/opt/vendor/{n}:$V{n - 1}" for n in range(200)]
    lines += [f'if [ -n "$V{n}" ]; then A{n}=$(x {n}) || return 1; fi' for n in range(30)]
    lines += [f"f{n}() {{ for i in a b; do W=$i; done; }}; f{n}" for n in range(300)]
    last = found_in("\n".join([*lines, "solver"]))[-1]
    assert isinstance(last, ShellCommand)
    assert last.words == ("solver",)
