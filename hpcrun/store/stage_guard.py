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
from hpcrun.store.plain_file import write_plain


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
    """Note in the caller's own state that a run was sent from here, and from which folder."""
    if run.staged is None:
        return
    place = _note(run)
    if place is None:
        raise WriteError(
            "cannot note which folder the run is sent from: HOME is not set",
            help=("set HOME; without that note nothing could be fetched",),
        )
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_plain(place, _told(run))


def check_fetch(run: Run, files: Iterable[Path]) -> None:
    """Refuse to bring back anything of a run that was not sent from here.

    A run's folder may come from elsewhere, and its record may then name any folder, here and at
    the site. `files` are the records that decide; another user's are not followed.
    """
    check_owner(files)
    if run.staged is None:
        return
    place = _note(run)
    with suppress(OSError):
        if place is not None and place.read_text(encoding="utf-8") == _told(run):
            check_owner((place,))
            return
    names = f" and names `{run.staged.workdir}` to fetch into" if run.staged.workdir else ""
    raise NotPermittedError(
        f"run `{run.name}` was not sent from here by you{names}",
        help=(
            "fetch it by the user and on the computer that submitted it: that is noted in "
            f"`{place.parent if place else '~/.local/state/hpcrun/sent'}`",
            f"or, as for a run of an older hpcrun without that note, copy what you need from "
            f"{run.staged.folder} at the site",
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


def _told(run: Run) -> str:
    staged = run.staged
    told = {
        "token": run.token,
        "site": run.site,
        "folder": str(staged.folder) if staged else "",
        "workdir": str(staged.workdir) if staged and staged.workdir else None,
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
