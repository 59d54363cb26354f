"""What containers say of themselves: objects, signatures, labels, dates; each with its evidence."""

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcrun.image import read_image
from hpcrun.model.base import UNKNOWN
from hpcrun.model.container import FileSystemFacts, SifObject, Signature, Told
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from tests.fakes.sif_builder import ARM64, Object, build_sif
from tests.fakes.squashfs_builder import LZO, Tree, build_squashfs

GENERIC_JSON, LABELS, SIGNATURE = 0x4006, 0x4003, 0x4005
MADE = "2023-11-14T22:13:20Z"
APPTAINERS: dict[str, Tree] = {
    ".singularity.d": {
        "env": {"01-base.sh": b"", "90-environment.sh": b""},
        "labels.json": json.dumps(
            {"org.label-schema.build-arch": "arm64", "org.label-schema.build-date": "Monday"}
        ).encode(),
        "Singularity": b"Bootstrap: scratch\n",
    }
}


def passport_of(tmp_path: Path, content: bytes, name: str = "image.sif") -> ImageFacts:
    image = tmp_path / name
    image.write_bytes(content)
    return read_image(image)


def test_objects_of_a_sif_are_listed_with_kind_size_and_dates(tmp_path: Path) -> None:
    squashfs = build_squashfs({})
    container = passport_of(tmp_path, build_sif(squashfs, arch=ARM64)).container
    common = {"name": "part", "created": MADE, "group": 1}
    assert container.objects == (
        SifObject(id=1, kind="definition", size_bytes=22, **common),
        SifObject(
            id=2,
            kind="partition",
            size_bytes=len(squashfs),
            file_system="squashfs",
            role="primary-system",
            arch="aarch64",
            **common,
        ),
    )
    assert container.definition == "Bootstrap: localimage\n"
    assert container.dates[0] == Told(
        value=MADE, evidence="SIF header, byte 64", certainty=Certainty.HINT
    )
    assert [told.value for told in container.declared_archs] == ["aarch64", "aarch64"]


@pytest.mark.parametrize(
    ("content", "link", "form", "covers"),
    [
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", 0xF0000001, "pgp", "group 1"),
        (b'{"payloadType": "x"}', 2, "dsse", "object 2"),
        (b"\x01\x02", 2, UNKNOWN, "object 2"),
    ],
)
def test_signature_is_told_and_not_verified(
    tmp_path: Path, content: bytes, link: int, form: str, covers: str
) -> None:
    extra = struct.pack("<i", 1) + bytes(range(20))
    signature = Object(SIGNATURE, content, link=link, extra=extra)
    container = passport_of(tmp_path, build_sif(build_squashfs({}), objects=[signature])).container
    assert container.signatures == (
        Signature(
            object_id=3,
            covers=covers,
            format=form,
            hash_type="sha256",
            fingerprint=bytes(range(20)).hex(),
        ),
    )
    assert not container.signatures[0].is_verified


def signed_pgp(message: str) -> bytes:
    text = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{message}\n"
    return f"{text}-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n".encode()


def signed_dsse(message: str) -> bytes:
    payload = base64.b64encode(message.encode()).decode()
    return json.dumps({"payloadType": "x", "payload": payload, "signatures": []}).encode()


@pytest.mark.parametrize("signed", [signed_pgp, signed_dsse])
@pytest.mark.parametrize(
    ("message", "objects"),
    [
        ('{"version":1,"objects":[{"relativeId":0},{"relativeId":1}]}', (1, 2)),
        ('{"version":1,"objects":[{"relativeId":1}]}', (2,)),
        ('{"version":1,"objects":[]}', ()),
        ('{"version":1,"objects":[{"relativeId":7}]}', UNKNOWN),
        ('{"version":1,"objects":[{"relativeId":"1"}]}', UNKNOWN),
        ('{"version":1,"objects":[1]}', UNKNOWN),
        ('{"version":1}', UNKNOWN),
        ("sha256:0123", UNKNOWN),
    ],
)
def test_objects_that_a_signature_covers_are_those_of_its_message(
    tmp_path: Path, signed: Callable[[str], bytes], message: str, objects: object
) -> None:
    signature = Object(SIGNATURE, signed(message), link=0xF0000001, extra=bytes(24))
    container = passport_of(tmp_path, build_sif(build_squashfs({}), objects=[signature])).container
    assert [each.objects for each in container.signatures] == [objects]


