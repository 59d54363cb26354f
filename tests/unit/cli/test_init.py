"""`hpcrun init`: job files that load, of nothing and of a script; nothing is overwritten."""

import os
from pathlib import Path

import pytest

from hpcrun.cli.main import main
from hpcrun.errors import ExitCode
from hpcrun.loading import load_job

SCRIPT = "#!/bin/sh\n#SBATCH -N 2 -n 4 --array=1-2\nsrun apptainer exec app.sif /usr/bin/app\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a script."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.sh").write_text(SCRIPT)
    return tmp_path


def test_plain_job_file_loads() -> None:
    assert main(["init"]) == ExitCode.OK
    assert load_job("job.yaml").resources.n_tasks > 1


def test_job_file_of_a_script_loads_and_losses_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["init", "--from", "job.sh"]) == ExitCode.OK
    assert load_job("job.yaml").resources.nodes == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "warning[HPR828]: `--array=1-2` is not carried over\n  --> job.sh:2:" in said.err


def test_file_that_is_there_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "job.yaml").write_text("mine")
    assert main(["init", "--from", "job.sh"]) == ExitCode.CANNOT_WRITE
    assert (folder / "job.yaml").read_text() == "mine"
    assert "is there already" in capsys.readouterr().err


def test_job_goes_to_standard_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--from", "job.sh", "--output", "-"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("# Read from job.sh")
    assert not (folder / "job.yaml").exists()


def test_job_of_a_script_that_others_cannot_read_is_not_readable_either(folder: Path) -> None:
    (folder / "job.sh").chmod(0o600)
    assert main(["init", "--from", "job.sh"]) == ExitCode.OK
    assert (folder / "job.yaml").stat().st_mode & 0o077 == 0


def test_job_in_another_folder_names_whole_paths(folder: Path) -> None:
    (folder / "jobs").mkdir()
    assert main(["init", "--from", "job.sh", "-o", "jobs/a.yaml"]) == ExitCode.OK
    image = load_job("jobs/a.yaml").image.any_arch
    assert image is not None
    assert image.ref == str(folder / "app.sif")


def test_script_that_is_not_there_is_told() -> None:
    assert main(["init", "--from", "no.sh"]) == ExitCode.NO_INPUT


def test_script_without_container_makes_no_file(folder: Path) -> None:
    (folder / "job.sh").write_text("#!/bin/sh\necho\n")
    assert main(["init", "--from", "job.sh"]) == ExitCode.INPUT
    assert not (folder / "job.yaml").exists()


def test_job_of_a_script_that_nobody_may_change_can_be_changed(folder: Path) -> None:
    (folder / "job.sh").chmod(0o444)
    assert main(["init", "--from", "job.sh"]) == ExitCode.OK
    assert (folder / "job.yaml").stat().st_mode & 0o200


def test_name_of_the_job_file_cannot_control_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["init", "-o", "\x9b2Ja.yaml"]) == ExitCode.OK
    assert "wrote \\x9b2Ja.yaml" in capsys.readouterr().err


def test_pipe_that_holds_nothing_yet_is_no_script(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    writer = os.open(folder / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        assert main(["init", "--from", "pipe"]) == ExitCode.INPUT
        assert main(["check", "pipe", "--site", "sandbox-24.11"]) == ExitCode.INPUT
    finally:
        os.close(writer)
