"""What is quoted for the shell arrives through real shells."""

import itertools
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcrun.render.quoting import sh

WORDS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60),
    min_size=1,
    max_size=50,
)


def through(shell: str, words: list[str]) -> list[str]:
    command = "printf '%s\\0' " + " ".join(sh(word) for word in words)
    done = subprocess.run([shell, "-c", command], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_sh_short_nasty_words_all_arrive(shell: str) -> None:
    letters = "a '\"\\$`\n#%;~*!&|<>(){}[]?=-\t"
    words = ["".join(w) for n in range(4) for w in itertools.product(letters, repeat=n)]
    lost = [
        word
        for part in (words[i : i + 2000] for i in range(0, len(words), 2000))
        for word, seen in zip(part, through(shell, part), strict=True)
        if word != seen
    ]
    assert lost == []


@pytest.mark.parametrize("shell", ["dash", "bash"])
@settings(max_examples=30, deadline=None)
@given(words=WORDS)
def test_sh_any_words_arrive(shell: str, words: list[str]) -> None:
    assert through(shell, words) == words
