"""OCI layouts and docker archives: which image of theirs, and what its configuration says.

Follows the OCI image-spec 1.1 (image-layout, index, manifest, config) and what `docker save` writes
(moby 28 image/tarexport). Does not read layers.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hpcrun.errors import InputError
from hpcrun.image.blobs import Blobs, Documents
from hpcrun.image.errors import ImageError, UnsupportedError
from hpcrun.image.extent import Extent
from hpcrun.image.layer_stream import compression_of
from hpcrun.image.read_json import (
    list_in,
    object_in,
    pairs_in,
    parse_json,
    parse_object,
    text_in,
    texts_in,
)
from hpcrun.model.base import UNKNOWN
from hpcrun.model.container import ContainerFacts, Layer, Platform, Told
from hpcrun.model.seen import Certainty
from hpcrun.tables import architectures

INDEX = "index.json"
LAYOUT = "oci-layout"
DOCKER = "manifest.json"
DEPTH_MAX = 4
MANIFESTS_MAX = 64
LAYERS_MAX = 500

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_CONFIGS = (
    "",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)


class StoredLayer(NamedTuple):
    """A layer where it lies."""

    file: Extent
    sha256: str | None
    """Of the bytes as stored; None where the layout does not say."""


class OciImage(NamedTuple):
    """One image of a layout or archive."""

    digest: str
    container: ContainerFacts
    layers: tuple[StoredLayer, ...]
    note: str = ""
    """What of the layout is not told."""


class _Candidate(NamedTuple):
    """A manifest, or an entry of a docker archive, with its configuration."""

    digest: str
    config: Mapping[str, Any]
    config_digest: str
    layers: tuple[tuple[str, str | None], ...]
    """Name of each layer's file and its hash where that is stated."""
    platform: Platform


def read_oci(blobs: Blobs, *, arch: str | None) -> OciImage:
    """Choose the image of a layout or archive: for `arch` (as `uname -m` says), else for here."""
    documents = Documents(blobs)
    is_docker = blobs.find(DOCKER) is not None
    candidates = [*(_docker_images(documents) if is_docker else _oci_images(documents))]
    if not candidates:
        raise ImageError("the layout holds no container image", help=["fetch the image again"])
    chosen = _choose(candidates, arch)
    same = [each for each in candidates if _is_same_platform(each, chosen)]
    note = f"{len(same)} images for one platform: the first is read" if len(same) > 1 else ""
    layers = tuple(_stored_layers(blobs, chosen))
    platforms = (
        each.platform.model_copy(update={"is_chosen": each is chosen}) for each in candidates
    )
    container = _container(chosen, layers).model_copy(update={"platforms": tuple(platforms)})
    return OciImage(chosen.digest, container, layers, note)


def _is_same_platform(one: _Candidate, other: _Candidate) -> bool:
    mine, its = one.platform, other.platform
    return (mine.os, mine.arch, mine.variant) == (its.os, its.arch, its.variant)


def _choose(candidates: list[_Candidate], arch: str | None) -> _Candidate:
    row = architectures().by_uname(arch or os.uname().machine)
    oci = row.oci if row else arch
    fitting = [each for each in candidates if each.platform.arch == oci]
    if fitting or arch is None:
        # Where none is for this machine the first is shown: the page lists them all.
        return (fitting or candidates)[0]
    there = ", ".join(sorted({each.platform.arch for each in candidates}))
    raise InputError(
        f"the image has no variant for {arch}", help=[f"it has: {there}; name one with `--arch`"]
    )


def _oci_images(documents: Documents) -> Iterator[_Candidate]:
    """Yield the images of a layout: each manifest that an index leads to."""
    pending = [(each, 0) for each in _entries(documents.read(INDEX), INDEX)]
    n_seen = 0
    while pending:
        entry, depth = pending.pop(0)
        n_seen += 1
        if n_seen > MANIFESTS_MAX:
            raise ImageError(f"the layout leads to more than {MANIFESTS_MAX} manifests")
        if text_in(object_in(entry, "annotations"), "vnd.docker.reference.type"):
            continue  # An attestation about another manifest.
        content = _verified(documents, text_in(entry, "digest"))
        if content is None:
            continue  # A layout may hold one platform of an index that names several.
        if text_in(entry, "mediaType") in _INDEXES or b'"manifests"' in content:
            if depth >= DEPTH_MAX:
                raise ImageError(f"the layout nests indexes more than {DEPTH_MAX} deep")
            pending += [(each, depth + 1) for each in _entries(content, "an index")]
        elif (found := _manifest(documents, entry, content)) is not None:
            yield found


def _entries(content: bytes, what: str) -> list[dict[str, Any]]:
    found = list_in(parse_object(content, what), "manifests")
    return [each for each in found if isinstance(each, dict)][: MANIFESTS_MAX + 1]


