"""Which facts read earlier hold for an image that is opened again; keeps nothing itself.

The key of a passport is what tells its image from others (layout_digest.py; of archives and OCI
layouts also the files' own dates), the question asked, and the state of the code that reads: a new
hpcrun never serves what an old one found. A hash of a whole file is kept by the file's identity on
this machine, and only where its dates had settled before it was hashed.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from hpcrun.image.extent import Extent
from hpcrun.image.layout_digest import whole_digest
from hpcrun.image.mounts import Surroundings
from hpcrun.image.opened import OpenedImage
from hpcrun.model.image import ImageFacts
from hpcrun.model.memory import Memory
from hpcrun.resources import code_stamp

_READERS = ("image", "model", "tables")


def passport_key(
    image: OpenedImage, command: Sequence[str] | None, around: Surroundings
) -> str | None:
    """Return the key of a passport; None where it depends on more than the image."""
    if image.identity is None or image.root is None or (command and around.mounts):
        return None
    where = str(around.workdir) if command else ""
    question = json.dumps([image.outside.layout, list(command or ()), where]).encode()
    return _key(b"passport", code_stamp(*_READERS).encode(), image.identity, question)


def recall_passport(memory: Memory, key: str, path: Path, image: OpenedImage) -> ImageFacts | None:
    """Return the passport that was read of the same image; None where there is none."""
    content = memory.recall(key)
    if content is None:
        return None
    try:
        facts = ImageFacts.model_validate_json(content)
    except ValidationError:
        return None
    outside = image.outside
    mine = {"size_bytes": outside.size_bytes, "mtime_ns": outside.mtime_ns}
    return facts.model_copy(update={**mine, "path": path.absolute(), "digest": outside.digest})


def keep_passport(memory: Memory, key: str, facts: ImageFacts) -> None:
    """Keep a passport for the next time."""
    memory.keep(key, facts.model_dump_json().encode())


def recalled_digest(file: Extent, memory: Memory | None) -> str:
    """Hash a whole file, or tell the hash that was taken while it was the same."""
    identity = file.identity
    key = _key(b"sha256", identity.encode())
    if memory is not None and (kept := memory.recall(key)) is not None:
        return kept.decode("ascii", "replace")
    is_settled = memory is not None and memory.is_settled(file.changed_ns)
    digest = whole_digest(file)
    if memory is not None and is_settled and file.identity == identity:
        memory.keep(key, digest.encode())
    return digest


def _key(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
