"""Root lets a sandbox put its emulator into the machine's own list, and the list is as before."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox.places import places
from hpcrun.sandbox.registration import LIST, entry_name
from hpcrun.sandbox.state import read_running
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

NAMES = ("registering", "registering-too")
OPTION = "--register-emulation"
# Shows the machine's list here and keeps it in place, as it is on a machine where it is mounted.
SHOWN = f"mount -t binfmt_misc binfmt_misc {LIST} && echo shown && cat"


@pytest.fixture
def machine_list(sandbox: Sandbox) -> Iterator[Path]:
    """Return the folder of the machine's list, seen through a process that has it mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may change the machine's list of handlers")
    argv = ["unshare", "--mount", "sh", "-c", SHOWN]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as shower:
        assert shower.stdout is not None
        if shower.stdout.readline() != "shown\n":
            pytest.skip("this machine's list of handlers cannot be mounted")
        yield Path(f"/proc/{shower.pid}/root{LIST}")
        for name in NAMES:
            run_hpcrun("sandbox", "purge", "--name", name)


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def run_uname(name: str, image: Path, node: str) -> str:
    argv = ("--", "apptainer", "exec", str(image), "busybox", "uname", "-m")
    done = run_hpcrun("sandbox", "exec", "--name", name, "--node", node, *argv)
    return done.stdout + done.stderr


def make_image(name: str) -> Path:
    recipe = CHECKOUT / "examples/images/build.py"
    made = subprocess.run(
        [sys.executable, recipe, "--sandbox", name, "foreign"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


def test_entry_of_the_machine_s_list_serves_nodes_and_goes_however_the_sandbox_ends(
    machine_list: Path,
) -> None:
    before = names_in(machine_list)
    mine, other = (entry_name(places(name).folder) for name in NAMES)
    name = NAMES[0]

    up = run_hpcrun("sandbox", "up", "--name", name, "--emulation", "n1", OPTION)
    assert up.returncode == 0, up.stderr
    assert names_in(machine_list) == sorted([*before, mine])
    image = make_image(name)
    assert run_uname(name, image, "n1") == "aarch64\n"
    assert "could not run on the host's (amd64)" in run_uname(name, image, "n2")
    forbidden = f"echo -1 >{LIST}/{mine}"
    argv = ("--user", "root", "--node", "n1", "--", "sh", "-c", forbidden)
    assert run_hpcrun("sandbox", "exec", "--name", name, *argv).returncode != 0

    second = run_hpcrun("sandbox", "up", "--name", NAMES[1], "--nodes", "1", OPTION)
    assert second.returncode == 0, second.stderr
    assert names_in(machine_list) == sorted([*before, mine, other])
    assert run_hpcrun("sandbox", "purge", "--name", NAMES[1]).returncode == 0
    assert names_in(machine_list) == sorted([*before, mine])
    assert run_uname(name, image, "n1") == "aarch64\n"

    state = read_running(places(name))
    assert state is not None
    os.kill(state.init.pid, signal.SIGKILL)
    assert mine in names_in(machine_list)
    assert run_hpcrun("sandbox", "down", "--name", name).returncode == 0
    assert names_in(machine_list) == before


def test_register_emulation_where_no_node_emulates_is_a_usage_error() -> None:
    done = run_hpcrun("sandbox", "up", "--name", NAMES[0], "--emulation", "none", OPTION)
    assert done.returncode == 64
    assert "leave one of the two out" in done.stderr
