"""Keys of a sandbox are made once and are nobody else's."""

import os
import stat
from pathlib import Path

import pytest

from hpcrun.errors import UnavailableError
from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.ssh_server import write_files

USER = JobUser("anna", 1000, 1000, os.geteuid(), os.getegid())


def contents(where: Places) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in where.folder.rglob("*") if p.is_file()}


def test_keys_outlive_the_end_of_a_sandbox(tmp_path: Path) -> None:
    where = Places(tmp_path, "box")
    write_files(where, USER)
    before = contents(where)
    write_files(where, USER)
    assert contents(where) == before
    private = [p for p in where.folder.rglob("*") if p.is_file() and p.suffix != ".pub"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in private} == {0o600}


def test_half_made_key_is_made_anew(tmp_path: Path) -> None:
    where = Places(tmp_path, "box")
    write_files(where, USER)
    (where.folder / "ssh" / "id_ed25519.pub").unlink()
    write_files(where, USER)
    public = (where.folder / "ssh" / "id_ed25519.pub").read_text().strip()
    allowed = (where.folder / "etc-login" / "ssh" / "authorized_keys").read_text()
    assert allowed == f"restrict,pty {public}\n"


def test_missing_ssh_keygen_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="cannot make keys for ssh"):
        write_files(Places(tmp_path, "box"), USER)
