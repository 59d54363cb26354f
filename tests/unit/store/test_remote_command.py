"""What ssh brings back is cut apart by marks, whatever start files and commands print."""

import base64
import re

import pytest

from hpcrun.store.remote_command import RemoteEnd, format_line, new_mark, output_start, parse_end

MARK = "hpcrun-0123"


def test_line_holds_nothing_that_a_shell_reads_in_its_own_way() -> None:
    line = format_line(("printf", "it's", "!", "\\", "\n", "é"), mark=MARK)
    boot, _, payload = line.rpartition(" ")
    assert boot == "exec /bin/sh -c 'eval \"$(echo $1 | base64 -d)\"' hpcrun"
    assert re.fullmatch("[A-Za-z0-9+/]+", payload)
    assert b"printf 'it'\"'\"'s' '!' '\\' '\n' '\xc3\xa9'" in base64.b64decode(payload)


def test_marks_are_never_the_same() -> None:
    assert new_mark() != new_mark()


def test_output_begins_after_the_mark() -> None:
    assert output_start(b"welcome!\nhpcrun-0123\n\xffdata", mark=MARK) == 21
    assert output_start(b"welcome!\n", mark=MARK) is None


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("hpcrun-0123\n\nhpcrun-0123 0\n", RemoteEnd(0, "")),
        ("banner\nhpcrun-0123\nno\n\nhpcrun-0123 255\n", RemoteEnd(255, "no\n")),
        ("hpcrun-0123\nno\n\nhpcrun-0123 3\nlate\n", RemoteEnd(3, "no\nlate\n")),
        ("hpcrun-0123\nno\n\nhpcrun-9999 3\n", None),
        ("hpcrun-0123\nlost on the way", None),
        ("ssh: connect to host far port 22: Connection refused\n", None),
        ("hpcrun-0123\n\nhpcrun-0123 x\n", None),
    ],
)
def test_end_is_told_from_a_connection_that_was_lost(
    stderr: str, expected: RemoteEnd | None
) -> None:
    assert parse_end(stderr, mark=MARK) == expected
