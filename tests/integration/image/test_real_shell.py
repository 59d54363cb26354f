"""What is read of a shell script holds when real shells run it, whatever its conditions say."""

import os
import random
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from hpcrun.shell.found import ShellCommand, ShellDoubt
from hpcrun.shell.reader import read_shell
from hpcrun.shell.state import is_on_every_way
from hpcrun.shell.words import UNKNOWN_WORD

RUNS = 4
NAMES = 40
LOG = 'printf "%s|%s|%s\\n" "${0##*/}" "$PWD" "$*" >>"$LOG"\n'
BY_CHANCE = 'set -- $(cksum <"$LOG"); exit $((($1 / CHANCE) % 2))\n'
FAILED = 3


class Ran(NamedTuple):
    """One program that a script has run."""

    name: str
    folder: str
    args: str


def script(chance: random.Random, folders: list[str], depth: int = 2) -> str:
    """Make up a block of a script."""
    return "\n".join(statement(chance, folders, depth) for _ in range(chance.randint(1, 3)))


def statement(chance: random.Random, folders: list[str], depth: int) -> str:
    def block() -> str:
        return script(chance, folders, depth - 1)

    def program() -> str:
        # Most have a name of their own, so that what is sure of one shows.
        names = ("a", "b", *(f"p{chance.randrange(NAMES)}" for _ in range(6)))
        return names[chance.randrange(len(names))]

    test = chance.choice(("t", "u", "! t"))
    plain = [
        *(f"{program()} {chance.choice(('1', '$X', '$1', '$Y x'))}" for _ in range(3)),
        f"X={chance.choice(('p', 'q', '$Y', '$(t)'))}",
        f"cd {chance.choice((*folders, '..'))}",
        chance.choice(("shift", "set -- v w", "Y=q", "export X", f"exit {FAILED}")),
        f"{test} && {program()} 2 || {program()} 3",
        f"{test} || X={chance.choice('pq')}",
        f"{test} && cd {folders[0]} && a $X",
        "exec b 4",
        "exit",
    ]
    jump = chance.choice(("", "break", "t && continue"))
    if not depth:
        return chance.choice(plain)
    return chance.choice(
        (
            *plain,
            f"if {test}; then\n{block()}\nfi",
            f"if {test}\nthen {block()}\nelse\n{block()}\nfi",
            f"if {test}; then\n{block()}\nelif u; then\n{block()}\nelse\n{block()}\nfi",
            f"case $X in\n(p|z) {block()};;\n$Y) {block()}\n;;\nesac",
            f"case $X in p) {block()};; *) {block()} ;; esac",
            f"for Z in 1 2; do\n{block()}\n{jump}\na $Z\ndone",
            f"while t; do\n{block()}\ndone",
            f"( {block()} )",
            f"{{ {block()}\n}}",
            f"a | {{ {block()}\n}}",
            f"F() {{ {block()}\n{chance.choice(('', 't && return', 'return'))}\nc $1\n}}\nF y",
        )
    )


def run(shell: str, text: str, folder: Path, number: int) -> tuple[list[Ran], int]:
    """Run a script with programs that write down that they ran."""
    log = folder / "log"
    log.write_text("", encoding="utf-8")
    environment = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "LOG": str(log),
        "CHANCE": str(number * 7 + 1),
    }
    done = subprocess.run(
        [shell, "-c", f"ulimit -t 2\n{text}", "run", "v1"],
        cwd=folder / "start",
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    lines = (line.split("|") for line in log.read_text(encoding="utf-8").splitlines())
    return [Ran(name, where, args) for name, where, args in lines], done.returncode


def agrees(told: ShellCommand, ran: Ran, start: str) -> bool:
    """Whether what ran is what was told, as far as that is known."""
    words = told.words[1:] if told.words[0] == "exec" else told.words
    if words[0] != ran.name:
        return False
    is_same = UNKNOWN_WORD in "".join(words) or " ".join(words[1:]) == ran.args
    folder = None if told.folder is None else os.path.normpath(f"{start}/{told.folder}")
    if told.folder is not None and told.folder.startswith("/"):
        folder = os.path.normpath(told.folder)
    return is_same and folder in (None, ran.folder)


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("seed", range(6))
def test_all_that_runs_is_told_and_all_that_is_sure_runs(
    seed: int, shell: str, tmp_path: Path
) -> None:
    folders = [str(tmp_path / name) for name in ("start", "one", "two", "bin")]
    for folder in folders:
        Path(folder).mkdir()
    for name, text in {"program": LOG, "test": LOG + BY_CHANCE}.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        program.chmod(0o755)
    for name in (*"abctu", *(f"p{number}" for number in range(NAMES))):
        (tmp_path / "bin" / name).symlink_to("test" if name in "tu" else "program")
    chance = random.Random(seed)
    for _ in range(8):
        text = script(chance, folders[1:3])
        found = list(read_shell(text, name="run", args=("v1",)))
        told = [each for each in found if isinstance(each, ShellCommand)]
        is_whole = not any(isinstance(each, ShellDoubt) for each in found)
        names = {each.words[:2][-1] if each.words[0] == "exec" else each.words[0] for each in told}
        sure = {
            name
            for name in names
            if is_on_every_way([e.where for e in told if name in (e.words[0], e.words[:2][-1])])
        }
        for number in range(RUNS):
            ran, code = run(shell, text, tmp_path, number)
            missed = [r for r in ran if not any(agrees(each, r, folders[0]) for each in told)]
            assert not (is_whole and missed), f"{text}\n{missed}"
            has_failed = code not in (0, 1)
            lacking = sure - {each.name for each in ran}
            assert has_failed or not lacking, f"{text}\n{lacking} {ran} {code}"
