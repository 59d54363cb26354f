"""Files of a run ⇄ tar archives; what comes back may be hostile, as a job wrote it.

Packed is what was looked at before; unpacked is only what was asked for, below one folder.
"""

import io
import os
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from hpcrun.errors import InputError, RefusedError, WriteError
from hpcrun.model.staging import WORK, Transfer, TreeFile
from hpcrun.store.stage_tree import whole_second


def pack_run(own: Mapping[str, bytes], transfer: Transfer, target: BinaryIO) -> None:
    """Write the archive of a run's folder at the site: its own files, and those that go along."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add_folder(tar, "logs", 0o755)
        for name, content in own.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
        if transfer.workdir is None:
            return
        _add_folder(tar, str(WORK), 0o755)
        for folder in transfer.folders:
            mode = (transfer.workdir / folder).stat().st_mode & 0o777
            _add_folder(tar, f"{WORK}/{folder}", mode | 0o700)
        for file in transfer.files:
            _add_file(tar, transfer.workdir / file.path, file)


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _add_file(tar: tarfile.TarFile, path: Path, file: TreeFile) -> None:
    entry = tarfile.TarInfo(f"{WORK}/{file.path}")
    entry.mtime = whole_second(file.mtime_ns) // 10**9
    if file.kind == "link":
        entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(entry)
        return
    # What became a link or a pipe since it was looked at is not followed, nor waited for.
    with open(path, "rb", opener=_open_plain) as content:
        status = os.fstat(content.fileno())
        is_file = stat.S_ISREG(status.st_mode)
        if not is_file or (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
            raise RefusedError(
                f"`{path}` changes while it is copied to the site",
                help=("wait until nobody writes to the working folder, then submit again",),
            )
        entry.size, entry.mode = file.size, status.st_mode & 0o777
        tar.addfile(entry, content)


def _open_plain(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as exc:
        raise RefusedError(
            f"cannot send `{path}` to the site: {exc.strerror}",
            help=("submit again once nobody changes the working folder",),
        ) from exc


def unpack_asked(
    archive: BinaryIO, asked: Mapping[str, TreeFile], folder: Path
) -> tuple[list[str], list[str]]:
    """Unpack the files that were asked for into an empty folder; those, and links that lead out.

    Raises InputError where the archive holds anything else, or too much.
    """
    came: list[str] = []
    left: list[str] = []
    try:
        with tarfile.open(fileobj=archive, mode="r|") as tar:
            for entry in tar:
                name = entry.name.removeprefix("./")
                if name not in asked or name in came or name in left:
                    raise InputError(f"the site sent `{name[:200]}`, which was not asked for")
                entry.name = name
                (came if _unpack(tar, entry, asked[name], folder) else left).append(name)
    except (tarfile.TarError, ValueError, OverflowError) as exc:
        raise InputError(f"what the site sent is no whole archive: {exc}") from exc
    except OSError as exc:
        raise WriteError(f"cannot keep what the site sent: {exc}") from exc
    missing = set(asked) - set(came) - set(left)
    if missing:
        raise InputError(f"the site did not send `{min(missing)}`")
    return came, left


def _unpack(tar: tarfile.TarFile, entry: tarfile.TarInfo, file: TreeFile, folder: Path) -> bool:
    """Unpack one file; False for a link that leads out of the folder."""
    is_right_kind = entry.issym() if file.kind == "link" else entry.isreg()
    if not is_right_kind or entry.size > file.size:
        raise InputError(f"the site sent `{entry.name[:200]}` as something else than it was")
    try:
        tar.extract(entry, folder, filter="data", set_attrs=not entry.issym())
    except (tarfile.AbsoluteLinkError, tarfile.LinkOutsideDestinationError):
        return False
    except tarfile.FilterError as exc:
        raise InputError(f"the site sent a name that leads elsewhere: {exc}") from exc
    return True
