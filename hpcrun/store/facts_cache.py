"""Facts read earlier, in a private folder of the user's cache; does not know what they say.

Nothing in it is needed: whatever is damaged, foreign or too large is passed over, and what cannot
be written is not kept. A folder that others could write to is not trusted at all.
"""

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ENTRY_MAX = 4 << 20
TOTAL_MAX = 64 << 20
ENTRIES_MAX = 1000
SETTLED_NS = 3_000_000_000
"""File systems date changes with steps of up to 2 s (FAT; Lustre and NFS keep seconds)."""

_HEAD = b"hpcrun facts 1 "
_KEPT_SHARE = 0.75
"""What is left after the oldest entries are dropped."""


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder, as the XDG Base Directory Specification has it; None without a home."""
    chosen = environment.get("XDG_CACHE_HOME", "")
    if chosen.startswith("/"):
        return Path(chosen) / "hpcrun" / "passports"
    home = environment.get("HOME", "")
    return Path(home) / ".cache" / "hpcrun" / "passports" if home.startswith("/") else None


class FactsCache:
    """Keeps contents by key, the least recently used going first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, key: str) -> bytes | None:
        """Return what was kept; None where nothing sound is."""
        with contextlib.suppress(OSError), self._opened() as folder:
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            with open(os.open(key, flags, dir_fd=folder), "rb") as file:  # noqa: PTH123
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                content = file.read(ENTRY_MAX + 1)
                os.utime(file.fileno())
            return _checked(content)
        return None

    def keep(self, key: str, content: bytes) -> None:
        """Keep a content, if there is room."""
        entry = _HEAD + hashlib.sha256(content).hexdigest().encode() + b"\n" + content
        if len(entry) > ENTRY_MAX:
            return
        with contextlib.suppress(OSError):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with self._opened() as folder:
                _write(folder, key, entry)
                _drop_oldest(folder)

    def is_settled(self, changed_ns: int) -> bool:
        """Whether a file changed so long ago that a change from now on will show in its dates."""
        return time.time_ns() - changed_ns > SETTLED_NS

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder, if it is this user's alone."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        folder = os.open(self._folder, flags)
        try:
            status = os.fstat(folder)
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise PermissionError("others can reach the cache")
            yield folder
        finally:
            os.close(folder)


def _checked(content: bytes) -> bytes | None:
    """Return an entry's content; None where it is cut, damaged or none of ours."""
    head, newline, body = content.partition(b"\n")
    expected = _HEAD + hashlib.sha256(body).hexdigest().encode()
    return body if newline and len(content) <= ENTRY_MAX and head == expected else None


def _write(folder: int, key: str, entry: bytes) -> None:
    """Write an entry whole or not at all."""
    part = f"{key}.{os.getpid()}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(part, flags, 0o600, dir_fd=folder), "wb") as file:  # noqa: PTH123
            file.write(entry)
        os.replace(part, key, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise


def _drop_oldest(folder: int) -> None:
    """Keep the folder within its bounds; parts of interrupted writes go the same way."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime_ns, status.st_size, entry.name))
    total = sum(size for _, size, _ in found)
    if total <= TOTAL_MAX and len(found) <= ENTRIES_MAX:
        return
    n_left = len(found)
    for _, size, name in sorted(found):
        if total <= TOTAL_MAX * _KEPT_SHARE and n_left <= ENTRIES_MAX * _KEPT_SHARE:
            return
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
        total, n_left = total - size, n_left - 1
