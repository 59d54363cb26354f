"""What a job wrote, as a terminal may see it."""

import pytest

from hpcrun.report.terminal import SafeOutput


def shown(*pieces: bytes) -> str:
    safe = SafeOutput()
    return "".join([*(safe.text_of(piece) for piece in pieces), safe.text_of(b"", is_last=True)])


@pytest.mark.parametrize(
    "text", ["näme\tx\r\n", "\x1b[1;31mred\x1b[0m", "50 %\b\b\b60 %", "\x1b[2K\rline"]
)
def test_output_that_only_shows_text_is_unchanged(text: str) -> None:
    raw = text.encode()
    assert shown(raw) == text
    assert shown(*(raw[i : i + 1] for i in range(len(raw)))) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b]0;title\x07", r"\x1b]0;title\x07"),
        (b"\x1b[2J\x1b[6n", r"\x1b[2J\x1b[6n"),
        (b"\xc2\x9b2J", r"\x9b2J"),
        (b"\xff\x00", "\ufffd" + r"\x00"),
        (b"end\x1b[", r"end\x1b["),
    ],
)
def test_output_that_would_do_more_is_spelled_out(raw: bytes, text: str) -> None:
    assert shown(raw) == text
    assert shown(*(raw[i : i + 1] for i in range(len(raw)))) == text
