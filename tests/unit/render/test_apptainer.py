"""Mounts and variables in the forms that Apptainer takes."""

from pathlib import Path, PurePosixPath
from typing import Literal

import pytest

from hpcrun.errors import InputError
from hpcrun.model.plan import PlannedMount
from hpcrun.render.apptainer import mount_text, variable_prefix


def mount(host: str, container: str, mode: Literal["ro", "rw"] = "rw") -> PlannedMount:
    return PlannedMount(host=Path(host), container=PurePosixPath(container), mode=mode, why="test")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (mount("/data", "/data", "ro"), "type=bind,source=/data,destination=/data,ro"),
        (mount("/a:b", "/c"), "type=bind,source=/a:b,destination=/c"),
        (mount("/a,b", "/c"), 'type=bind,"source=/a,b",destination=/c'),
        (mount('/a"b', "/c"), 'type=bind,"source=/a""b",destination=/c'),
        (mount("/a=b", "/c d"), "type=bind,source=/a=b,destination=/c d"),
    ],
)
def test_mount_text_is_one_csv_record(value: PlannedMount, text: str) -> None:
    assert mount_text(value) == text


def test_mount_text_line_break_is_refused() -> None:
    with pytest.raises(InputError, match="line break"):
        mount_text(mount("/a\nb", "/c"))


@pytest.mark.parametrize(
    ("command", "prefix"),
    [
        ("apptainer", "APPTAINERENV_"),
        ("/opt/apptainer/bin/apptainer", "APPTAINERENV_"),
        ("singularity", "SINGULARITYENV_"),
        ("/usr/bin/singularity-ce", "SINGULARITYENV_"),
    ],
)
def test_variable_prefix_follows_the_command(command: str, prefix: str) -> None:
    assert variable_prefix(command) == prefix
