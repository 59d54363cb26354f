"""Facts read earlier: served for the same image and question, and never for another."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from hpcrun.image import Mount, Surroundings, read_image, recall
from hpcrun.model.image import ImageFacts
from tests.fakes import mpi_files
from tests.fakes.oci_builder import AMD64, Layout, build_tar, config, write_layout
from tests.fakes.sif_builder import build_sif
from tests.fakes.squashfs_builder import File, build_squashfs

IMAGE = build_sif(build_squashfs({"usr": {"bin": {"tool": File(mpi_files.program())}}}))


class Remembering:
    """A memory that counts what it served."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.n_served = 0
        self.is_old = True

    def recall(self, key: str) -> bytes | None:
        self.n_served += key in self.kept
        return self.kept.get(key)

    def keep(self, key: str, content: bytes) -> None:
        self.kept[key] = content

    def is_settled(self, changed_ns: int) -> bool:
        return self.is_old and changed_ns > 0


@pytest.fixture
def memory() -> Remembering:
    return Remembering()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.sif"
    path.write_bytes(IMAGE)
    return path


def test_second_reading_is_served_and_says_the_same(image: Path, memory: Remembering) -> None:
    first = read_image(image, command=("tool",), memory=memory)
    assert read_image(image, command=("tool",), memory=memory) == first
    assert memory.n_served == 1


def test_copy_of_an_image_is_served_under_its_own_path_and_date(
    image: Path, memory: Remembering, tmp_path: Path
) -> None:
    read_image(image, memory=memory)
    copy = tmp_path / "copy.sif"
    copy.write_bytes(IMAGE)
    os.utime(copy, (5, 5))
    facts = read_image(copy, memory=memory)
    assert memory.n_served == 1
    assert (facts.path, facts.mtime_ns) == (copy, 5_000_000_000)
    assert facts == read_image(copy)


def with_other_program(image: Path) -> dict[str, object]:
    image.write_bytes(build_sif(build_squashfs({"usr": {"bin": {"other": b""}}})))
    return {}


@pytest.mark.parametrize(
    "change",
    [
        with_other_program,
        lambda image: {"command": ("tool",)},
        lambda image: {"command": ("usr/bin/tool",), "around": Surroundings(PurePosixPath("/"))},
    ],
    ids=["image", "command", "working-folder"],
)
def test_other_image_or_question_is_read_anew(
    image: Path, memory: Remembering, change: Callable[[Path], dict[str, object]]
) -> None:
    read_image(image, memory=memory)
    options = change(image)
    facts = read_image(image, memory=memory, **options)  # type: ignore[arg-type]
    assert memory.n_served == 0
    assert facts == read_image(image, **options)  # type: ignore[arg-type]


def test_other_code_reads_anew(
    image: Path, memory: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_image(image, memory=memory)
    monkeypatch.setattr(recall, "code_stamp", lambda *_: "newer")
    read_image(image, memory=memory)
    assert memory.n_served == 0


def test_damaged_facts_are_read_anew(image: Path, memory: Remembering) -> None:
    first = read_image(image, memory=memory)
    memory.kept = dict.fromkeys(memory.kept, b'{"version": 1}')
    assert read_image(image, memory=memory) == first


def test_folder_and_mounted_program_are_read_each_time(
    image: Path, memory: Remembering, tmp_path: Path
) -> None:
    (tmp_path / "folder" / "bin").mkdir(parents=True)
    mounted = Surroundings(mounts=(Mount(PurePosixPath("/work"), tmp_path),))
    read_image(tmp_path / "folder", memory=memory)
    read_image(image, command=("/work/tool",), around=mounted, memory=memory)
    assert memory.kept == {}


def test_incomplete_passport_is_not_kept(tmp_path: Path, memory: Remembering) -> None:
    image = tmp_path / "image.sif"
    image.write_bytes(
        build_sif(build_squashfs({"lib": {"libmpi.so.40": mpi_files.open_mpi()[:400]}}))
    )
    assert not read_image(image, memory=memory).is_complete
    assert memory.kept == {}


def read_layout(folder: Path, content: bytes, memory: Remembering) -> ImageFacts:
    layout = Layout()
    entry = layout.manifest([build_tar({"usr/bin/tool": File(content)})], config(AMD64))
    write_layout(folder, layout.finished(entry))
    return read_image(folder, memory=memory, arch="x86_64")


def test_oci_layout_is_served_until_one_of_its_files_is_replaced(
    tmp_path: Path, memory: Remembering
) -> None:
    folder = tmp_path / "layout"
    first = read_layout(folder, mpi_files.program(), memory)
    assert read_image(folder, memory=memory, arch="x86_64") == first
    assert memory.n_served == 1
    for blob in (folder / "blobs" / "sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(gzip.compress(b""))
    assert not read_image(folder, memory=memory, arch="x86_64").is_complete


def test_hash_of_the_whole_file_is_taken_once(
    image: Path, memory: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_image(image, full_digest=True, memory=memory)
    monkeypatch.setattr(recall, "whole_digest", lambda _: "sha256:taken again")
    assert read_image(image, full_digest=True, memory=memory) == first
    image.write_bytes(IMAGE)  # The same bytes, but who knows that?
    assert read_image(image, full_digest=True, memory=memory).digest == "sha256:taken again"


def test_hash_of_a_file_that_changed_a_moment_ago_is_not_kept(
    image: Path, memory: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.is_old = False
    read_image(image, full_digest=True, memory=memory)
    monkeypatch.setattr(recall, "whole_digest", lambda _: "sha256:taken again")
    assert read_image(image, full_digest=True, memory=memory).digest == "sha256:taken again"
