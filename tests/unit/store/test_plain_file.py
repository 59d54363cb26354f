"""Small files of the caller's own are never written through a link."""

from pathlib import Path

from hpcrun.store.plain_file import write_plain


def test_link_that_lies_at_the_place_or_beside_it_is_not_followed(tmp_path: Path) -> None:
    (keys := tmp_path / "keys").write_text("own")
    file = tmp_path / "fetched.json"
    file.symlink_to(keys)
    (tmp_path / ".fetched.json.new").symlink_to(keys)
    write_plain(file, "{}")
    assert (keys.read_text(), file.read_text()) == ("own", "{}")
    assert not file.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["fetched.json", "keys"]


def test_file_that_an_earlier_try_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".a.new").write_text("half of a much longer text")
    write_plain(tmp_path / "a", "whole")
    assert (tmp_path / "a").read_text() == "whole"
