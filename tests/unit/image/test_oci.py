"""OCI layouts and docker archives: which image is read, what it declares, what its layers make."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hpcrun.errors import InputError
from hpcrun.image import ImageError, UnsupportedError, read_image
from hpcrun.model.container import Platform
from hpcrun.model.image import ImageFacts
from tests.fakes import mpi_files
from tests.fakes.elf_builder import AARCH64
from tests.fakes.oci_builder import (
    AMD64,
    ARM64,
    Layout,
    build_tar,
    config,
    docker_archive,
    hard_link,
    write_layout,
)
from tests.fakes.squashfs_builder import File, Link

LIB = "usr/lib/x86_64-linux-gnu"
BASE = build_tar(
    {
        "lib": Link("usr/lib"),
        f"{LIB}/libc.so.6": mpi_files.glibc("2.36"),
        f"{LIB}/libmpi.so.40.30.4": mpi_files.open_mpi("4.1.4"),
        "opt/old/bin/app": File(mpi_files.program("libmpi.so.40")),
    }
)
UPPER = build_tar(
    {
        "opt/.wh.old": b"",
        f"lib/{LIB.rpartition('/')[2]}/libmpi.so.40": Link("libmpi.so.40.30.4"),
        "opt/new/bin/app": File(mpi_files.program("libmpi.so.40")),
        "opt/new/bin/again": hard_link("opt/new/bin/app"),
    }
)
ENV = ["PATH=/opt/new/bin:/usr/bin", "LD_LIBRARY_PATH=/opt/x"]
CONFIG = config(AMD64, Env=ENV, Cmd=["app"], Entrypoint=["/init"], Labels={"a": "b"})


def as_layout(tmp_path: Path, pack: Callable[[bytes], bytes] = gzip.compress) -> Path:
    layout = Layout()
    entry = layout.manifest([BASE, UPPER], CONFIG, pack=pack)
    return write_layout(tmp_path / "layout", layout.finished(entry))


def as_docker_archive(tmp_path: Path) -> Path:
    image = tmp_path / "image.tar"
    image.write_bytes(docker_archive([BASE, UPPER], CONFIG))
    return image


def as_oci_archive(tmp_path: Path) -> Path:
    layout = Layout()
    files = layout.finished(layout.manifest([BASE, UPPER], CONFIG))
    image = tmp_path / "image.tar"
    image.write_bytes(build_tar(files))
    return image


def assert_is_the_image(facts: ImageFacts) -> None:
    assert facts.unread == ()
    assert facts.declared_arch == "x86_64"
    assert facts.libc.version == "2.36"
    assert [(lib.path, lib.version) for lib in facts.mpi] == [
        (f"/{LIB}/libmpi.so.40.30.4", "4.1.4")
    ]
    assert {user.path for user in facts.mpi_users} == {"/opt/new/bin/app", "/opt/new/bin/again"}
    assert facts.container.environment["LD_LIBRARY_PATH"] == "/opt/x"
    assert (facts.container.entrypoint, facts.container.cmd) == (("/init",), ("app",))
    assert facts.container.labels == {"a": "b"}
    assert facts.container.dates[0].value == "2024-05-06T07:08:09Z"
    assert facts.program is not None
    assert facts.program.path == "/opt/new/bin/app"


@pytest.mark.parametrize(
    ("kind", "make", "digest"),
    [
        ("oci-layout", as_layout, "oci:"),
        ("docker-archive", as_docker_archive, "docker:"),
        ("oci-archive", as_oci_archive, "oci:"),
    ],
)
def test_image_is_read_from_each_kind_of_container(
    tmp_path: Path, kind: str, make: Callable[[Path], Path], digest: str
) -> None:
    facts = read_image(make(tmp_path), command=("app",))
    assert_is_the_image(facts)
    assert facts.kind == kind
    assert facts.digest.startswith(digest)


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: data,
        lambda data: b"".join(
            gzip.compress(data[at : at + 700]) for at in range(0, len(data), 700)
        ),
        zstandard.ZstdCompressor(write_content_size=False).compress,
        lambda data: (
            b"".join(zstandard.compress(data[at : at + 999]) for at in (0,))
            + zstandard.compress(data[999:])
        ),
    ],
    ids=["plain", "many-gzip-members", "zstd", "zstd-frames"],
)
def test_layers_are_read_in_each_compression(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    assert_is_the_image(read_image(as_layout(tmp_path, pack), command=("app",)))


def test_layer_packed_with_bzip2_is_told_as_unsupported(tmp_path: Path) -> None:
    facts = read_image(as_layout(tmp_path, lambda data: b"BZh91AY&SY" + data))
    assert not facts.is_complete
    assert facts.unread[0].startswith("a layer with bzip2 compression: there is no decoder for it")


def layout_of_two(tmp_path: Path) -> Path:
    layout = Layout()
    arm = build_tar({"usr/bin/app": File(mpi_files.program(machine=AARCH64))})
    inner = [layout.manifest([BASE], config(AMD64)), layout.manifest([arm], config(ARM64))]
    attestation = {
        **layout.manifest([], config({"os": "unknown", "architecture": "unknown"})),
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    index = layout.index([*inner, attestation])
    return write_layout(tmp_path / "layout", layout.finished(index))


@pytest.mark.parametrize(("arch", "count"), [("x86_64", 3), ("aarch64", 1)])
def test_variant_of_a_multi_architecture_image_is_chosen(
    tmp_path: Path, arch: str, count: int
) -> None:
    facts = read_image(layout_of_two(tmp_path), arch=arch)
    assert facts.declared_arch == arch
    assert facts.program_archs == {arch: count}
    assert [(p.os, p.arch, p.variant, p.is_chosen) for p in facts.container.platforms] == [
        ("linux", "amd64", "", arch == "x86_64"),
        ("linux", "arm64", "v8", arch == "aarch64"),
    ]


def test_variant_for_this_machine_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Machine:
        machine = "aarch64"

    monkeypatch.setattr("hpcrun.image.oci.os.uname", Machine)
    assert read_image(layout_of_two(tmp_path)).declared_arch == "aarch64"


def test_variant_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no variant for riscv64") as caught:
        read_image(layout_of_two(tmp_path), arch="riscv64")
    assert "amd64, arm64" in caught.value.help[0]


def test_platform_that_the_index_does_not_state_is_the_configurations(tmp_path: Path) -> None:
    layout = Layout()
    entry = layout.manifest([BASE], config(ARM64))
    del entry["platform"]
    facts = read_image(write_layout(tmp_path / "layout", layout.finished(entry)))
    assert facts.declared_arch == "aarch64"
    assert facts.container.platforms == (
        Platform(os="linux", arch="arm64", variant="v8", digest=facts.digest, is_chosen=True),
    )


def test_second_image_for_one_platform_is_told(tmp_path: Path) -> None:
    layout = Layout()
    entries = [layout.manifest([BASE], config(AMD64, n=number)) for number in (1, 2)]
    facts = read_image(write_layout(tmp_path / "layout", layout.finished(*entries)))
    assert facts.unread == ("2 images for one platform: the first is read",)


def damaged(files: Mapping[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    return {**files, name: content}


def test_damaged_layer_and_manifest_are_named(tmp_path: Path) -> None:
    layout = Layout()
    entry = layout.manifest([BASE], CONFIG)
    files = layout.finished(entry)
    layer = json.loads(files[f"blobs/sha256/{entry['digest'][7:]}"])["layers"][0]["digest"][7:]
    other = damaged(files, f"blobs/sha256/{layer}", gzip.compress(UPPER))
    facts = read_image(write_layout(tmp_path / "a", other))
    assert facts.unread == (f"layer sha256:{layer[:12]} is damaged: its digest differs",)
    cut = damaged(files, f"blobs/sha256/{layer}", gzip.compress(BASE)[:-20])
    assert "digest differs" in read_image(write_layout(tmp_path / "b", cut)).unread[0]
    half = damaged(files, f"blobs/sha256/{layer}", gzip.compress(BASE)[:500])
    assert "cut off" in read_image(write_layout(tmp_path / "d", half)).unread[0]
    lie = damaged(files, f"blobs/sha256/{entry['digest'][7:]}", b"{}")
    with pytest.raises(ImageError, match="digest differs"):
        read_image(write_layout(tmp_path / "c", lie))


def test_layout_without_a_layer_says_which(tmp_path: Path) -> None:
    layout = Layout()
    entry = layout.manifest([BASE], CONFIG)
    files = layout.finished(entry)
    layer = json.loads(files[f"blobs/sha256/{entry['digest'][7:]}"])["layers"][0]["digest"][7:]
    del files[f"blobs/sha256/{layer}"]
    with pytest.raises(ImageError, match=f"lacks its layer `blobs/sha256/{layer}`"):
        read_image(write_layout(tmp_path / "layout", files))


def test_blob_that_is_a_link_out_of_the_layout_is_not_followed(tmp_path: Path) -> None:
    layout = Layout()
    entry = layout.manifest([BASE], CONFIG)
    folder = write_layout(tmp_path / "layout", layout.finished(entry))
    blob = folder / "blobs" / "sha256" / entry["digest"][7:]
    outside = blob.rename(tmp_path / "outside")
    blob.symlink_to(outside)
    with pytest.raises(ImageError, match="holds no container image"):
        read_image(folder)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"manifests": [1, null]}', "no container image"),
        (b'{"manifests": [{"digest": "sha256:../../x"}]}', "no sha256 digest"),
        (b" " * (5 << 20), "larger than"),
    ],
)
def test_index_that_lies_is_an_image_error(tmp_path: Path, index: bytes, said: str) -> None:
    files = {**Layout().files, "index.json": index}
    with pytest.raises(ImageError, match=said):
        read_image(write_layout(tmp_path / "layout", files))


def test_indexes_nested_too_deep_are_refused(tmp_path: Path) -> None:
    layout = Layout()
    entry = layout.manifest([BASE], CONFIG)
    for _ in range(6):
        entry = layout.index([entry])
    with pytest.raises(ImageError, match="nests indexes"):
        read_image(write_layout(tmp_path / "layout", layout.finished(entry)))


def test_artifact_that_is_no_container_image_is_told(tmp_path: Path) -> None:
    layout = Layout()
    document: dict[str, Any] = {
        "config": layout.blob(b"{}", "application/vnd.sylabs.sif.config.v1+json"),
        "layers": [],
    }
    entry = layout.blob(json.dumps(document).encode(), "application/vnd.oci.image.manifest.v1+json")
    with pytest.raises(UnsupportedError, match=r"vnd\.sylabs\.sif\.config"):
        read_image(write_layout(tmp_path / "layout", layout.finished(entry)))


def test_archive_that_is_packed_as_a_whole_says_what_to_do(tmp_path: Path) -> None:
    image = tmp_path / "image.tar.gz"
    image.write_bytes(gzip.compress(docker_archive([BASE], CONFIG)))
    with pytest.raises(ImageError, match="packed with gzip") as caught:
        read_image(image)
    assert "gunzip" in caught.value.help[0]


def test_tar_without_an_image_says_so(tmp_path: Path) -> None:
    image = tmp_path / "image.tar"
    image.write_bytes(build_tar({"etc/passwd": b"x"}))
    with pytest.raises(ImageError, match="holds no image"):
        read_image(image)


def test_documents_that_are_large_together_are_refused(tmp_path: Path) -> None:
    layout = Layout()
    # Of 3 bytes here a parser makes 64, and a layout may name the same image many times.
    entry = layout.manifest([build_tar({"a": b""})], {**AMD64, "x": [[]] * 800_000})
    folder = write_layout(tmp_path, layout.finished(*[entry] * 60))
    with pytest.raises(ImageError, match="documents are larger than 16 MiB"):
        read_image(folder)
