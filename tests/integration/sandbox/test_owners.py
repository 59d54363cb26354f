"""What was made for one of root's two maps is copied for the other, and is the same inside."""

import os
import tempfile
from pathlib import Path

import pytest

from hpcrun.errors import WriteError
from hpcrun.sandbox import cgroups, linux, namespace, reach
from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.owners import copy_tree
from tests.integration.sandbox.traces import list_files

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has one map only"),
]

RIGHTS = "security.capability"
# vfs_cap_data of version 2 with cap_setuid (linux/capability.h); in a namespace the kernel adds
# whose root that one is.
MAY_SET_UID = bytes.fromhex("0100000280000000000000000000000000000000")
SERVICE = 42


def run_inside(maps: IdMaps, folder: Path, script: str, output: int = 1) -> None:
    def body() -> None:
        os.dup2(output, 1)
        os.chdir(folder)
        os.execvp("sh", ("sh", "-euc", script))

    assert namespace.run(maps, linux.CLONE_NEWNS, body, prepare=lambda: reach.show([folder])) == 0


def look_inside(maps: IdMaps, folder: Path) -> str:
    """List a folder as root inside sees it: modes, owners, times, links, contents."""
    with tempfile.TemporaryFile("w+") as seen:
        script = (
            r"find . -printf '%p %M %U %G %n %T@ %l\n' | sort;"
            "find . -type f -exec cksum {} + | sort"
        )
        run_inside(maps, folder, script, seen.fileno())
        seen.seek(0)
        return seen.read()


@pytest.fixture
def both_maps() -> tuple[IdMaps, IdMaps]:
    identity = find_identity()
    return identity.maps, cgroups.with_root(identity).maps


@pytest.fixture
def original(both_maps: tuple[IdMaps, IdMaps], tmp_path: Path) -> Path:
    """A folder as packages make them, for the map without the machine's root."""
    folder = tmp_path / "original"
    folder.mkdir()
    both_maps[0].give(folder)
    script = f"""
        umask 022; mkdir usr var; echo it >usr/program; ln usr/program usr/same; ln -s usr bin
        chown {SERVICE}:{SERVICE} var; chmod 1777 var; chown -h {SERVICE} bin
        echo suid >usr/suid; chown 0:{SERVICE} usr/suid; chmod 6755 usr/suid
        echo capable >usr/capable; mkfifo var/pipe; : >'var/a name'
    """
    run_inside(both_maps[0], folder, script)
    capable = folder / "usr/capable"

    def give_rights() -> None:
        os.setxattr(capable, RIGHTS, MAY_SET_UID)

    done = namespace.run(
        both_maps[0], linux.CLONE_NEWNS, give_rights, prepare=lambda: reach.show([folder])
    )
    assert done == 0
    return folder


def test_copy_is_inside_what_the_original_is_and_outside_the_other_root_s(
    both_maps: tuple[IdMaps, IdMaps], original: Path, tmp_path: Path
) -> None:
    plain, rooted = both_maps
    copy, back = tmp_path / "copy", tmp_path / "back"
    copy_tree(original, copy, old=plain, new=rooted)
    seen = look_inside(rooted, copy)
    assert seen == look_inside(plain, original)
    assert f"./usr/suid -rwsr-sr-x 0 {SERVICE} 1 " in seen
    owners = {file.name: file.lstat().st_uid for file in (copy, *copy.rglob("*"))}
    service = (original / "var").stat().st_uid
    assert owners == dict.fromkeys(owners, 0) | {"var": service, "bin": service}
    assert plain.uids[0].outside == original.stat().st_uid != 0

    copy_tree(copy, back, old=rooted, new=plain)
    assert list_files(back) == list_files(original)
    rights = [os.getxattr(folder / "usr/capable", RIGHTS) for folder in (original, back)]
    assert rights[0] == rights[1]
    assert len(os.getxattr(copy / "usr/capable", RIGHTS)) == len(MAY_SET_UID)


def test_copy_where_there_is_no_room_is_told(
    both_maps: tuple[IdMaps, IdMaps], original: Path, tmp_path: Path
) -> None:
    plain, rooted = both_maps
    with (original / "large").open("wb") as large:
        large.truncate(2**20)

    def copy_into_little_room() -> None:
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        room = tmp_path / "room"
        room.mkdir()
        linux.mount("little", room, kind="tmpfs", options="size=100k")
        with pytest.raises(WriteError, match="cannot copy"):
            copy_tree(original, room / "copy", old=plain, new=rooted)

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            linux.unshare(linux.CLONE_NEWNS)
            copy_into_little_room()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
