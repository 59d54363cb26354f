"""What an image is as a container: parts, labels, dates, platforms; not what is installed in it.

All of it is said by whoever built the image. Texts and lists are capped by the readers.
"""

from typing import Literal

from pydantic import Field

from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.seen import Seen

ImageKind = Literal["sif", "squashfs", "folder", "oci-layout", "docker-archive", "oci-archive"]


class Told(Seen):
    """One thing that the image says of itself, or that a sign in it tells."""

    value: str


class SifObject(Value):
    """One used descriptor of a SIF."""

    id: int
    kind: str
    """`definition`, `environment`, `labels`, `partition`, `signature`, `generic-json`, … or
    `type-0x…` for a number that is not known."""
    name: str = ""
    size_bytes: int
    created: str | Unknown = UNKNOWN
    """UTC, as ISO 8601 writes it."""
    modified: str | Unknown = UNKNOWN
    group: int | None = None
    linked: str = ""
    """What it belongs to: `object 3` or `group 1`."""
    file_system: str = ""
    """Of a partition: `squashfs`, `ext3`, `encrypted-squashfs`, …"""
    role: str = ""
    """Of a partition: `system`, `primary-system`, `data`, `overlay`."""
    arch: str | Unknown = UNKNOWN
    """Of a partition, as `uname -m` names it."""


class Signature(Value):
    """A signature in a SIF: present, and not verified by hpcrun."""

    object_id: int
    covers: str
    """`group 1` or `object 3`, as its descriptor says."""
    objects: tuple[int, ...] | Unknown = UNKNOWN
    """The objects whose digests are really signed; they may be fewer than the group has."""
    format: Literal["pgp", "dsse"] | Unknown = UNKNOWN
    hash_type: str | Unknown = UNKNOWN
    fingerprint: str | Unknown = UNKNOWN
    """Of the entity that the descriptor names, in hexadecimal."""
    is_verified: Literal[False] = False


class FileSystemFacts(Value):
    """The file system that the image holds."""

    format: Literal["squashfs"]
    compression: str
    n_inodes: int
    block_size: int
    size_bytes: int
    """What it takes in the file, compressed."""


class Platform(Value):
    """One variant of a multi-architecture image."""

    os: str
    arch: str
    """As OCI names it: amd64, arm64."""
    variant: str = ""
    digest: str
    is_chosen: bool = False
    """Whether the rest of the passport speaks of this one."""


class Layer(Value):
    """One layer of an OCI image or docker archive."""

    digest: str
    compression: str
    size_bytes: int
    """As stored."""


class ContainerFacts(Value):
    """The container around the programs."""

    declared_archs: tuple[Told, ...] = ()
    """Each place that names an architecture, as `uname -m` names it; the programs decide."""
    dates: tuple[Told, ...] = ()
    """Each place that tells when the image was made, in UTC."""
    apptainer: Told | None = None
    """Sign that Apptainer built the tree; without its scripts `--nv` sets no LD_LIBRARY_PATH."""
    file_system: FileSystemFacts | None = None
    objects: tuple[SifObject, ...] = ()
    signatures: tuple[Signature, ...] = ()
    platforms: tuple[Platform, ...] = ()
    layers: tuple[Layer, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    """Variables that an OCI image's configuration sets; of other images library path and MPI's."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    definition: str = ""
    """The file that Apptainer built the image from, its first 64 kB."""
    texts: dict[str, str] = Field(default_factory=dict)
    """What further text objects of a SIF hold, by `kind id`, the first 64 kB of each."""
