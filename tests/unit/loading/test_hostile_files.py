"""Whatever a file holds, loading it ends soon, and in hpcrun's own errors only."""

import contextlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpcrun.errors import HpcrunError, InputError
from hpcrun.loading import load_job, load_site

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
YAML_LETTERS = "abn01._-:,[]{}#&*!|>'\"%@`?~ \n\t\\<=$/éß"
SIZE = 16_384
"""A sixteenth of the limit: what grows faster than its input shows here too."""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [" + ", ".join([f"*{chr(97 + n)}"] * 9) + "]\n"
    for n in range(9)
)


def load_both(path: Path) -> None:
    for load in (load_job, load_site):
        with contextlib.suppress(HpcrunError):
            load(path)


@SETTINGS
@given(content=st.binary(max_size=200))
def test_any_bytes_end_in_own_errors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    load_both(path)


@SETTINGS
@given(text=st.text(alphabet=YAML_LETTERS, max_size=80))
def test_any_text_in_yaml_letters_ends_in_own_errors(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(text, encoding="utf-8")
    load_both(path)


@SETTINGS
@given(
    text=st.text(alphabet=YAML_LETTERS, max_size=20), key=st.sampled_from(["name", "env", "mpi"])
)
def test_any_value_of_a_key_ends_in_own_errors(tmp_path: Path, key: str, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(f"version: 1\n{key}: {text}\nimage: a.sif\ncommand: [a]\n", encoding="utf-8")
    load_both(path)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * SIZE,
        "{" * SIZE,
        "- " * (SIZE // 2),
        "? " * (SIZE // 2),
        "!" * SIZE,
        "&" + "a" * (SIZE - 1),
        "%" + "a" * (SIZE - 1),
        "%\n" * (SIZE // 2),
        '"' + "a\n\n" * (SIZE // 4),
        "a: " + "b\n " * (SIZE // 4),
        "a:\n" * (SIZE // 3),
        "".join(f"{n}: 1\n" for n in range(SIZE // 9)),
        "".join(f"comand{n:04}: 1\n" for n in range(9000)),
        "a: [" + "1," * (SIZE // 3) + "]",
        "a: " + "9" * (SIZE - 9),
        "version: " + "9" * (SIZE - 19),
        "version: 1e" + "9" * (SIZE - 19),
        "name: " + "a-" * (SIZE // 2 - 19),
        "resources: {walltime: " + "1 " * (SIZE // 2 - 19) + "}",
        "workdir: " + "/.." * (SIZE // 4),
        "mounts: [{host: a, container: " + "/a" * (SIZE // 3) + "..}]",
        "\n" * SIZE,
        "#" * SIZE,
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)
def test_file_made_to_be_slow_ends_soon(tmp_path: Path, text: str) -> None:
    path = tmp_path / "slow.yaml"
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    load_both(path)
    assert time.process_time() - start < 3


def test_pipe_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)
    with pytest.raises(InputError):
        load_job(path)


def test_endless_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="larger than"):
        load_job(tmp_path / "zero.yaml")


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\ud800"])
def test_hostile_name_of_a_file_ends_in_own_errors(name: str) -> None:
    with pytest.raises(HpcrunError):
        load_job(name)


def test_folder_whose_name_no_record_can_hold_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "job.yaml").write_text("version: 1\n")
    with pytest.raises(InputError, match="is not UTF-8"):
        load_job(folder / "job.yaml")
