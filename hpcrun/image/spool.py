"""Keeps the bytes of files that were met in a stream, in a temporary file without a name, capped.

Compressed layers can be read from front to back only, and questions about programs come later and
in any order. Going through a stream again for each question costs seconds per program, and only
gzip's decoder can be copied at checkpoints; so what may be asked for is written down on the way.
"""

import os
import tempfile

from hpcrun.image.errors import ImageError

SPOOL_MAX = 8 << 30
_FREE_SHARE = 0.5
"""Of the temporary folder's free space."""


class Spool:
    """An append-only store; what does not fit is not kept."""

    def __init__(self) -> None:
        # Without a name and gone when it is closed, however the process ends.
        self._file = tempfile.TemporaryFile(prefix="hpcrun-")  # noqa: SIM115
        space = os.statvfs(self._file.fileno())
        self._room = min(SPOOL_MAX, int(space.f_bavail * space.f_frsize * _FREE_SHARE))
        self.size = 0

    def has_room(self, length: int) -> bool:
        """Whether that many bytes more would be kept."""
        return self.size + length <= self._room

    def append(self, data: bytes) -> None:
        """Add bytes to the end."""
        try:
            self._file.write(data)
        except OSError as exc:
            raise ImageError(
                f"cannot keep a layer's programs in {tempfile.gettempdir()}: {exc}; "
                "name a folder with room in TMPDIR"
            ) from exc
        self.size += len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return bytes that were added."""
        self._file.flush()
        return os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        """Forget everything."""
        self._file.close()
