"""Which working folders may travel: none that holds a person's own keys; copies nothing."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from hpcrun.errors import RefusedError


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


def _homes() -> set[Path]:
    named = {os.environ.get("HOME", "")}
    with suppress(KeyError):
        named.add(pwd.getpwuid(os.geteuid()).pw_dir)
    return {Path(home).resolve() for home in named if home.startswith("/")} - {Path("/")}
