"""Copies what a job needs to a site by ssh, and what came of it back; does not submit.

There, an image is known by its digest, and a run's folder is unpacked beside its place and renamed
into it; here, what comes back is unpacked aside and moved into place file by file. So whoever is
killed leaves the whole, or something that the next try removes.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from hpcrun.errors import MissingInputError, RefusedError, UnavailableError, UsageError, WriteError
from hpcrun.model.base import Value, is_known
from hpcrun.model.plan import Plan
from hpcrun.model.run import Run
from hpcrun.model.site import Site, SshAccess
from hpcrun.model.staging import (
    FETCHED,
    IMAGE_TIME_S,
    WORK,
    FetchResult,
    Sent,
    SentImage,
    Transfer,
    TreeFile,
)
from hpcrun.ports import Clock, CommandResult
from hpcrun.store import (
    stage_back,
    stage_guard,
    stage_listing,
    stage_scripts,
    stage_tar,
    stage_tree,
)
from hpcrun.store.plain_file import write_plain
from hpcrun.store.run_files import RUN
from hpcrun.store.site_files import SiteFiles, nearest_existing
from hpcrun.store.ssh_runner import SshRunner

_SENT, _APART, _INCOMING = "sent.json", "apart", ".incoming-"
_PATIENCE_S, _SLOWEST_BYTES_PER_S = 120.0, 50_000
_LISTING_BYTES = 64 << 20
_CHUNK = 1 << 20


class SshStaging:
    """Copies by the connection that runs the commands."""

    def __init__(self, runner: SshRunner, access: SshAccess, site: Site, clock: Clock) -> None:
        self._runner, self._site, self._access, self._clock = runner, site, access, clock

    def prepare(self, plan: Plan, *, runs: Path, stage_in: Sequence[str] | None) -> Transfer:
        """Look at both sides and say what has to be copied; nothing is."""
        runs_here, image = nearest_existing(runs), plan.image.path
        looked_at = tuple(dict.fromkeys((runs_here, plan.workdir, image)))
        home, shared = SiteFiles(self._runner).find_home_and_shared(looked_at)
        shared = frozenset(path for path in shared if self._may_be_shared(path))
        needs_image = None if image in shared else self._image(plan, home)
        if runs_here in shared and plan.workdir in shared:
            return Transfer(image=needs_image)
        runs_there = self._folder(self._access.folder or home / ".hpcrun", "runs")
        if plan.workdir in shared:
            return Transfer(image=needs_image, runs_at_site=runs_there)
        stage_guard.check_workdir(plan.workdir)
        tree = stage_tree.survey(plan.workdir, stage_in, leave_out=(image, runs))
        return Transfer(
            image=needs_image,
            runs_at_site=runs_there,
            workdir=plan.workdir,
            files=tree.files,
            folders=tree.folders,
        )

    def send(self, run: Run, transfer: Transfer) -> None:
        """Copy it, all or nothing; what is there already from an earlier try is left."""
        if transfer.image is not None:
            self._send_image(transfer.image)
        if run.staged is None:
            return
        stage_guard.remember_workdir(run)
        place = (str(run.staged.folder.parent), run.staged.folder.name)
        if self._sh(stage_scripts.IS_THERE, *place).exit_code == 0:
            return
        sent = Sent(files={file.path: file for file in transfer.files})
        _write_here(run.folder / _SENT, sent)
        own = {file.name: file.read_bytes() for file in _own_files(run.folder)}
        with tempfile.TemporaryFile() as archive:
            stage_tar.pack_run(own, transfer, archive)
            self._send(stage_scripts.UNPACK_RUN, *place, source=archive, what=run.staged.folder)

    def fetch(self, run: Run) -> FetchResult:
        """Bring back what the job has changed or created; never over what changed here."""
        if run.staged is None:
            raise UsageError(
                f"run `{run.name}` left nothing to fetch: the site sees its folders",
                help=(f"its files are in {run.folder}",),
            )
        stage_guard.check_fetch(run, (run.folder, run.folder / RUN, run.folder / _SENT))
        if run.staged.workdir is not None:
            stage_guard.check_workdir(run.staged.workdir)
        for left in run.folder.glob(f"{_INCOMING}*"):
            left.unlink() if left.is_symlink() else shutil.rmtree(left)
        incoming = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=run.folder))
        try:
            files, kept, left_there = self._fetch_work(run, incoming)
            self._fetch_records(run, incoming / "records")
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        result = FetchResult(
            run=run.name,
            folder=run.folder,
            workdir=run.staged.workdir,
            fetched_at=self._clock.now(),
            files=files,
            kept_apart=kept,
            left_there=left_there,
        )
        _write_here(run.folder / FETCHED, result)
        return result

    def _fetch_work(self, run: Run, incoming: Path) -> tuple[tuple[str, ...], ...]:
        staged = run.staged
        if staged is None or staged.workdir is None:
            return (), (), ()
        sent = Sent.model_validate_json((run.folder / _SENT).read_bytes()).files
        work = staged.folder / WORK
        changed = stage_tree.changed_there(
            self._list(work), sent, staged.stage_out, runs=_runs_below(run, staged.workdir)
        )
        came, left = self._unpack(work, changed, incoming / "work")
        apart = run.folder / _APART
        placed, kept = stage_back.lay_back(came, incoming / "work", staged.workdir, apart, sent)
        return placed, kept, tuple(left)

    def _fetch_records(self, run: Run, incoming: Path) -> None:
        """Bring the job's own records and its output into the run's folder here."""
        records = stage_listing.records_of(self._list(run.site_folder, depth=2))
        came, _ = self._unpack(run.site_folder, records, incoming)
        stage_back.lay_records(came, incoming, run.folder)

    def _list(self, folder: Path, *, depth: int = 1000) -> tuple[TreeFile, ...]:
        result = self._sh(stage_scripts.LIST, str(folder), str(depth), str(_LISTING_BYTES))
        if result.exit_code != 0:
            raise MissingInputError(
                f"cannot read {folder} at the site: {result.stderr.strip()}",
                help=("the run's folder there is gone, and with it what the job left",),
            )
        return stage_listing.parse_listing(result.stdout)

    def _unpack(
        self, folder: Path, files: Sequence[TreeFile], incoming: Path
    ) -> tuple[list[str], list[str]]:
        incoming.mkdir()
        if not files:
            return [], []
        names = b"".join(b"./" + file.path.encode() + b"\0" for file in files)
        # A header, its extension for long names and the rounding for each file, and the end.
        most = sum(file.size for file in files) + 8192 * len(files) + len(names) * 4 + 20_480
        with tempfile.TemporaryFile() as archive, tempfile.TemporaryFile() as asked:
            asked.write(names)
            asked.seek(0)
            argv = ("sh", "-c", stage_scripts.PACK, "hpcrun", str(folder), str(most))
            self._runner.fetch(argv, asked, archive, most=most, timeout_s=_patience(most))
            return stage_tar.unpack_asked(archive, {file.path: file for file in files}, incoming)

    def _image(self, plan: Plan, home: Path) -> SentImage:
        if plan.image.kind == "folder":
            raise RefusedError(
                f"the site does not see the unpacked image {plan.image.path}",
                help=(f"pack it into one file: apptainer build image.sif {plan.image.path}",),
            )
        folder = self._folder(self._access.folder or home / ".cache" / "hpcrun", "images")
        sha256 = _sha256(plan.image.path)
        return SentImage(file=plan.image.path, sha256=sha256, at_site=folder / f"{sha256}.sif")

    def _folder(self, base: Path, name: str) -> Path:
        """Return a folder for what is sent, which the nodes must see."""
        shared = self._site.filesystems.shared
        if is_known(shared) and not any(base.is_relative_to(folder) for folder in shared):
            folders = ", ".join(f"`{folder}`" for folder in shared) or "none"
            raise UsageError(
                f"the nodes of site `{self._site.name}` do not see `{base}`, where files would go",
                help=(
                    "set `access: {ssh: {host: …, folder: DIR}}` in the profile; "
                    f"folders that the nodes see: {folders}",
                ),
            )
        return base / name

    def _may_be_shared(self, path: Path) -> bool:
        shared = self._site.filesystems.shared
        return not is_known(shared) or any(path.is_relative_to(folder) for folder in shared)

    def _send_image(self, image: SentImage) -> None:
        folder, name = str(image.at_site.parent), image.at_site.name
        size = image.file.stat().st_size
        mark = (str(size), str(IMAGE_TIME_S))
        if self._sh(stage_scripts.HAS_IMAGE, folder, name, *mark).exit_code == 0:
            return
        with image.file.open("rb") as source:
            arguments = (folder, name, image.sha256, mark[1])
            self._send(
                stage_scripts.KEEP_IMAGE, *arguments, source=source, what=image.at_site, size=size
            )

    def _send(
        self, script: str, *arguments: str, source: BinaryIO, what: Path, size: int | None = None
    ) -> None:
        n_bytes = source.seek(0, 2) if size is None else size
        source.seek(0)
        argv = ("sh", "-c", script, "hpcrun", *arguments)
        result = self._runner.send(argv, source, timeout_s=_patience(n_bytes))
        if result.exit_code != 0:
            said = result.stderr.strip().splitlines() or ["the command said nothing"]
            causes = [line for line in said if "Exiting with failure status" not in line] or said
            raise WriteError(
                f"cannot write {what} at the site: {causes[-1]}",
                help=(
                    "make room there, or name another folder: "
                    "`access: {ssh: {host: …, folder: DIR}}` in the profile",
                ),
            )

    def _sh(self, script: str, *arguments: str) -> CommandResult:
        return self._runner.run(("sh", "-c", script, "hpcrun", *arguments), timeout_s=60)


def _runs_below(run: Run, workdir: Path) -> str:
    """Return where the folder of runs lies in the working folder; as usual where it does not."""
    runs = run.folder.parent
    is_below = runs != workdir and runs.is_relative_to(workdir)
    return str(runs.relative_to(workdir)) if is_below else stage_tree.OWN


def _own_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.glob("[!.]*")
        if file.is_file() and file.name not in (_SENT, FETCHED)
    )


def _write_here(file: Path, value: Value) -> None:
    write_plain(file, value.model_dump_json(indent=2) + "\n")


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while piece := content.read(_CHUNK):
                digest.update(piece)
    except OSError as exc:
        raise UnavailableError(f"cannot read {file}: {exc.strerror}") from exc
    return digest.hexdigest()


def _patience(n_bytes: int) -> float:
    return _PATIENCE_S + n_bytes / _SLOWEST_BYTES_PER_S
