"""Which working folders may travel, and into which a run may be fetched; copies nothing."""

import hashlib
import json
import os
import pwd
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hpcrun.errors import NotPermittedError, RefusedError, WriteError
from hpcrun.model.run import Run

_RUNS = (".hpcrun", "runs")


def check_workdir(workdir: Path) -> None:
    """Refuse the home folder, what contains it, and what is hidden in it (`.ssh`, `.aws`).

    A job file, or a run, that came from elsewhere may name any folder.
    """
    folder = workdir.resolve()
    for home in _homes():
        is_hidden = folder.is_relative_to(home) and any(
            part.startswith(".") for part in folder.relative_to(home).parts[:1]
        )
        if is_hidden or home.is_relative_to(folder):
            what = "is hidden in your home" if is_hidden else "is your home, or holds it"
            raise RefusedError(
                f"`{workdir}` {what}; a site gets no files of a place where keys may lie",
                help=(
                    "put what the job needs into a folder of its own, and name that as `workdir`",
                    "or work in a folder that the site sees; then nothing is copied",
                ),
            )


def remember_workdir(run: Run) -> None:
    """Note in the caller's own state which folder a run's files were sent from.

    Not needed where the run lies in that folder, as runs do unless the person says otherwise.
    """
    if run.staged is None or run.staged.workdir is None or _is_own(run):
        return
    place = _note(run)
    if place is None:
        raise WriteError(
            "cannot note which folder the run is sent from: HOME is not set",
            help=("set HOME, or leave the run's folder in the working folder",),
        )
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = place.with_name(f".{place.name}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(_told(run), encoding="utf-8")
    aside.replace(place)


def check_fetch(run: Run, files: Iterable[Path]) -> None:
    """Refuse to bring files into a folder that no submission from here has named.

    A run's folder may come from elsewhere, and its record may then name any folder. `files` are
    the records that decide; another user's are not followed.
    """
    check_owner(files)
    if run.staged is None or run.staged.workdir is None or _is_own(run):
        return
    place = _note(run)
    with suppress(OSError):
        if place is not None and place.read_text(encoding="utf-8") == _told(run):
            check_owner((place,))
            return
    raise NotPermittedError(
        f"run `{run.name}` names `{run.staged.workdir}` to fetch into, and was not sent from there",
        help=(
            "fetch it by the user and on the computer that submitted it",
            f"or copy what you need from {run.staged.folder} at the site",
        ),
    )


def check_owner(files: Iterable[Path]) -> None:
    """Refuse records that another user wrote."""
    for file in files:
        with suppress(FileNotFoundError):
            owner = file.lstat().st_uid
            if owner not in (0, os.geteuid()):
                raise NotPermittedError(
                    f"`{file}` belongs to user {owner}, and says where files are written",
                    help=("only who submitted a run can fetch it or end it",),
                )


def _is_own(run: Run) -> bool:
    """Whether the run lies in its working folder, where runs usually are."""
    if run.staged is None or run.staged.workdir is None or run.folder.parts[-3:-1] != _RUNS:
        return False
    return run.staged.workdir.resolve() == run.folder.resolve().parents[2]


def _told(run: Run) -> str:
    staged = run.staged
    told = {
        "token": run.token,
        "site": run.site,
        "folder": str(staged.folder) if staged else "",
        "workdir": str(staged.workdir) if staged else "",
    }
    return json.dumps(told) + "\n"


def _note(run: Run) -> Path | None:
    """Return where it is noted, as the XDG Base Directory Specification has it."""
    chosen, home = os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")
    if not chosen.startswith("/") and not home.startswith("/"):
        return None
    state = Path(chosen) if chosen.startswith("/") else Path(home) / ".local" / "state"
    return state / "hpcrun" / "sent" / hashlib.sha256(run.token.encode()).hexdigest()[:32]


def _homes() -> set[Path]:
    named = {os.environ.get("HOME", "")}
    with suppress(KeyError):
        named.add(pwd.getpwuid(os.geteuid()).pw_dir)
    return {Path(home).resolve() for home in named if home.startswith("/")} - {Path("/")}
