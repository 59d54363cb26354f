"""Builds layers, OCI layouts and docker archives, sound ones and ones that lie."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.squashfs_builder import File, Link

AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64", "variant": "v8"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
Entry = bytes | File | Link | tarfile.TarInfo | None
"""None is a folder."""


def build_tar(entries: Mapping[str, Entry], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, entry in entries.items():
            tar.addfile(*_member(name, entry))
    return out.getvalue()


def _member(name: str, entry: Entry) -> tuple[tarfile.TarInfo, io.BytesIO | None]:
    if isinstance(entry, tarfile.TarInfo):
        entry.name = name
        return entry, None
    info = tarfile.TarInfo(name)
    if entry is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        return info, None
    if isinstance(entry, Link):
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
        return info, None
    content = entry.content if isinstance(entry, File) else entry
    info.size = len(content)
    info.mode = entry.mode if isinstance(entry, File) else 0o644
    return info, io.BytesIO(content)


def hard_link(target: str) -> tarfile.TarInfo:
    """Return a member that is a second name of another one."""
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


def config(platform: Mapping[str, str], **run: Any) -> dict[str, Any]:
    """Return an image's configuration."""
    return {**platform, "created": "2024-05-06T07:08:09Z", "config": run}


class Layout:
    """The files of an OCI layout by name, put together image by image."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
        self.entries: list[dict[str, Any]] = []

    def blob(self, content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        """Store a blob; return its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        found = {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
        return {**found, **more}

    def manifest(
        self,
        layers: Sequence[bytes],
        said: Mapping[str, Any],
        *,
        pack: Callable[[bytes], bytes] = gzip.compress,
    ) -> dict[str, Any]:
        """Store an image; return the descriptor of its manifest."""
        platform = {key: said[key] for key in ("os", "architecture", "variant") if key in said}
        document = {
            "schemaVersion": 2,
            "config": self.blob(
                json.dumps(said).encode(), "application/vnd.oci.image.config.v1+json"
            ),
            "layers": [
                self.blob(pack(layer), "application/vnd.oci.image.layer.v1.tar+gzip")
                for layer in layers
            ],
        }
        return self.blob(json.dumps(document).encode(), MANIFEST, platform=platform)

    def index(self, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Store an index; return its descriptor."""
        return self.blob(json.dumps({"manifests": entries}).encode(), INDEX)

    def finished(self, *entries: dict[str, Any]) -> dict[str, bytes]:
        """Return all files, with an `index.json` that names these."""
        index = {"schemaVersion": 2, "manifests": entries}
        return {**self.files, "index.json": json.dumps(index).encode()}


def write_layout(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a layout's files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def docker_archive(layers: Sequence[bytes], said: Mapping[str, Any]) -> bytes:
    """Return what `docker save` before 25 writes."""
    content = json.dumps(said).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    entry = {"Config": name, "RepoTags": ["a:b"], "Layers": names}
    files = {**dict(zip(names, layers, strict=True)), name: content}
    return build_tar({**files, "manifest.json": json.dumps([entry]).encode()})