def test_texts_and_labels_of_a_sif_are_kept_up_to_a_bound(tmp_path: Path) -> None:
    objects = [
        Object(LABELS, b'{"maintainer": "me", "n": 1, "list": []}'),
        Object(GENERIC_JSON, b"x" * 100_000),
    ]
    container = passport_of(tmp_path, build_sif(build_squashfs({}), objects=objects)).container
    assert container.labels == {"maintainer": "me", "n": "1"}
    assert {name: len(text) for name, text in container.texts.items()} == {
        "labels 3": 40,
        "generic-json 4": 64 << 10,
    }


def test_tree_that_apptainer_built_tells_labels_and_definition(tmp_path: Path) -> None:
    facts = passport_of(tmp_path, build_squashfs(APPTAINERS), "image.squashfs")
    assert facts.container.apptainer == Told(
        value="yes", evidence="/.singularity.d/env/01-base.sh", certainty=Certainty.LIKELY
    )
    assert facts.container.definition == "Bootstrap: scratch\n"
    assert facts.container.declared_archs == (
        Told(
            value="aarch64",
            evidence="label `org.label-schema.build-arch`",
            certainty=Certainty.HINT,
        ),
    )
    assert facts.container.dates[-1].value == "Monday"
    assert facts.declared_arch == "aarch64"


def test_tree_without_apptainers_scripts_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "image" / "bin").mkdir(parents=True)
    assert read_image(tmp_path / "image").container.apptainer is None


def test_labels_that_are_no_json_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    tree: dict[str, Tree] = {".singularity.d": {"labels.json": b"[" * 100_000}}
    facts = passport_of(tmp_path, build_squashfs(tree))
    assert facts.unread == ("labels: /.singularity.d/labels.json is not JSON",)


def test_bare_squashfs_is_read_as_an_image(tmp_path: Path) -> None:
    squashfs = build_squashfs({"a": b"x"})
    facts = passport_of(tmp_path, squashfs, "image.squashfs")
    assert (facts.kind, facts.is_complete) == ("squashfs", True)
    assert facts.digest.startswith("squashfs:")
    assert facts.container.file_system == FileSystemFacts(
        format="squashfs",
        compression="gzip",
        n_inodes=2,
        block_size=4096,
        size_bytes=len(squashfs),
    )


def test_bare_squashfs_without_decoder_says_what_to_do(tmp_path: Path) -> None:
    facts = passport_of(tmp_path, build_squashfs({"a": b"x"}, compressor=LZO))
    assert not facts.is_complete
    assert facts.unread[0].startswith("squashfs with lzo compression: there is no decoder for it; ")
    assert "mksquashfs" in facts.unread[0]


def test_oci_sif_is_told_as_what_apptainer_cannot_run(tmp_path: Path) -> None:
    image = build_sif(b"", part_type=3, objects=[Object(0x400A, b"{}"), Object(0x400B, b"x")])
    assert "OCI-SIF" in passport_of(tmp_path, image).unread[0]


def test_digest_tells_images_apart_by_headers_tables_and_samples(tmp_path: Path) -> None:
    plain = build_squashfs({"a": b"x" * 100}, compress=lambda data: data)
    others = [
        build_squashfs({"b": b"x" * 100}, compress=lambda data: data),
        build_squashfs({"a": b"x" * 101}, compress=lambda data: data),
        build_squashfs({"a": b"y" * 100}, compress=lambda data: data),
    ]
    digests = {passport_of(tmp_path, build_sif(each)).digest for each in (plain, *others)}
    assert len(digests) == 4
    copy = tmp_path / "copy.sif"
    copy.write_bytes(build_sif(plain))
    assert read_image(copy).digest in digests


def test_variables_of_mpi_and_the_library_path_are_read_from_an_images_scripts(
    tmp_path: Path,
) -> None:
    script = (
        b'export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-"/opt/a/lib"}"\n'
        b"export UCX_TLS=tcp,self\nexport I_MPI_ROOT=$HOME/mpi\nexport LANG=C\n"
    )
    files: dict[str, Tree] = {".singularity.d": {"env": {"10-docker2singularity.sh": script}}}
    container = passport_of(tmp_path, build_sif(build_squashfs(files))).container
    assert container.environment == {"LD_LIBRARY_PATH": "/opt/a/lib", "UCX_TLS": "tcp,self"}
