"""hpcrun for the login node: laid out as an installation, and renewed when it changed."""

import os
from pathlib import Path

from hpcrun import resources
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.own_code import write_own_code

MINE = IdMaps(uids=(), gids=(), is_privileged=False)


def test_code_is_laid_out_as_an_installation(tmp_path: Path) -> None:
    write_own_code(tmp_path, MINE)
    for name in ("hpcrun/cli/main.py", "hpcrun/py.typed", "hpcrun/sandbox/inside/box.sh"):
        assert (tmp_path / name).is_file()
    templates = tmp_path / "hpcrun/_data/templates"
    assert sorted(f.name for f in templates.iterdir()) == sorted(
        f.name for f in resources.templates_folder().iterdir() if f.name != "__pycache__"
    )
    assert list(tmp_path.glob("hpcrun-*.dist-info/METADATA"))


def test_changed_and_foreign_files_are_put_right(tmp_path: Path) -> None:
    write_own_code(tmp_path, MINE)
    changed, foreign = tmp_path / "hpcrun/errors.py", tmp_path / "hpcrun/old.py"
    compiled = tmp_path / "hpcrun/__pycache__/errors.cpython-313.pyc"
    original = changed.read_text()
    changed.write_text("broken")
    foreign.write_text("old")
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(b"kept")
    (tmp_path / ".digest").write_text("of another version")
    write_own_code(tmp_path, MINE)
    assert changed.read_text() == original
    assert not foreign.exists()
    assert compiled.read_bytes() == b"kept"


def test_change_within_one_second_is_compiled_anew(tmp_path: Path) -> None:
    write_own_code(tmp_path, MINE)
    file = tmp_path / "hpcrun/errors.py"
    original = file.read_text()
    seen = {int(file.stat().st_mtime)}
    for _ in range(3):
        file.write_text(original.swapcase())
        os.utime(file, (max(seen), max(seen)))
        (tmp_path / ".digest").unlink()
        write_own_code(tmp_path, MINE)
        assert file.read_text() == original
        assert int(file.stat().st_mtime) not in seen
        seen.add(int(file.stat().st_mtime))


def test_links_that_somebody_inside_made_are_not_followed(tmp_path: Path) -> None:
    app, mine = tmp_path / "app", tmp_path / "mine"
    mine.mkdir()
    (mine / "key").write_text("mine")
    write_own_code(app, MINE)
    (app / "hpcrun" / ".errors.py.new").symlink_to(mine / "key")
    (app / "hpcrun" / "errors.py").unlink()
    (app / "hpcrun" / "units.py").unlink()
    (app / "hpcrun" / "units.py").symlink_to(mine / "key")
    (app / "hpcrun" / "rules").rename(app / "hpcrun" / "moved")
    (app / "hpcrun" / "rules").symlink_to(mine)
    write_own_code(app, MINE)
    assert [file.name for file in mine.iterdir()] == ["key"]
    assert (mine / "key").read_text() == "mine"
    assert (app / "hpcrun" / "errors.py").is_file()


def test_nothing_in_folders_of_root_inside_is_removed_from_outside(tmp_path: Path) -> None:
    write_own_code(tmp_path, MINE)
    theirs = tmp_path / "hpcrun" / "__pycache__" / "deep"
    theirs.mkdir()
    (theirs / "passwd").write_text("could be behind a link a moment later")
    (tmp_path / ".digest").unlink()
    write_own_code(tmp_path, MINE)
    assert (theirs / "passwd").is_file()
