"""Root inside is nobody outside, whoever started the sandbox: root above all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox.enter import BOX, InsideCommand, capture_inside
from hpcrun.sandbox.places import places
from hpcrun.sandbox.state import State, read_running
from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a sandbox as root")
NAME = "older"
# Opened, but not written.
OPEN = 'stat -c "%U %G" "$0"; (: >>"$0") && echo opened'


@pytest.fixture
def older() -> Iterator[str]:
    """Return the name of a sandbox that is not there."""
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    yield NAME
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0


def ids_of(sandbox: Sandbox) -> tuple[State, int]:
    state = read_running(places(sandbox.name))
    assert state is not None
    return state, Path("/proc", str(state.init.pid)).stat().st_uid


@pytest.mark.parametrize("file", ["kernel/core_pattern", "vm/overcommit_memory"])
def test_settings_of_the_machine_are_not_root_inside_s_to_change(
    sandbox: Sandbox, file: str
) -> None:
    done = sandbox.exec("sh", "-c", OPEN, f"/proc/sys/{file}", user="root")
    assert done.stdout == "nobody nogroup\n", done.stderr
    assert "Permission denied" in done.stderr


def test_processes_of_root_inside_belong_to_an_id_without_a_user(sandbox: Sandbox) -> None:
    _, owner = ids_of(sandbox)
    users = {int(line.split(":")[2]) for line in Path("/etc/passwd").read_text().splitlines()}
    assert owner not in {*users, sandbox.uid_outside}


@only_root
def test_files_of_the_machine_s_root_are_nobody_s_inside(
    sandbox: Sandbox, shared_folder: Path
) -> None:
    secret = shared_folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text("secret")
    script = 'stat -c %U "$0"; cat "$0"; chown root "$0"; chmod 666 "$0"; echo >>"$0"'
    done = sandbox.exec("sh", "-c", script, str(secret), user="root")
    assert done.stdout == "nobody\n", done.stderr
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("secret", 0o600)


@only_root
def test_what_sandboxes_share_is_written_by_no_root_inside(sandbox: Sandbox) -> None:
    for folder in ("/usr", "/opt/tools", "/opt/hpc"):
        script = 'mount -o remount,bind,rw "$0" || touch "$0/made"'
        done = sandbox.exec("sh", "-c", script, folder, user="root")
        assert done.returncode != 0, folder
        assert "Read-only file system" in done.stderr


@only_root
def test_what_is_read_out_here_is_written_by_no_root_inside(sandbox: Sandbox) -> None:
    state, _ = ids_of(sandbox)
    for name in ("settings.sh", "state.json", "app/hpcrun/errors.py", "inside/box.sh", "new"):
        argv = ("sh", "-c", ': >>"/run/box/state/$0"', name)
        code, said = capture_inside(state, InsideCommand(argv, node=BOX, as_root=True))
        assert (code, "Permission denied" in said) == (2, True), said


@only_root
def test_sandbox_whose_root_inside_was_another_is_taken_over(older: str) -> None:
    submit = ("sandbox", "exec", "--name", older, "--", "sbatch", "--parsable", "--wrap=true")
    ids = []
    for _ in range(2):
        up = run_hpcrun("sandbox", "up", "--name", older, "--emulation", "none")
        assert up.returncode == 0, up.stderr
        ids.append(int(run_hpcrun(*submit).stdout))
        assert run_hpcrun("sandbox", "down", "--name", older).returncode == 0
        for own in ("logs", "nodes", "slurmctld"):
            give_to_root(places(older).folder / own)
    assert ids[0] < ids[1]


def give_to_root(folder: Path) -> None:
    for here, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(Path(here, name), 0, 0, follow_symlinks=False)
