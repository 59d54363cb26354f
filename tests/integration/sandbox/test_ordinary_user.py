"""The same without any rights: an ordinary user with a subordinate id range makes a sandbox."""

import hashlib
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import pytest

from hpcrun.sandbox.enter import find_running
from hpcrun.sandbox.places import Places, places
from tests.integration.sandbox.ordinary_user import (
    MAIN,
    OrdinaryUser,
    ask_parts,
    hand_over_cache,
    made_user,
)
from tests.integration.sandbox.test_images import MAKE_IMAGE
from tests.integration.sandbox.traces import list_files, look_at_machine
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(os.geteuid() != 0, reason="all other tests already run as ordinary user"),
]

# Not the user of another checkout, whose tests may run at the same time.
NAME = f"hpcrun-{hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]}"
OTHER = f"{NAME}-2"
SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/run/user")


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[OrdinaryUser]:
    """Return a user with a home folder that only the user may enter."""
    with made_user(NAME) as user:
        yield user


@pytest.fixture(scope="module")
def running(ordinary_user: OrdinaryUser) -> Iterator[OrdinaryUser]:
    with leaving_nothing(ordinary_user), started_by(ordinary_user):
        yield ordinary_user


@contextmanager
def leaving_nothing(user: OrdinaryUser) -> Iterator[None]:
    """See that the user, and those who are the user's inside, have the same files afterwards."""
    before = files_of(user)
    yield
    assert files_of(user) == before


def files_of(user: OrdinaryUser) -> list[str]:
    """List the home folder, but for what Python keeps of hpcrun's code, and what others share."""
    own = ask_parts(user)["uids"]
    home = [line for line in list_files(user.home) if not line.startswith("code/")]
    shared = [file for folder in SHARED if Path(folder).is_dir() for file in Path(folder).iterdir()]
    owners = {file: file.lstat().st_uid for file in shared if os.path.lexists(file)}
    return home + sorted(
        str(file)
        for file, owner in owners.items()
        if any(first <= owner < first + length for _, first, length in own)
    )


@contextmanager
def started_by(user: OrdinaryUser, *options: str) -> Iterator[None]:
    """Let the user have a sandbox running, and remove it and all that it is made of afterwards."""
    machine = look_at_machine(NAME)
    try:
        up = user.hpcrun("sandbox", "up", *options)
        assert up.returncode == 0, up.stderr
        yield
        assert machine == look_at_machine(NAME)
    finally:
        purge = user.hpcrun("sandbox", "purge", "--all")
    assert purge.returncode == 0, purge.stderr
    assert not user.state.exists()


def pid_of(user: OrdinaryUser, name: str = "sandbox") -> str:
    found = re.search(r'"pid": (\d+)', (user.state / name / "state.json").read_text())
    assert found is not None
    return found[1]


def test_job_is_the_caller_and_its_files_are_the_caller_s(running: OrdinaryUser) -> None:
    share = running.state / "sandbox" / "share"
    script = "echo $(hostname) $(id -u) $(id -un); echo made > made-on-$(hostname)"
    done = running.exec("srun", "-N2", "sh", "-c", script, folder=share)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [f"n1 1000 {NAME}", f"n2 1000 {NAME}"]
    for node in ("n1", "n2"):
        owner = (share / f"made-on-{node}").stat()
        assert (owner.st_uid, owner.st_gid) == (running.uid, running.gid)


def test_batch_job_runs_and_hpcrun_is_on_the_login_node(running: OrdinaryUser) -> None:
    share = running.state / "sandbox" / "share"
    wait = "sbatch --parsable --output=batch.out --wrap 'srun -N2 hostname' -N2 --wait"
    done = running.exec("sh", "-c", wait, folder=share)
    assert done.returncode == 0, done.stderr
    assert sorted((share / "batch.out").read_text().split()) == ["n1", "n2"]
    assert running.exec("hpcrun", "--version").stdout == running.hpcrun("--version").stdout


@pytest.mark.apptainer
def test_image_is_built_and_runs_on_both_nodes(running: OrdinaryUser) -> None:
    share = running.state / "sandbox" / "share"
    built = running.exec("sh", "-c", f"mkdir image && cd image && {MAKE_IMAGE}", folder=share)
    assert built.returncode == 0, built.stderr
    run = ("srun", "-N2", "apptainer", "exec", "image/tiny.sif", "/bin/hostname")
    done = running.exec(*run, folder=share)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["n1", "n2"]


