"""A process id that was used again is never taken for a running sandbox."""

import json
import os
from dataclasses import replace
from pathlib import Path

from hpcrun.sandbox.options import Options
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.state import (
    ProcessMark,
    State,
    read_process_mark,
    read_running,
    read_state,
    write_state,
)


def own_mark() -> ProcessMark:
    mark = read_process_mark(os.getpid())
    assert mark is not None
    return mark


def state_with(mark: ProcessMark) -> State:
    return State("box", mark, "24.11", ("n1", "n2"), "/srv/share", "ada", 1000, 1000, ("slow",))


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    where = Places(tmp_path, "box")
    where.folder.mkdir()
    state = state_with(own_mark())
    write_state(where, state)
    assert read_state(where) == state
    assert read_running(where) == state


def test_state_of_another_hpcrun_is_read_without_what_this_one_does_not_know(
    tmp_path: Path,
) -> None:
    where = Places(tmp_path, "box")
    where.folder.mkdir()
    state = replace(state_with(own_mark()), options=Options(short_timeouts=True))
    write_state(where, state)
    data = json.loads(where.state_file.read_text())
    data["of_tomorrow"] = 1
    data["options"]["of_tomorrow"] = True
    where.state_file.write_text(json.dumps(data))
    assert read_state(where) == state


def test_later_process_of_the_same_number_is_not_the_sandbox(tmp_path: Path) -> None:
    where = Places(tmp_path, "box")
    where.folder.mkdir()
    mark = own_mark()
    for other in (
        replace(mark, start_ticks=mark.start_ticks - 1),
        replace(mark, boot_id="11111111-2222-3333-4444-555555555555"),
        replace(mark, pid=2**22 + 1),
    ):
        write_state(where, state_with(other))
        assert read_state(where) is not None
        assert read_running(where) is None


def test_missing_broken_or_foreign_state_is_none(tmp_path: Path) -> None:
    where = Places(tmp_path, "box")
    assert read_state(where) is None
    where.folder.mkdir()
    for text in ("", "{", '{"version": 2}'):
        where.state_file.write_text(text)
        assert read_state(where) is None
