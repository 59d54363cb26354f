"""What a file is, by what it holds and never by its name: a job, an image or a script."""

import os
from pathlib import Path
from typing import Literal

from hpcrun.errors import InputError, MissingInputError
from hpcrun.loading.source import refuse_unfit_path

Kind = Literal["job", "image", "script"]
_HEAD_BYTES = 8192
_SIF_MAGIC = b"SIF_MAGIC"
_SIF_MAGIC_AT = 32
"""A SIF begins with a line that starts it, and so as a script would."""
_TAR_MAGIC_AT = 257
_IMAGES = (b"hsqs", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"(\xb5/\xfd", b"\x7fELF")


def find_kind(path: Path) -> Kind:
    """Tell what a file or folder is."""
    refuse_unfit_path(path)
    if path.is_dir():
        return "image"
    head = _read_head(path)
    if head[_SIF_MAGIC_AT:].startswith(_SIF_MAGIC) or head.startswith(_IMAGES):
        return "image"
    if head[_TAR_MAGIC_AT:].startswith(b"ustar"):
        return "image"
    if b"\0" in head:
        return "image"
    if head.startswith((b"#!", b"#SBATCH")) or b"\n#SBATCH" in head:
        return "script"
    return "job"


def _read_head(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would be waited on for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            return stream.read(_HEAD_BYTES) or b""  # None from a pipe that holds nothing
    except (FileNotFoundError, NotADirectoryError) as exc:
        is_remote = ":/" in str(path)
        remedy = ["fetch an image first: `apptainer pull image.sif ADDRESS`"] if is_remote else []
        raise MissingInputError(
            f"`{path}` is not there", help=remedy or ["check the path"]
        ) from exc
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InputError(f"cannot read `{path}`: {reason}", help=["check the path"]) from exc
