"""What a SIF, a squashfs and a tree that Apptainer built say of themselves; does not judge it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath

from hpcrun.image.codecs import NAMES
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Extent
from hpcrun.image.read_json import pairs_in, parse_object
from hpcrun.image.sif import DataType, Descriptor, FileSystem, Partition, Sif, partition_of
from hpcrun.image.sif_signature import read_signature
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.tree import Kind, Node, read_text, resolve, resolve_file, text_of
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.container import (
    ContainerFacts,
    FileSystemFacts,
    SifObject,
    Told,
)
from hpcrun.model.seen import Certainty
from hpcrun.tables import architectures

TEXT_MAX = 64 << 10
TEXTS_MAX = 16
"""Objects of a SIF whose text is shown."""
OBJECTS_MAX = 200
"""Objects of a SIF that are listed; Apptainer makes room for 48."""

_KINDS = {int(kind): kind.name.lower().replace("_", "-") for kind in DataType}
_FILE_SYSTEMS = {int(kind): kind.name.lower().replace("_", "-") for kind in FileSystem}
_ROLES = {1: "system", 2: "primary-system", 3: "data", 4: "overlay"}
_TEXTS = (DataType.ENVIRONMENT, DataType.LABELS, DataType.GENERIC_JSON, DataType.SBOM)
_SCRIPTS = PurePosixPath("/.singularity.d/env")
_DEFINITION = "/.singularity.d/Singularity"
_LABELS = "/.singularity.d/labels.json"
_BUILD_DATES = ("org.opencontainers.image.created", "org.label-schema.build-date", "build-date")
_BUILD_ARCHS = ("org.label-schema.build-arch", "architecture")
_YEARS_MAX_S = 253_402_300_799
"""The last second of the year 9999."""


def date_of(seconds: int) -> str | Unknown:
    """Write a time stamp as ISO 8601 does; unknown where it can be none."""
    if not 0 < seconds <= _YEARS_MAX_S:
        return UNKNOWN
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def read_sif_container(file: Extent, sif: Sif) -> ContainerFacts:
    """Tell what a SIF's header and objects say."""
    definitions = [_text(file, each) for each in sif.of(DataType.DEFINITION)[:1]]
    texts = {
        f"{_KINDS[each.kind]} {each.id}": _text(file, each)
        for each in [each for each in sif.descriptors if each.kind in _TEXTS][:TEXTS_MAX]
    }
    signed = sif.of(DataType.SIGNATURE)
    date = date_of(sif.created_s)
    return ContainerFacts(
        declared_archs=tuple(_declared_archs(sif)),
        dates=(Told(value=date, evidence="SIF header, byte 64", certainty=Certainty.HINT),)
        if date != UNKNOWN
        else (),
        objects=tuple(_object(each) for each in sif.descriptors[:OBJECTS_MAX]),
        signatures=tuple(read_signature(file, sif, each) for each in signed[:OBJECTS_MAX]),
        labels=_labels(file, sif),
        definition=definitions[0] if definitions else "",
        texts=texts,
    )


def _text(file: Extent, descriptor: Descriptor) -> str:
    raw = file.read_at(descriptor.offset, min(descriptor.size, TEXT_MAX))
    return raw.decode("utf-8", "replace").rstrip("\0")


def _declared_archs(sif: Sif) -> Iterator[Told]:
    """Name the architecture of each system partition, then that of the header."""
    parts = sorted(map(partition_of, sif.of(DataType.PARTITION)), key=lambda p: not p.is_primary)
    for part in parts:
        if (row := architectures().by_sif_code(part.arch_code)) is not None:
            yield Told(
                value=row.uname,
                evidence=f"SIF partition at byte {part.offset}, architecture {part.arch_code}",
                certainty=Certainty.HINT,
            )
    if (row := architectures().by_sif_code(sif.arch_code)) is not None:
        evidence = f"SIF header, byte 45: {sif.arch_code}"
        yield Told(value=row.uname, evidence=evidence, certainty=Certainty.HINT)


