"""Machines that cannot hold a sandbox: refused with what to do about it, nothing left behind."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox import linux, namespace
from hpcrun.sandbox.identity import find_identity, read_here
from hpcrun.sandbox.namespace import IdMaps, IdRange
from tests.sandbox_fixture import CHECKOUT, run_hpcrun

pytestmark = pytest.mark.slurm


@pytest.fixture(autouse=True)
def _no_sandbox_left(tmp_path: Path) -> Iterator[None]:
    """End what was started after all, should a refusal not have come."""
    yield
    state = tmp_path / "state"
    if state.exists():
        assert (
            run_hpcrun("sandbox", "purge", "--all", HPCRUN_SANDBOX_DIR=str(state)).returncode == 0
        )


MAIN = "from hpcrun.cli.main import main; raise SystemExit(main())"


def maps_of_caller() -> IdMaps:
    """Return maps in which the caller stays who it is, if it is root."""
    if os.geteuid() != 0:
        return find_identity().maps
    uids, gids = (
        tuple(IdRange(start, start, length) for start, length in read_here(Path(table)))
        for table in ("/proc/self/uid_map", "/proc/self/gid_map")
    )
    return IdMaps(uids, gids, is_privileged=True)


def up_in_spoilt_namespaces(flags: int, spoil: Callable[[], None], state: Path) -> tuple[int, str]:
    """Run `hpcrun sandbox up` where something was spoilt that only this process sees."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "HPCRUN_SANDBOX_DIR": str(state)}
    with tempfile.TemporaryFile("w+") as told:

        def body() -> None:
            spoil()
            os.dup2(told.fileno(), 2)
            argv = [sys.executable, "-c", MAIN, "sandbox", "up"]
            os.execve(sys.executable, argv, environment)

        code = namespace.run(maps_of_caller(), flags, body)
        told.seek(0)
        return code, told.read()


def test_machine_without_mmdebstrap_is_told_the_package(tmp_path: Path) -> None:
    state, empty = tmp_path / "state", tmp_path / "bin"
    empty.mkdir()
    done = run_hpcrun("sandbox", "up", PATH=str(empty), HPCRUN_SANDBOX_DIR=str(state))
    assert done.returncode == 69
    assert "`mmdebstrap`" in done.stderr
    assert "sudo apt-get install --no-install-recommends mmdebstrap" in done.stderr
    assert not state.exists()


def test_user_namespaces_forbidden_by_a_sysctl_are_told_its_name(tmp_path: Path) -> None:
    code, told = up_in_spoilt_namespaces(
        0,
        lambda: _ignore(Path("/proc/sys/user/max_user_namespaces").write_text("0")),
        tmp_path / "state",
    )
    assert code == 77, told
    assert "`user.max_user_namespaces = 0`" in told
    assert "sudo sysctl -w user.max_user_namespaces=" in told
    assert not (tmp_path / "state").exists()


def test_root_of_a_namespace_with_one_user_is_told_how_many_it_needs(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", sys.executable, "-c", MAIN, "sandbox", "up"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "HPCRUN_SANDBOX_DIR": str(state)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 77, done.stderr
    assert "65536" in done.stderr
    assert "only 1 here" in done.stderr
    assert not state.exists()


def test_covered_proc_is_told_as_such(tmp_path: Path) -> None:
    def spoil() -> None:
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("proc", "/proc", kind="proc")
        linux.bind("/dev/null", "/proc/uptime")

    flags = linux.CLONE_NEWNS | linux.CLONE_NEWPID
    code, told = up_in_spoilt_namespaces(flags, spoil, tmp_path / "state")
    assert code == 77, told
    assert "mount /proc" in told
    assert "covered" in told
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("options", "flags", "words"),
    [("size=10m", 0, "10 MiB left"), ("", linux.MS_NOEXEC, "noexec")],
    ids=["too-full", "noexec"],
)
def test_disk_that_does_not_serve_is_told_why(
    tmp_path: Path, options: str, flags: int, words: str
) -> None:
    def spoil() -> None:
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("spoilt", tmp_path, kind="tmpfs", flags=flags, options=options)

    code, told = up_in_spoilt_namespaces(linux.CLONE_NEWNS, spoil, tmp_path / "state")
    assert code == 73, told
    assert words in told
    assert "HPCRUN_SANDBOX_DIR" in told


def _ignore(_: object) -> None:
    """Make a statement of an expression."""


def test_archive_out_of_reach_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    release = Path("/etc/os-release").read_text()
    if "ID=debian" not in release.splitlines():
        pytest.skip("the archive is chosen from apt's configuration on Debian only")
    codename = release.partition("VERSION_CODENAME=")[2].partition("\n")[0]
    sources = tmp_path / "sources.list"
    # Port 9 of this machine, where nobody listens.
    sources.write_text(f"deb http://127.0.0.1:9/debian {codename} main\n")
    apt, nothing = tmp_path / "apt.conf", tmp_path / "nothing"
    nothing.mkdir()
    apt.write_text(
        f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "{nothing}";\n'
        f'Dir::State::lists "{nothing}";\n'
    )
    state = tmp_path / "state"
    done = run_hpcrun("sandbox", "up", APT_CONFIG=str(apt), HPCRUN_SANDBOX_DIR=str(state))
    assert done.returncode == 69, done.stderr
    assert "`http://127.0.0.1:9/debian/`" in done.stderr
    assert "out of reach" in done.stderr
    assert not state.exists()


def test_names_that_cannot_be_a_cluster_s_are_a_usage_error() -> None:
    for name in ("", "A", "a b", "../x", "cache", "1", "a" * 32):
        done = run_hpcrun("sandbox", "status", "--name", name)
        assert done.returncode == 64, name


def test_shared_folder_that_is_not_there_is_missing_input(tmp_path: Path) -> None:
    state = tmp_path / "state"
    share = str(tmp_path / "nowhere")
    done = run_hpcrun("sandbox", "up", "--share", share, HPCRUN_SANDBOX_DIR=str(state))
    assert done.returncode == 66, done.stderr
    assert not state.exists()
