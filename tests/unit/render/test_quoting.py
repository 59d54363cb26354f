"""Text enters a script in one of three ways, and only safely."""

import itertools
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcrun.errors import InputError
from hpcrun.render import quoting
from tests.unit.render.sbatch_parser import read_line

NASTY = "a '\"\\#$%:`;\t"
LINE_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


def test_sbatch_short_nasty_strings_all_arrive() -> None:
    alphabet = NASTY.replace("\t", "")
    words = ("".join(w) for n in range(1, 4) for w in itertools.product(alphabet, repeat=n))
    lost = [w for w in words if read_line(f" --comment={quoting.sbatch(w)}") != [f"--comment={w}"]]
    assert lost == []


@given(LINE_TEXT.filter(bool))
def test_sbatch_any_line_arrives(value: str) -> None:
    assert read_line(f" --comment={quoting.sbatch(value)}") == [f"--comment={value}"]


@given(LINE_TEXT.filter(bool), LINE_TEXT.filter(bool))
def test_sbatch_two_values_on_a_line_stay_apart(first: str, second: str) -> None:
    line = f" {quoting.sbatch('x' + first)} {quoting.sbatch('x' + second)}"
    assert read_line(line) == ["x" + first, "x" + second]


@pytest.mark.parametrize("letter", ["\n", "\r", "\0", "\x1b", "\x7f"])
def test_sbatch_control_character_is_refused(letter: str) -> None:
    with pytest.raises(InputError, match="control characters"):
        quoting.sbatch(f"a{letter}b")


def test_sbatch_pattern_percent_in_folder_stands_for_itself() -> None:
    assert quoting.sbatch_pattern("/a%j/50%/slurm-%j.out") == '"/a%%j/50%%/slurm-%j.out"'


def test_sbatch_pattern_backslash_in_folder_is_refused() -> None:
    with pytest.raises(InputError, match="backslash"):
        quoting.sbatch_pattern("/a\\b/slurm-%j.out")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_sh_any_word_arrives(value: str) -> None:
    assert shlex.split(quoting.sh(value)) == [value]


def test_sh_nul_is_refused() -> None:
    with pytest.raises(InputError, match="NUL"):
        quoting.sh("a\0b")


@pytest.mark.parametrize("name", ["licenses", "cpus-per-task", "gres", "nice2"])
def test_option_name_plain_passes(name: str) -> None:
    assert quoting.option_name(name) == name


@pytest.mark.parametrize("name", ["", "-x", "a b", "a=b", "A", "a\n#SBATCH --x", "a--b"])
def test_option_name_other_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not the long name"):
        quoting.option_name(name)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=1", "A\n"])
def test_variable_other_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not the name of an environment variable"):
        quoting.variable(name)


def test_remark_line_break_becomes_a_space() -> None:
    assert quoting.remark("a\nrm -rf x\r\0") == "a rm -rf x  "
