"""Run folders: whole or not there, the first record stays, and seen from near and far alike."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hpcrun.errors import MissingInputError, NotPermittedError, WriteError
from hpcrun.model.run import JobReport, JobState, Run, Staged, Submission
from hpcrun.ports import CommandResult
from hpcrun.store.command_runner import LocalRunner, PrefixRunner
from hpcrun.store.run_folders import _WRITE_RECORD, RunFolders
from hpcrun.store.staged_runs import StagedRuns
from hpcrun.store.system_clock import SystemClock
from tests.golden.script.make_case import plan as make_plan

FILES = {"job.sh": "#!/bin/sh\necho hello\n", "job.yaml": "version: 1\n"}


class FarRunner:
    """Runs commands where this machine's file `HERE` is seen as `THERE`."""

    is_local = False

    def __init__(self, here: Path, there: Path) -> None:
        self._here, self._there = str(here), str(there)

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        moved = [word.replace(self._there, self._here) for word in argv]
        return PrefixRunner(("env",)).run(moved, stdin=stdin, timeout_s=timeout_s)


@pytest.fixture(params=["near", "far"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[RunFolders, Path]:
    if request.param == "near":
        return RunFolders(LocalRunner(), SystemClock()), tmp_path / "runs"
    there = Path("/nowhere-on-this-machine")
    return RunFolders(FarRunner(tmp_path, there), SystemClock()), there / "runs"


def new_run(folders: RunFolders, runs: Path) -> Run:
    run = folders.new_run(make_plan(), profile=Path("/etc/s.yaml"), runs=runs)
    folders.write_run(run, FILES)
    return run


class FullDisk:
    """Fails as GNU tar 1.35 does on a file system without room; captured on a small tmpfs."""

    is_local = True

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        said = (
            "tar: passport.json: Cannot write: No space left on device\n"
            "tar: Exiting with failure status due to previous errors\n"
        )
        return CommandResult(exit_code=2, stdout=b"", stderr=said)


def test_run_on_a_full_disk_names_the_cause(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="No space left on device"):
        new_run(RunFolders(FullDisk(), SystemClock()), tmp_path / "runs")


def test_run_is_written_and_read_back(store: tuple[RunFolders, Path]) -> None:
    folders, runs = store
    run = new_run(folders, runs)
    assert folders.read_run(run.folder).run == run
    assert folders.read_script(run.folder) == FILES["job.sh"]
    assert [records.run for records in folders.read_runs(runs)] == [run]


def test_no_runs_are_no_error(store: tuple[RunFolders, Path]) -> None:
    folders, runs = store
    assert folders.read_runs(runs) == ()
    with pytest.raises(MissingInputError):
        folders.read_run(runs / "hello-abc")


def test_runs_are_newest_first_and_half_written_ones_are_left_out(
    store: tuple[RunFolders, Path], tmp_path: Path
) -> None:
    folders, runs = store
    first, second = new_run(folders, runs), new_run(folders, runs)
    (tmp_path / "runs" / ".new-hello-xyz").mkdir()
    (tmp_path / "runs" / "foreign").mkdir()
    (tmp_path / "runs" / "foreign" / "run.json").write_text("{")
    assert [records.run for records in folders.read_runs(runs)] == [second, first]


def test_records_the_first_one_stays(store: tuple[RunFolders, Path]) -> None:
    folders, runs = store
    folder = new_run(folders, runs).folder
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    first = Submission(job_id="7", submitted_at=noon)
    other = Submission(job_id="8", submitted_at=noon + timedelta(seconds=1))
    assert folders.write_submission(folder, first) == first
    assert folders.write_submission(folder, other) == first
    folders.write_ended(folder, JobReport(job_id="7", state=JobState.FAILED))
    folders.write_ended(folder, JobReport(job_id="7", state=JobState.COMPLETED))
    records = folders.read_run(folder)
    assert (records.submission, records.ended and records.ended.state) == (first, JobState.FAILED)


def test_records_leave_nothing_beside_them(store: tuple[RunFolders, Path], tmp_path: Path) -> None:
    folders, runs = store
    run = new_run(folders, runs)
    folders.write_ended(run.folder, JobReport(job_id="7", state=JobState.FAILED))
    names = {p.name for p in (tmp_path / "runs" / run.name).iterdir()}
    assert names == {*FILES, "run.json", "ended.json", "logs"}


def test_output_is_read_from_an_offset(store: tuple[RunFolders, Path], tmp_path: Path) -> None:
    folders, runs = store
    run = new_run(folders, runs)
    output = run.output_of("7")
    assert folders.read_output(output, offset=0) == b""
    (tmp_path / "runs" / run.name / "logs" / output.name).write_bytes(b"one\ntwo\n")
    assert folders.read_output(output, offset=0) == b"one\ntwo\n"
    assert folders.read_output(output, offset=4) == b"two\n"
    assert folders.read_output(output, offset=8) == b""


def test_run_that_is_claimed_is_not_removed(store: tuple[RunFolders, Path], tmp_path: Path) -> None:
    folders, runs = store
    run, other = new_run(folders, runs), new_run(folders, runs)
    (tmp_path / "runs" / run.name / "claim").mkdir()
    with pytest.raises(WriteError):
        folders.remove_run(run)
    folders.remove_run(other)
    assert [records.run for records in folders.read_runs(runs)] == [run]


def test_run_cannot_be_written_twice(store: tuple[RunFolders, Path]) -> None:
    folders, runs = store
    run = new_run(folders, runs)
    with pytest.raises(WriteError):
        folders.write_run(run, {"job.sh": "other"})
    assert folders.read_script(run.folder) == FILES["job.sh"]


def test_run_folder_moved_elsewhere_is_still_a_run(tmp_path: Path) -> None:
    folders = RunFolders(LocalRunner(), SystemClock())
    run = new_run(folders, tmp_path / "runs")
    moved = run.folder.rename(tmp_path / "elsewhere")
    assert folders.read_run(moved).run.folder == moved


def test_submission_of_another_host_is_under_way_for_ten_minutes_at_most(tmp_path: Path) -> None:
    folders = RunFolders(LocalRunner(), SystemClock())
    run = new_run(folders, tmp_path / "runs")
    far = run.model_copy(update={"submitter": run.submitter.model_copy(update={"host": "far"})})
    old = far.model_copy(update={"created_at": run.created_at - timedelta(minutes=11)})
    assert [folders.is_under_way(one) for one in (run, far, old)] == [True, True, False]


def make_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path),
    "folder": Path.mkdir,
    "huge": make_huge,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_records_that_the_job_replaced_count_as_missing(
    store: tuple[RunFolders, Path], tmp_path: Path, kind: str
) -> None:
    folders, runs = store
    run = new_run(folders, runs)
    HOSTILE[kind](tmp_path / "runs" / run.name / "final.json")
    assert folders.read_run(run.folder).final is None
    assert [records.run for records in folders.read_runs(runs)] == [run]


def test_runs_beside_folders_with_hostile_names_are_found(
    store: tuple[RunFolders, Path], tmp_path: Path
) -> None:
    folders, runs = store
    run = new_run(folders, runs)
    for name in ("-a", "--checkpoint-action=exec=touch x", "-C", "a\nb", "*"):
        folder = tmp_path / "runs" / name
        folder.mkdir()
        (folder / "run.json").write_text("{")
    assert [records.run for records in folders.read_runs(runs)] == [run]


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder"])
def test_output_that_is_no_file_is_none(
    store: tuple[RunFolders, Path], tmp_path: Path, kind: str
) -> None:
    if kind == "endless" and not store[0]._runner.is_local:
        pytest.skip("at the site it is the job's user who reads, a piece at a time")
    folders, runs = store
    run = new_run(folders, runs)
    output = run.output_of("7")
    HOSTILE[kind](tmp_path / "runs" / run.name / "logs" / output.name)
    assert folders.read_output(output, offset=0) == b""


def test_files_in_which_the_job_s_environment_stands_are_for_its_user_alone(
    store: tuple[RunFolders, Path], tmp_path: Path
) -> None:
    folders, runs = store
    folder = tmp_path / "runs" / new_run(folders, runs).name
    modes = {name: (folder / name).stat().st_mode & 0o077 for name in (*FILES, "run.json")}
    assert modes == {"job.sh": 0, "job.yaml": 0, "run.json": 0o044}


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("exists", [True, False])
def test_record_is_not_written_through_a_link_that_was_laid(
    tmp_path: Path, shell: str, exists: bool
) -> None:
    precious = tmp_path / "precious"
    if exists:
        precious.write_text("of the caller")
    lay = 'ln -s "$3" "$1/.new-$2-$$"\n'
    argv = (shell, "-c", lay + _WRITE_RECORD, "hpcrun", str(tmp_path), "ended.json", str(precious))
    assert LocalRunner().run(argv, stdin=b"{}").exit_code != 0
    assert precious.exists() == exists
    assert not exists or precious.read_text() == "of the caller"


def test_folder_of_the_same_name_here_is_not_taken_for_the_sites(tmp_path: Path) -> None:
    """What lies here under the path of a folder at the site may be anybody's."""
    here, far = tmp_path / "here", tmp_path / "far"
    runner = FarRunner(far, here)
    near, shared = RunFolders(LocalRunner(), SystemClock()), RunFolders(runner, SystemClock())
    apart = RunFolders(runner, SystemClock(), may_be_here=False)
    store = StagedRuns(near, shared, apart)
    new = near.new_run(make_plan(), profile=Path("/etc/s.yaml"), runs=tmp_path / "runs")
    place = Staged(folder=here / "runs" / new.name)
    run = new.model_copy(update={"staged": place})
    near.write_run(run, FILES)
    for folder, text in ((here, "not this"), (far, "this")):
        (folder / "runs" / new.name / "logs").mkdir(parents=True)
        (folder / "runs" / new.name / "logs" / "slurm-1.out").write_text(text)
    output = run.folder / "logs" / "slurm-1.out"
    assert store.read_output(output, offset=0) == b"this"
    output.write_text("fetched")
    assert store.read_output(output, offset=0) == b"fetched"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_record_of_another_user_does_not_lead_to_the_site(tmp_path: Path) -> None:
    near = RunFolders(LocalRunner(), SystemClock())
    far = RunFolders(FarRunner(tmp_path / "far", Path("/far")), SystemClock())
    store = StagedRuns(near, far, far)
    new = near.new_run(make_plan(), profile=Path("/etc/s.yaml"), runs=tmp_path / "runs")
    run = new.model_copy(update={"staged": Staged(folder=Path("/far/precious"))})
    near.write_run(run, FILES)
    os.chown(run.folder / "run.json", 4242, 4242)
    with pytest.raises(NotPermittedError, match="belongs to user 4242"):
        store.read_run(run.folder)
