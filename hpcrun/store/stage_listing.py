"""What a site says is in a folder → values; it may be hostile, so no name leads elsewhere."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from hpcrun.errors import InputError, RefusedError
from hpcrun.model.staging import TreeFile
from hpcrun.store import run_files
from hpcrun.store.stage_tree import MAX_BACK_BYTES, MAX_BACK_FILES

MAX_LISTED = 1_000_000
_LONGEST_PATH = 4096
_KINDS = {b"f": "file", b"l": "link"}


def parse_listing(listing: bytes) -> tuple[TreeFile, ...]:
    """Read what stage_scripts.LIST said; names that are not UTF-8 are left out."""
    entries = listing.split(b"\0")[:-1]
    if len(entries) > MAX_LISTED:
        raise RefusedError(
            f"a folder at the site holds more than {MAX_LISTED} files",
            help=("remove what is not needed of it there, or pack it into one file",),
        )
    files = tuple(file for entry in entries if (file := _file(entry)) is not None)
    _check_names(files)
    return files


def _file(entry: bytes) -> TreeFile | None:
    try:
        kind, size, moment, path = entry.split(b" ", 3)
        seconds, _, fraction = moment.decode().partition(".")
        mtime_ns = int(seconds) * 10**9 + int((fraction + "0" * 9)[:9])
        n_bytes = int(size)
    except ValueError as exc:
        raise InputError("the site sent a list of files that cannot be read") from exc
    try:
        name = path.decode()
    except UnicodeDecodeError:
        return None
    if kind not in _KINDS:
        return None
    values = {"path": name, "size": n_bytes, "mtime_ns": mtime_ns, "kind": _KINDS[kind]}
    return TreeFile.model_validate(values)


def _check_names(files: tuple[TreeFile, ...]) -> None:
    """Raise where a name leads out of the folder, or through what is no folder."""
    names = {file.path for file in files}
    for file in files:
        parts = file.path.split("/") if len(file.path) <= _LONGEST_PATH else [""]
        parents = map(str, PurePosixPath(file.path).parents) if len(parts) > 1 else ()
        is_plain = not {"", ".", ".."} & set(parts) and file.size >= 0
        if not is_plain or any(parent in names for parent in parents):
            raise InputError(f"the site sent a name that leads elsewhere: `{file.path[:200]}`")
    if len(names) < len(files):
        raise InputError("the site sent the same name twice")


def records_of(files: Iterable[TreeFile]) -> tuple[TreeFile, ...]:
    """Return what the job wrote beside its working folder: its records and its output."""
    own = (run_files.START, run_files.FINAL)
    found = [file for file in files if file.kind == "file"]
    records = [file for file in found if file.path in own and file.size <= run_files.MAX_BYTES]
    output = [file for file in found if _is_output(file.path)]
    if len(output) > MAX_BACK_FILES or sum(file.size for file in output) > MAX_BACK_BYTES:
        raise RefusedError(
            f"the job has written more than {MAX_BACK_BYTES >> 30} GiB of output",
            help=("shorten it at the site, in `logs/` of the run's folder, then fetch again",),
        )
    return (*records, *output)


def _is_output(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder == run_files.LOGS and bool(name) and "/" not in name
