"""#SBATCH lines are read as sbatch reads them."""

from pathlib import Path

import pytest

from hpcrun.loading.source import make_source
from hpcrun.sbatch.directives import read_header

LINES = {
    "-N2 -n 4": ["-N2", "-n", "4"],
    "--comment=\"a b\" -J 'c d'": ["--comment=a b", "-J", "c d"],
    r"--comment=a\ b\"c": ['--comment=a b"c'],
    r"--comment='it\'s'": ["--comment=it's"],
    "-n 4 # four": ["-n", "4"],
    "-J a#b": ["-J", "a"],
    "-J 'a#b'": ["-J", "a#b"],
    "\t-n\t4\t": ["-n", "4"],
    "": [],
}


@pytest.mark.parametrize(("line", "words"), LINES.items(), ids=range(len(LINES)))
def test_words_of_a_line_are_those_that_sbatch_sees(line: str, words: list[str]) -> None:
    source = make_source(Path("job.sh"), f"#!/bin/sh\n#SBATCH {line}\n")
    assert [word.text for word in read_header(source).words] == words


def test_words_know_where_they_stand() -> None:
    source = make_source(Path("job.sh"), "#!/bin/sh\n#SBATCH -n 4 --mem='2 G'\n")
    places = [
        (word.span.line, word.span.column, word.span.length) for word in read_header(source).words
    ]
    assert places == [(2, 9, 2), (2, 12, 1), (2, 14, 11)]


def codes(text: str) -> list[tuple[str, int | None]]:
    found = read_header(make_source(Path("job.sh"), text)).found
    return [(d.code, d.location.line if d.location else None) for d in found]


def test_header_goes_over_comments_and_empty_lines() -> None:
    assert codes("#!/bin/sh\n\n# a\n  # b\n#SBATCH -n 4\n") == []


def test_header_ends_at_the_first_command() -> None:
    assert codes("#!/bin/sh\nset -e\n#SBATCH -n 4\n") == [("HPR821", 3)]


@pytest.mark.parametrize("line", [" #SBATCH -n 4", "# SBATCH -n 4", "#sbatch -n 4"])
def test_lines_that_only_look_like_it_are_told(line: str) -> None:
    assert codes(f"#!/bin/sh\n{line}\n") == [("HPR821", 2)]


@pytest.mark.parametrize("line", ["##SBATCH -n 4", "# see sbatch -n", "# SBATCH is nice"])
def test_comments_are_not(line: str) -> None:
    assert codes(f"#!/bin/sh\n{line}\n") == []


@pytest.mark.parametrize("line", ["#SBATCH -J 'a", "#SBATCH :x"])
def test_line_at_which_sbatch_stops_is_told(line: str) -> None:
    assert codes(f"#!/bin/sh\n{line}\n") == [("HPR822", 2)]
