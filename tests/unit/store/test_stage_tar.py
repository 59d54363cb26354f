"""Archives of runs: what was looked at goes, and only what was asked for comes back."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from hpcrun.errors import InputError, RefusedError
from hpcrun.model.staging import Transfer, TreeFile
from hpcrun.store.stage_tar import pack_run, unpack_asked
from hpcrun.store.stage_tree import survey


def archive_of(*entries: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    target.seek(0)
    return target


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode, made.mtime = kind, link, mode, 7
    return made


def asked(*names: str, kind: str = "file", size: int = 100) -> dict[str, TreeFile]:
    return {
        name: TreeFile.model_validate({"path": name, "size": size, "mtime_ns": 0, "kind": kind})
        for name in names
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_packed_run_has_its_files_and_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a b").write_text("hello")
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "run.sh").write_text("x")
    (tmp_path / "run.sh").chmod(0o755)
    tree = survey(tmp_path, None)
    transfer = Transfer(workdir=tmp_path, files=tree.files, folders=tree.folders)
    packed = io.BytesIO()
    pack_run({"job.sh": b"#!"}, transfer, packed)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        found = {one.name: (one.type, oct(one.mode), one.mtime == int(one.mtime)) for one in tar}
    assert found == {
        "logs": (tarfile.DIRTYPE, "0o755", True),
        "job.sh": (tarfile.REGTYPE, "0o600", True),
        "work": (tarfile.DIRTYPE, "0o755", True),
        "work/data": (tarfile.DIRTYPE, "0o755", True),
        "work/data/a b": (tarfile.REGTYPE, "0o644", True),
        "work/link": (tarfile.SYMTYPE, "0o644", True),
        "work/run.sh": (tarfile.REGTYPE, "0o755", True),
    }


def test_file_that_changes_while_it_is_packed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hello")
    tree = survey(tmp_path, None)
    (tmp_path / "a").write_text("hello, longer")
    with pytest.raises(RefusedError, match="changes while it is copied"):
        pack_run({}, Transfer(workdir=tmp_path, files=tree.files), io.BytesIO())


def test_files_that_were_asked_for_come(folder: Path) -> None:
    archive = archive_of((entry("./out/a b", mode=0o6755), b"hello"), (entry("c\nd"), b""))
    assert unpack_asked(archive, asked("out/a b", "c\nd"), folder) == (["out/a b", "c\nd"], [])
    assert (folder / "out" / "a b").read_text() == "hello"
    assert (folder / "out" / "a b").stat().st_mode & 0o7777 == 0o755
    assert (folder / "out" / "a b").stat().st_mtime == 7


@pytest.mark.parametrize(
    ("hostile", "wanted"),
    [
        (entry("../out"), asked("a")),
        (entry("/etc/passwd"), asked("a")),
        (entry("b"), asked("a")),
        (entry("../out"), asked("../out")),
        (entry("a", tarfile.FIFOTYPE), asked("a")),
        (entry("a", tarfile.CHRTYPE), asked("a")),
        (entry("a", tarfile.LNKTYPE, "/etc/passwd"), asked("a")),
        (entry("a", tarfile.SYMTYPE, "/etc"), asked("a")),
        (entry("a"), asked("a", kind="link")),
        (entry("a"), asked("a", size=2)),
    ],
)
def test_what_was_not_asked_for_stops_it_all(
    folder: Path, hostile: tarfile.TarInfo, wanted: dict[str, TreeFile]
) -> None:
    content = b"evil" if hostile.isreg() else b""
    with pytest.raises(InputError, match="the site sent"):
        unpack_asked(archive_of((hostile, content)), wanted, folder)
    assert not [path for path in folder.parent.rglob("*") if path.is_file()]


@pytest.mark.parametrize("link", ["/etc", "../../out", "a/../../../out"])
def test_links_that_lead_out_are_left_there(folder: Path, link: str) -> None:
    archive = archive_of((entry("a", tarfile.SYMTYPE, link), b""))
    assert unpack_asked(archive, asked("a", kind="link"), folder) == ([], ["a"])
    assert not list(folder.iterdir())


def test_file_cannot_be_written_through_a_link(folder: Path) -> None:
    (folder.parent / "out").mkdir()
    archive = archive_of((entry("a", tarfile.SYMTYPE, "../out"), b""), (entry("a/b"), b"evil"))
    unpack_asked(archive, asked("a", kind="link") | asked("a/b"), folder)
    assert not list((folder.parent / "out").iterdir())


@pytest.mark.parametrize("cut", [0, 100, 600, 1024])
def test_archive_that_is_cut_off_is_refused(folder: Path, cut: int) -> None:
    whole = archive_of((entry("a"), b"x" * 100), (entry("b"), b"y" * 100)).getvalue()
    with pytest.raises(InputError, match="the site"):
        unpack_asked(io.BytesIO(whole[:cut]), asked("a", "b"), folder)


@pytest.mark.parametrize("time", ["nan", "1e300", "inf"])
def test_time_that_is_none_is_refused(folder: Path, time: str) -> None:
    hostile = entry("a")
    hostile.pax_headers = {"mtime": time}
    with pytest.raises(InputError, match="the site sent"):
        unpack_asked(archive_of((hostile, b"")), asked("a"), folder)


def test_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hello")
    os.utime(tmp_path / "key", (7, 7))
    workdir = tmp_path / "work"
    workdir.mkdir()
    (workdir / "a").write_text("hello")
    os.utime(workdir / "a", (7, 7))
    tree = survey(workdir, None)
    (workdir / "a").unlink()
    (workdir / "a").symlink_to("../key")
    with pytest.raises(RefusedError, match="cannot send"):
        pack_run({}, Transfer(workdir=workdir, files=tree.files), io.BytesIO())


def test_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hello")
    tree = survey(tmp_path, None)
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    with pytest.raises(RefusedError, match="changes while"):
        pack_run({}, Transfer(workdir=tmp_path, files=tree.files), io.BytesIO())
