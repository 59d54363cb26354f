"""What came back goes into place, never over what changed here."""

import errno
import os
from pathlib import Path

import pytest

from hpcrun.errors import NotPermittedError
from hpcrun.model.staging import TreeFile
from hpcrun.store.stage_back import lay_back, lay_records


class Folders:
    """A working folder, what came, and where doubtful things go."""

    def __init__(self, base: Path) -> None:
        self.work, self.incoming, self.apart = base / "work", base / "in", base / "apart"
        self.work.mkdir()
        self.incoming.mkdir()
        self.sent: dict[str, TreeFile] = {}

    def send(self, name: str, text: str) -> None:
        file = self.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        seen = file.stat()
        self.sent[name] = TreeFile(path=name, size=seen.st_size, mtime_ns=seen.st_mtime_ns)

    def come(self, name: str, text: str) -> None:
        file = self.incoming / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (9, 9))

    def lay(self, *names: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return lay_back(names, self.incoming, self.work, self.apart, self.sent)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_new_and_changed_files_go_into_place(folders: Folders) -> None:
    folders.send("in.txt", "before")
    folders.come("in.txt", "after")
    folders.come("out/new", "result")
    assert folders.lay("in.txt", "out/new") == (("in.txt", "out/new"), ())
    assert (folders.work / "in.txt").read_text() == "after"
    assert (folders.work / "out" / "new").read_text() == "result"


def test_what_changed_here_too_stays_and_the_other_is_kept_apart(folders: Folders) -> None:
    folders.send("in.txt", "before")
    (folders.work / "in.txt").write_text("changed here")
    (folders.work / "new").write_text("made here")
    folders.come("in.txt", "after")
    folders.come("new", "result")
    assert folders.lay("in.txt", "new") == ((), ("in.txt", "new"))
    assert (folders.work / "in.txt").read_text() == "changed here"
    assert (folders.apart / "in.txt").read_text() == "after"
    assert (folders.apart / "new").read_text() == "result"


def test_second_try_takes_what_is_in_place_for_done(folders: Folders) -> None:
    folders.send("in.txt", "before")
    folders.come("in.txt", "after")
    folders.lay("in.txt")
    folders.come("in.txt", "after")
    assert folders.lay("in.txt") == (("in.txt",), ())
    assert not folders.apart.exists()


def test_nothing_is_written_through_a_link_that_leads_out(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folders.work / "out").symlink_to(tmp_path / "elsewhere")
    folders.come("out/new", "result")
    assert folders.lay("out/new") == ((), ("out/new",))
    assert not list((tmp_path / "elsewhere").iterdir())
    assert (folders.apart / "out" / "new").read_text() == "result"


def test_file_in_the_place_of_a_folder_stays(folders: Folders) -> None:
    (folders.work / "out").write_text("a file")
    folders.come("out/new", "result")
    assert folders.lay("out/new") == ((), ("out/new",))
    assert (folders.work / "out").read_text() == "a file"


def test_link_that_came_replaces_the_one_that_went(folders: Folders) -> None:
    link = folders.work / "latest"
    link.symlink_to("a")
    moment = link.lstat().st_mtime_ns
    folders.sent["latest"] = TreeFile(path="latest", size=0, mtime_ns=moment, kind="link")
    (folders.incoming / "latest").symlink_to("b")
    assert folders.lay("latest") == (("latest",), ())
    assert link.readlink() == Path("b")


def test_link_that_would_lead_out_of_the_working_folder_is_kept_apart(folders: Folders) -> None:
    (folders.work / "b").mkdir()
    (folders.incoming / "c" / "d").mkdir(parents=True)
    (folders.incoming / "b").symlink_to("c/d")
    # Where it came to, this is still inside; in the working folder `b` is no link.
    (folders.incoming / "a").symlink_to("b/../../out")
    assert folders.lay("a") == ((), ("a",))
    assert not (folders.work / "a").is_symlink()


def test_nothing_is_kept_apart_through_a_link_that_came_earlier(folders: Folders) -> None:
    out = folders.work.parent / "out"
    out.mkdir()
    folders.apart.mkdir()
    (folders.apart / "a").symlink_to(out)
    folders.send("a/b", "before")
    (folders.work / "a" / "b").write_text("changed here")
    folders.come("a/b", "after")
    assert folders.lay("a/b") == ((), ("a/b",))
    assert not list(out.iterdir())
    assert (folders.apart / "a" / "b").read_text() == "after"


def test_records_and_output_go_into_the_folder_of_the_run(folders: Folders) -> None:
    folders.come("final.json", "{}")
    folders.come("logs/out", "said")
    lay_records(["final.json", "logs/out"], folders.incoming, folders.work)
    assert (folders.work / "final.json").read_text() == "{}"
    assert (folders.work / "logs" / "out").read_text() == "said"


def test_records_do_not_go_through_links_that_lie_there(folders: Folders, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "authorized_keys").write_text("own")
    folders.come("final.json", "evil")
    folders.come("logs/authorized_keys", "evil")
    (folders.work / "logs").symlink_to(keys)
    (folders.work / "final.json").symlink_to(keys / "authorized_keys")
    with pytest.raises(NotPermittedError, match="is no folder but a link") as caught:
        lay_records(["final.json", "logs/authorized_keys"], folders.incoming, folders.work)
    assert "rm " in caught.value.help[0]
    assert (keys / "authorized_keys").read_text() == "own"
    assert (folders.work / "final.json").read_text() == "evil"
    assert not (folders.work / "final.json").is_symlink()


@pytest.mark.parametrize("is_link", [True, False])
def test_copy_from_another_disk_does_not_follow_a_link_that_lies_there(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_link: bool
) -> None:
    (precious := tmp_path / "precious").write_text("own")
    (folders.work / ".new.hpcrun").symlink_to(precious)
    (folders.work / "aim").write_text("aim")
    folders.come("new", "result")
    if is_link:
        (folders.incoming / "new").unlink()
        (folders.incoming / "new").symlink_to("aim")
    replace, tried = os.replace, []

    def refuse_once(source: Path, target: Path) -> None:
        tried.append(source)
        if len(tried) == 1:
            raise OSError(errno.EXDEV, "another disk")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_once)
    assert folders.lay("new") == (("new",), ())
    assert precious.read_text() == "own"
    assert (folders.work / "new").read_text() == ("aim" if is_link else "result")
    assert (folders.work / "new").is_symlink() == is_link
    assert is_link or (folders.work / "new").stat().st_mtime == 9