def _object(descriptor: Descriptor) -> SifObject:
    part = partition_of(descriptor) if descriptor.kind == DataType.PARTITION else None
    return SifObject(
        id=descriptor.id,
        kind=_KINDS.get(descriptor.kind, f"type-{descriptor.kind:#x}"),
        name=text_of(descriptor.name),
        size_bytes=descriptor.size,
        created=date_of(descriptor.created_s),
        modified=date_of(descriptor.modified_s),
        group=descriptor.group,
        linked=descriptor.linked,
        file_system=file_system_name(part) if part else "",
        role=_ROLES.get(part.role, f"role-{part.role}") if part else "",
        arch=_arch(part) if part else UNKNOWN,
    )


def file_system_name(part: Partition) -> str:
    """Name what a partition holds."""
    return _FILE_SYSTEMS.get(part.file_system, f"type-{part.file_system}")


def _arch(part: Partition) -> str | Unknown:
    row = architectures().by_sif_code(part.arch_code)
    return row.uname if row else UNKNOWN


def _labels(file: Extent, sif: Sif) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in sif.of(DataType.LABELS)[:TEXTS_MAX]:
        try:
            content = file.read_at(each.offset, min(each.size, TEXT_MAX)).rstrip(b"\0")
            found |= pairs_in({"labels": parse_object(content, "the labels")}, "labels")
        except ImageError:
            continue  # The text itself is shown beside it.
    return found


def squashfs_facts(squashfs: Squashfs) -> FileSystemFacts:
    """Tell what a squashfs's superblock says."""
    block = squashfs.superblock
    return FileSystemFacts(
        format="squashfs",
        compression=NAMES[block.compressor],
        n_inodes=block.n_inodes,
        block_size=block.block_size,
        size_bytes=block.bytes_used,
    )


def squashfs_date(squashfs: Squashfs) -> tuple[Told, ...]:
    """Tell when a squashfs was made."""
    date = date_of(squashfs.superblock.made_s)
    evidence = "squashfs superblock, byte 8"
    told = Told(value=date, evidence=evidence, certainty=Certainty.HINT)
    return (told,) if date != UNKNOWN else ()


def with_variables(container: ContainerFacts, variables: Mapping[str, str]) -> ContainerFacts:
    """Return it with what the image's scripts set beside what it declares."""
    if not variables:
        return container
    return container.model_copy(update={"environment": {**container.environment, **variables}})


def with_tree(facts: ContainerFacts, root: Node) -> ContainerFacts:
    """Add what Apptainer leaves in the trees that it builds, and what labels tell."""
    labels = {**_tree_labels(root), **facts.labels}
    return facts.model_copy(
        update={
            "apptainer": _apptainer_sign(root),
            "labels": labels,
            "definition": facts.definition or _tree_text(root, _DEFINITION),
            "dates": (*facts.dates, *_label_dates(labels)),
            "declared_archs": (*facts.declared_archs, *_label_archs(labels)),
        }
    )


def _apptainer_sign(root: Node) -> Told | None:
    folder = resolve(root, _SCRIPTS)
    if folder is None or folder.node.kind is not Kind.FOLDER:
        return None
    scripts = sorted(name for name in folder.node.entries() if name.endswith(".sh"))
    if not scripts:
        return None
    return Told(value="yes", evidence=f"{_SCRIPTS / scripts[0]}", certainty=Certainty.LIKELY)


def _tree_text(root: Node, path: str) -> str:
    found = resolve_file(root, path)
    return read_text(found.node, limit=TEXT_MAX) if found else ""


def _tree_labels(root: Node) -> dict[str, str]:
    text = _tree_text(root, _LABELS)
    if not text:
        return {}
    return pairs_in({"labels": parse_object(text.encode(), _LABELS)}, "labels")


def _label_dates(labels: dict[str, str]) -> Iterator[Told]:
    for name in _BUILD_DATES:
        if name in labels:
            evidence = f"label `{name}`"
            yield Told(value=labels[name][:100], evidence=evidence, certainty=Certainty.HINT)


def _label_archs(labels: dict[str, str]) -> Iterator[Told]:
    for name in _BUILD_ARCHS:
        row = architectures().by_oci(labels.get(name, "")) or architectures().by_uname(
            labels.get(name, "")
        )
        if row is not None:
            evidence = f"label `{name}`"
            yield Told(value=row.uname, evidence=evidence, certainty=Certainty.HINT)