def test_records_of_jobs_outlive_down_and_a_killed_box(
    running: OrdinaryUser, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--all-versions"):
        pytest.skip("in the long runs only (--all-versions): another root file system")
    name = ("--name", "records")
    up = ("sandbox", "up", *name, "--accounting", "--emulation", "none", "--nodes", "1")
    inside = ("sandbox", "exec", *name, "--")
    assert running.hpcrun(*up).returncode == 0
    batch = ("sbatch", "--parsable", "--wait", "--output=/dev/null", "--wrap", "true")
    done = running.hpcrun(*inside, *batch)
    assert done.returncode == 0, done.stderr
    asked = ("sacct", "-nPX", "-j", done.stdout.strip(), "-o", "state,exitcode,account")
    for end in ("down", "kill"):
        if end == "down":
            assert running.hpcrun("sandbox", "down", *name).returncode == 0
        else:
            os.kill(int(pid_of(running, "records")), signal.SIGKILL)
        again = running.hpcrun(*up)
        assert again.returncode == 0, again.stderr
        assert running.hpcrun(*inside, *asked).stdout == "COMPLETED|0:0|sandbox\n"
    assert running.hpcrun("sandbox", "purge", *name).returncode == 0
    assert not (running.state / "records").exists()


def test_root_inside_is_nobody_outside(running: OrdinaryUser) -> None:
    outside = Path("/var/tmp", f"{NAME}-only-root")
    outside.mkdir(mode=0o700)
    try:
        seen = running.hpcrun("sandbox", "exec", "--user", "root", "--", "ls", str(outside))
        assert seen.returncode != 0
        owner = Path("/proc", pid_of(running)).stat().st_uid
        assert owner not in {0, running.uid}
    finally:
        outside.rmdir()


@pytest.fixture(scope="module")
def other(running: OrdinaryUser) -> Iterator[OrdinaryUser]:
    """Return another user with a sandbox running, in a home folder that all may pass."""
    with made_user(OTHER, home_mode=0o755) as user, leaving_nothing(user):
        hand_over_cache(running, user)
        with started_by(user, "--emulation", "none"):
            yield user


def expect_out_of_reach(intruder: OrdinaryUser, where: Places, pid: str) -> None:
    """Neither its processes, nor its secrets, nor hpcrun's own commands are for the intruder."""
    for argv in (
        ("kill", "-0", pid),
        ("ls", f"/proc/{pid}/root/"),
        ("cat", f"/proc/{pid}/environ"),
        ("nsenter", "--target", pid, "--user", "--mount", "true"),
        ("cat", str(where.folder / "etc/slurm/slurm.key")),
        ("ls", str(where.folder / "slurmctld")),
        ("ls", str(where.folder / "nodes")),
        ("ls", str(where.home)),
        ("ls", str(where.cache)),
        ("touch", str(where.state_file)),
        ("touch", str(where.share / "file")),
    ):
        refused = intruder.run(*argv)
        assert refused.returncode != 0, argv
        assert re.search("not permitted|[Pp]ermission denied", refused.stderr), refused.stderr
    command = ("env", f"HPCRUN_SANDBOX_DIR={where.root}", intruder.python, "-c", MAIN, "sandbox")
    name = ("--name", where.name)
    for words in (("exec", *name, "--", "true"), *((verb, *name) for verb in ("down", "purge"))):
        refused = intruder.run(*command, *words)
        assert refused.returncode == 77, refused.stderr


def expect_sound(user: OrdinaryUser | Sandbox) -> None:
    done = user.exec("srun", "-N2", "hostname")
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["n1", "n2"]), done.stderr


def test_sandboxes_of_two_users_are_out_of_each_other_s_reach(
    running: OrdinaryUser, other: OrdinaryUser
) -> None:
    pids = {user: pid_of(user) for user in (running, other)}
    for user, intruder in permutations((running, other)):
        expect_out_of_reach(intruder, Places(user.state, "sandbox"), pids[user])
    for user in (running, other):
        expect_sound(user)
        assert pid_of(user) == pids[user]

    # Who ends one's own ends nobody else's.
    assert other.hpcrun("sandbox", "down").returncode == 0
    expect_sound(running)
    assert pid_of(running) == pids[running]


def test_root_s_sandbox_beside_it_is_out_of_reach_and_the_other_way_round(
    running: OrdinaryUser, sandbox: Sandbox
) -> None:
    theirs = places(sandbox.name)
    state = find_running(theirs)
    expect_out_of_reach(running, theirs, str(state.init.pid))

    for verb in ("status", "down", "purge"):
        refused = run_hpcrun("sandbox", verb, HPCRUN_SANDBOX_DIR=str(running.state))
        assert refused.returncode == 77, refused.stderr
        assert f"belongs to user {running.uid}" in refused.stderr

    expect_sound(sandbox)
    expect_sound(running)
    assert state == find_running(theirs)
