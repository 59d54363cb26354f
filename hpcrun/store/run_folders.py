"""Run folders on the site's disk, written as the job's user; does not submit or decide.

All writing goes through the site's command runner, so that a run belongs to the user whom its job
runs as. A folder is unpacked beside its place and renamed into it, a record is written aside and
linked to its name: whoever kills hpcrun at any point leaves either nothing or a whole file.
Reading happens here where the files are seen here, else through the runner.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from hpcrun.errors import MissingInputError, WriteError
from hpcrun.model.base import Value
from hpcrun.model.plan import Plan
from hpcrun.model.run import SCRIPT_NAME, JobReport, Limits, Run, RunRecords, Submission
from hpcrun.ports import Clock, CommandRunner
from hpcrun.render import script_sha256
from hpcrun.store import run_files, submitter

LONGEST_SUBMISSION = timedelta(minutes=10)
"""sbatch gives up long before; so nobody waits for a dead process of another host."""
_WRITE_RUN = """
set -eu
mkdir -p "$1"
new=$1/.new-$2
mkdir "$new"
trap 'rm -rf "$new"' EXIT
tar -xmof - -C "$new"
sync "$new"/* "$new" || sync
mv -T "$new" "$1/$2"
sync "$1" || sync
"""
_REMOVE_RUN = """
set -eu
[ ! -e "$1/claim" ]
rm -r "$1"
"""
# -C, because a link of this name, which can be guessed, would lead to any file of the caller.
_WRITE_RECORD = """
set -euC
new=$1/.new-$2-$$
trap 'rm -f "$new"' EXIT
cat >"$new"
sync "$new" || sync
ln "$new" "$1/$2" 2>/dev/null || [ -e "$1/$2" ]
cat "$1/$2"
"""
# The job can write to the folder too: names may look like options of tar or hold line breaks, and
# what should be a record may be a link, a pipe or endless. `-size -2049` is MAX_BYTES at most.
_RECORDS = " -o ".join(f"-name {name}" for name in run_files.RECORDS)
_READ_RECORDS = f"""
cd "$1" || exit 66
find . -maxdepth 1 -type f -size -2049 \\( {_RECORDS} \\) -print0 | tar --null -cf - -T -
"""
_READ_ALL_RECORDS = f"""
[ -d "$1" ] || exit 0
cd "$1" || exit 66
find . -mindepth 2 -maxdepth 2 -type f -size -2049 ! -path './.*' \\( {_RECORDS} \\) -print0 |
    tar --null -cf - -T -
"""
_SCRIPT_BYTES = 16 << 20
"""More than any Slurm takes (max_script_size of SchedulerParameters, 4 MiB if not set)."""
_READ_SCRIPT = f'[ -f "$1" ] && head -c {_SCRIPT_BYTES} "$1"'
_PIECE_BYTES = 1 << 20
_READ_OUTPUT = f'[ ! -f "$1" ] || tail -c "+$2" "$1" | head -c {_PIECE_BYTES}'


class RunFolders:
    """The folders of runs at one site."""

    def __init__(self, runner: CommandRunner, clock: Clock, *, may_be_here: bool = True) -> None:
        """Take a site's folders for shared with this side, unless `may_be_here` is false.

        Then what lies here under the same path is another folder, maybe somebody else's.
        """
        self._runner = runner
        self._clock = clock
        self._may_be_here = may_be_here

    def new_run(self, plan: Plan, *, profile: Path, runs: Path) -> Run:
        """Give a run its name, token and place; nothing is written."""
        token = submitter.new_token()
        name = f"{plan.job}-{token}"
        return Run(
            name=name,
            token=token,
            job=plan.job,
            site=plan.site,
            profile=profile,
            folder=runs / name,
            created_at=self._clock.now(),
            script_sha256=plan.script_sha256 or script_sha256(plan),
            submitter=submitter.read_own(),
            limits=Limits(
                memory_per_node_mib=plan.layout.memory_per_node_mib,
                memory_per_cpu_mib=plan.layout.memory_per_cpu_mib,
                walltime_s=plan.layout.walltime_s,
            ),
        )

    def is_under_way(self, run: Run) -> bool:
        """Whether the process that began to submit this run may still be at work."""
        age = self._clock.now() - run.created_at
        return age < LONGEST_SUBMISSION and submitter.may_be_alive(run.submitter)

    def write_run(self, run: Run, files: Mapping[str, str]) -> None:
        """Create the folder of a run with these files, all of it or nothing."""
        contents = {**files, run_files.RUN: _json(run)}
        runs = str(run.folder.parent)
        self._write(_WRITE_RUN, runs, run.name, stdin=run_files.pack(contents), what=run.folder)

    def remove_run(self, run: Run) -> None:
        """Remove the folder of a run that the scheduler refused."""
        self._write(_REMOVE_RUN, str(run.folder), stdin=b"", what=run.folder)

    def write_submission(self, folder: Path, submission: Submission) -> Submission:
        """Record that the scheduler accepted the job; the first record stays and is returned."""
        stored = self._write_record(folder, run_files.SUBMISSION, submission)
        return Submission.model_validate_json(stored)

    def write_ended(self, folder: Path, report: JobReport) -> None:
        """Keep the scheduler's last word on a job; the first one stays."""
        self._write_record(folder, run_files.ENDED, report)

    def read_run(self, folder: Path) -> RunRecords:
        """Read all records of one run."""
        files = self._read_here(folder) if self._may_be_here else {}
        return _records(files or self._read_there(folder), folder)

    def read_script(self, folder: Path) -> str:
        """Read the script of one run."""
        path = folder / SCRIPT_NAME
        script = _read_piece(path, 0, _SCRIPT_BYTES)
        if script is None:
            script = self._sh(_READ_SCRIPT, str(path))
        return script.decode()

    def read_runs(self, runs: Path) -> tuple[RunRecords, ...]:
        """Read the records of all runs in a folder, newest first."""
        if runs.is_dir() or self._runner.is_local:
            folders = [path.parent for path in runs.glob(f"[!.]*/{run_files.RUN}")]
            files_by_folder = {folder: self._read_here(folder) for folder in folders}
        else:
            files_by_folder = self._read_all_there(runs)
        found = []
        for folder, files in files_by_folder.items():
            # A run whose own record is damaged cannot be told apart from a foreign folder.
            with contextlib.suppress(MissingInputError):
                found.append(_records(files, folder))
        return tuple(sorted(found, key=lambda r: (r.run.created_at, r.run.name), reverse=True))

    def read_output(self, path: Path, *, offset: int) -> bytes:
        """Read a piece of the output of a job from an offset on; nothing where there is no more."""
        piece = _read_piece(path, offset, _PIECE_BYTES) if self._may_be_here else None
        if piece is not None:
            return piece
        return b"" if self._runner.is_local else self._sh(_READ_OUTPUT, str(path), str(offset + 1))

    def _write_record(self, folder: Path, name: str, value: Value) -> bytes:
        stdin = _json(value).encode()
        return self._write(_WRITE_RECORD, str(folder), name, stdin=stdin, what=folder / name)

    def _write(self, script: str, *arguments: str, stdin: bytes, what: Path) -> bytes:
        argv = ("sh", "-c", script, "hpcrun", *arguments)
        result = self._runner.run(argv, stdin=stdin, timeout_s=60)
        if result.exit_code != 0:
            raise WriteError(
                f"cannot write {what}: {_said(result.stderr)}",
                help=(
                    "choose a folder for runs that you can write to and that all nodes see, "
                    "with `--runs DIR` or HPCRUN_RUNS",
                ),
            )
        return result.stdout

    def _read_here(self, folder: Path) -> dict[str, bytes]:
        pieces = {
            name: _read_piece(folder / name, 0, run_files.MAX_BYTES + 1)
            for name in run_files.RECORDS
        }
        return {
            name: piece
            for name, piece in pieces.items()
            if piece is not None and len(piece) <= run_files.MAX_BYTES
        }

    def _read_there(self, folder: Path) -> dict[str, bytes]:
        if self._runner.is_local:
            return {}
        archive = self._sh(_READ_RECORDS, str(folder))
        return run_files.unpack(archive)

    def _read_all_there(self, runs: Path) -> dict[Path, dict[str, bytes]]:
        archive = self._sh(_READ_ALL_RECORDS, str(runs))
        files_by_folder: dict[Path, dict[str, bytes]] = {}
        for path, content in run_files.unpack(archive).items():
            name, _, file = path.partition("/")
            files_by_folder.setdefault(runs / name, {})[file] = content
        return files_by_folder

    def _sh(self, script: str, *arguments: str) -> bytes:
        result = self._runner.run(("sh", "-c", script, "hpcrun", *arguments))
        if result.exit_code != 0:
            raise MissingInputError(f"cannot read {arguments[0]}: {_said(result.stderr)}")
        return result.stdout


def _read_piece(path: Path, offset: int, length: int) -> bytes | None:
    """Read from a regular file; None where there is none, or the caller may not read it."""
    try:
        # A pipe would be waited on for ever, and a link may lead anywhere.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.pread(descriptor, length, offset) if is_regular else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _records(files: Mapping[str, bytes], folder: Path) -> RunRecords:
    records = run_files.parse_records(files)
    if records is None:
        raise MissingInputError(f"there is no run in {folder}", help=("see `hpcrun list`",))
    # The folder may have been moved, or be seen at another path from here.
    return records.model_copy(update={"run": records.run.model_copy(update={"folder": folder})})


def _json(value: Value) -> str:
    return value.model_dump_json(indent=2) + "\n"


def _said(stderr: str) -> str:
    """Return the last line that names a cause; GNU tar ends with one that names none."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    lines = [line for line in lines if "Exiting with failure status" not in line] or lines
    return lines[-1].strip() if lines else "the command said nothing"