def _blob_name(digest: str) -> str:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise ImageError(f"the layout names a part by `{digest[:80]}`, which is no sha256 digest")
    return f"blobs/sha256/{match[1]}"


def _verified(documents: Documents, digest: str) -> bytes | None:
    """Return a document that has the digest by which it is named; None where it is not there."""
    name = _blob_name(digest)
    if documents.find(name) is None:
        return None
    content = documents.read(name)
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        raise ImageError(f"`{name}` is damaged: its digest differs", help=["fetch the image again"])
    return content


def _manifest(documents: Documents, entry: Mapping[str, Any], content: bytes) -> _Candidate | None:
    document = parse_object(content, "a manifest")
    described = object_in(document, "config")
    if (kind := text_in(described, "mediaType")) not in _CONFIGS:
        raise UnsupportedError(f"the layout holds `{kind[:80]}`, which is no container image")
    config = _verified(documents, text_in(described, "digest"))
    if config is None:
        return None
    digests = [text_in(each, "digest") for each in list_in(document, "layers")[: LAYERS_MAX + 1]]
    return _candidate(
        digest="oci:" + text_in(entry, "digest").removeprefix("sha256:"),
        config=config,
        layers=tuple((_blob_name(each), each.removeprefix("sha256:")) for each in digests),
        platform=object_in(entry, "platform"),
    )


def _candidate(
    *,
    digest: str,
    config: bytes,
    layers: tuple[tuple[str, str | None], ...],
    platform: Mapping[str, Any],
) -> _Candidate:
    if len(layers) > LAYERS_MAX:
        raise ImageError(f"the image has more than {LAYERS_MAX} layers")
    said = parse_object(config, "an image's configuration")
    return _Candidate(
        digest=digest,
        config=said,
        config_digest=hashlib.sha256(config).hexdigest(),
        layers=layers,
        platform=Platform(
            os=text_in(platform, "os") or text_in(said, "os"),
            arch=text_in(platform, "architecture") or text_in(said, "architecture"),
            variant=text_in(platform, "variant") or text_in(said, "variant"),
            digest=digest,
        ),
    )


def _docker_images(documents: Documents) -> Iterator[_Candidate]:
    """Yield the images of a docker archive."""
    found = parse_json(documents.read(DOCKER), DOCKER)
    entries = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    for entry in entries[:MANIFESTS_MAX]:
        config = documents.read(text_in(entry, "Config"))
        names = texts_in(entry, "Layers")
        # New archives name each layer by its hash, old ones by another number.
        hashes = (re.fullmatch(r"blobs/sha256/([0-9a-f]{64})", name) for name in names)
        yield _candidate(
            digest="docker:" + hashlib.sha256(config).hexdigest(),
            config=config,
            layers=tuple((n, h[1] if h else None) for n, h in zip(names, hashes, strict=True)),
            platform={},
        )


def _stored_layers(blobs: Blobs, chosen: _Candidate) -> Iterator[StoredLayer]:
    for name, sha256 in chosen.layers:
        file = blobs.find(name)
        if file is None:
            raise ImageError(f"the image lacks its layer `{name[:100]}`", help=["fetch it again"])
        yield StoredLayer(file, sha256)


def _container(chosen: _Candidate, layers: tuple[StoredLayer, ...]) -> ContainerFacts:
    said = chosen.config
    run = object_in(said, "config")
    place = f"configuration {chosen.config_digest[:12]}"
    return ContainerFacts(
        declared_archs=tuple(_declared_archs(chosen, place)),
        dates=tuple(_dates(said, place)),
        layers=tuple(
            Layer(
                digest=f"sha256:{each.sha256}" if each.sha256 else UNKNOWN,
                compression=compression_of(each.file),
                size_bytes=each.file.size,
            )
            for each in layers
        ),
        labels=pairs_in(run, "Labels"),
        environment=dict(_variables(run)),
        entrypoint=texts_in(run, "Entrypoint"),
        cmd=texts_in(run, "Cmd"),
    )


def _declared_archs(chosen: _Candidate, place: str) -> Iterator[Told]:
    said = (
        (chosen.platform.arch, "platform of the manifest"),
        (text_in(chosen.config, "architecture"), f"{place}: architecture"),
    )
    for name, evidence in said:
        if (row := architectures().by_oci(name)) is not None:
            yield Told(value=row.uname, evidence=evidence, certainty=Certainty.HINT)


def _dates(config: Mapping[str, Any], place: str) -> Iterator[Told]:
    if created := text_in(config, "created"):
        yield Told(value=created[:100], evidence=f"{place}: created", certainty=Certainty.HINT)


def _variables(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in texts_in(run, "Env"):
        name, equals, value = each.partition("=")
        if equals and name:
            yield name, value
