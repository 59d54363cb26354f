"""`hpcrun sandbox purge --all` leaves nothing: no file anywhere, no mount, no process, no group.

As root; of an ordinary user's files test_ordinary_user.py knows the same.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.parts import part_names
from hpcrun.sandbox.places import places
from hpcrun.sandbox.versions import default_version
from tests.integration.sandbox.traces import await_end_of, list_files, look_at_machine, names
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot copy what is cached"),
]

NAME = "purged"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
BUILD = CHECKOUT / "examples" / "images" / "build.py"
ASK_BY_SSH = """
import sys
from pathlib import Path
from hpcrun.store.ssh_runner import SshRunner
sys.exit(SshRunner(sys.argv[1], Path(sys.argv[2])).run(("sinfo",)).exit_code)
"""


def as_environment(folder: Path) -> dict[str, Any]:
    """Let everything that has a place by default have it in this folder."""
    folders = {
        "HOME": folder / "home",
        "TMPDIR": folder / "tmp",
        "XDG_RUNTIME_DIR": folder / "run",
        "HPCRUN_SANDBOX_DIR": folder / "home" / "sandboxes",
    }
    for name in ("home", "tmp", "run"):
        (folder / name).mkdir(mode=0o700)
    # Nothing of the caller's own: pip asks whatever `rustc` it finds for its version.
    return {name: str(place) for name, place in folders.items()} | {"PATH": PATH}


def names_of_ours() -> list[str]:
    """Where a program without TMPDIR and HOME would leave something of ours."""
    roots = ("/tmp", "/var/tmp", "/run", "/dev/shm", str(Path.home()))
    return [f"{root}/{name}" for root in roots for name in names(Path(root)) if "hpcrun" in name]


def wait_until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.1)


def run_python(*argv: str, **environment: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *argv],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        cwd=CHECKOUT,
        start_new_session=True,
    )


def kill_build_of_image(folder: Path, environment: dict[str, Any]) -> None:
    """Kill a build with all its processes while mmdebstrap is at work."""
    process = run_python(str(BUILD), "openmpi", "--sandbox", NAME, **environment)
    wait_until(lambda: bool(list(folder.glob("tmp/hpcrun-images.*/mmdebstrap.*/usr"))))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(folder.glob("home/sandboxes/cache/images/openmpi-*.*"))


def is_named_by_a_process(folder: Path) -> bool:
    argv = ("pgrep", "--full", str(folder))
    return subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode == 0


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose name is short enough for the sockets of ssh's connections."""
    return tmp_path_factory.mktemp("all")


def test_purge_of_all_leaves_the_machine_as_it_was(sandbox: Sandbox, folder: Path) -> None:
    environment = as_environment(folder)
    files, ours, machine = list_files(folder), names_of_ours(), look_at_machine(NAME)

    cache = Path(environment["HPCRUN_SANDBOX_DIR"], "cache")
    cache.mkdir(parents=True)
    cached = places(sandbox.name).cache
    parts = vars(part_names(default_version(), find_identity())).values()
    built = [*(cached / part for part in parts), *cached.glob("sshd-trixie-*")]
    subprocess.run(["cp", "-a", *map(str, built), str(cache)], check=True)
    options = ("--name", NAME, "--ssh", "--emulation", "none")
    up = run_hpcrun("sandbox", "up", *options, **environment)
    assert up.returncode == 0, up.stderr
    job = ("srun", "-N2", "sh", "-c", "echo > ~/in-home; echo > /tmp/in-tmp; hostname")
    done = run_hpcrun("sandbox", "exec", "--name", NAME, "--", *job, **environment)
    assert done.returncode == 0, done.stderr
    config = cache.parent / NAME / "ssh" / "config"
    asked = run_python("-c", ASK_BY_SSH, f"hpcrun-{NAME}", str(config), **environment)
    assert asked.wait(120) == 0
    kill_build_of_image(folder, environment)

    purged = run_hpcrun("sandbox", "purge", "--all", **environment)
    assert purged.returncode == 0, purged.stderr
    assert await_end_of(NAME, cache.parent) == set()
    wait_until(lambda: not is_named_by_a_process(folder))
    # The folder of ssh's connections is each user's own, whatever the site.
    wait_until(lambda: names(folder / "run" / "hpcrun") == [])
    (folder / "run" / "hpcrun").rmdir()
    assert list_files(folder) == files
    left = set(names_of_ours()) - set(ours)
    # Other tests have folders of their own there, each for a while.
    wait_until(lambda: left.isdisjoint(names_of_ours()))
    assert look_at_machine(NAME) == machine
