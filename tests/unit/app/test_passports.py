"""Whose passport is read: the program of a job may lie on the host and not in its image."""

import os
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from hpcrun.app.passports import load_passport, read_passports
from hpcrun.errors import InputError
from hpcrun.model.job import Job
from tests.fakes import mpi_files
from tests.fakes.sif_builder import AMD64, build_sif
from tests.fakes.squashfs_builder import build_squashfs


def job_of(folder: Path, **changes: Any) -> Job:
    """Return a job with an empty image in a folder, and a program of the host in `tools`."""
    image = folder / "app.sif"
    image.write_bytes(build_sif(build_squashfs({"usr": {"lib": {}}}), arch=AMD64))
    (folder / "tools").mkdir()
    (folder / "tools" / "solver").write_bytes(mpi_files.program("libmpi.so.40"))
    values: dict[str, Any] = {
        "version": 1,
        "name": "brain",
        "image": {"any_arch": {"ref": str(image)}},
        "workdir": folder,
        "file": folder / "job.yaml",
        **changes,
    }
    return Job.model_validate(values)


@pytest.mark.parametrize(
    ("argv0", "container_path"),
    [
        ("tools/solver", "{folder}/tools/solver"),
        ("./tools/../tools/solver", "{folder}/tools/solver"),
        ("{folder}/tools/solver", "{folder}/tools/solver"),
        ("/opt/bin/solver", "/opt/bin/solver"),
        ("/usr/bin/solver", None),
        ("tools/lost", None),
        ("solver", None),
    ],
    ids=["relative", "dots", "absolute", "mount", "image", "lost", "bare-name"],
)
def test_program_is_read_from_the_working_folder_or_a_mount(
    tmp_path: Path, argv0: str, container_path: str | None
) -> None:
    mount = {"host": tmp_path / "tools", "container": PurePosixPath("/opt/bin")}
    command = (argv0.format(folder=tmp_path),)
    facts = read_passports(job_of(tmp_path, command=command, mounts=(mount,)))["amd64"]
    assert facts.program is not None
    expected = container_path.format(folder=tmp_path) if container_path else None
    assert facts.program.path == expected
    assert facts.program.host_path == (tmp_path / "tools" / "solver" if expected else None)


def test_passport_without_end_is_refused_and_a_pipe_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    job = job_of(tmp_path)
    with pytest.raises(InputError, match="is larger than 16 MiB"):
        load_passport(tmp_path / "zero", job)
    with pytest.raises(InputError, match="is not the passport of an image"):
        load_passport(tmp_path / "pipe", job)
