"""The same without any rights: an ordinary user with a subordinate id range makes a sandbox."""

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from hpcrun.sandbox.enter import find_running
from hpcrun.sandbox.places import places
from tests.integration.sandbox.test_images import MAKE_IMAGE
from tests.integration.sandbox.traces import look_at_machine
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(os.geteuid() != 0, reason="all other tests already run as ordinary user"),
]

NAME = "hpcrun-test"
MAIN = "from hpcrun.cli.main import main; raise SystemExit(main())"
INHERITED = re.compile(r"PIP_\w+|\w+_proxy|SSL_CERT_\w+|REQUESTS_CA_BUNDLE", re.IGNORECASE)


@dataclass(frozen=True)
class OrdinaryUser:
    """Somebody else on this machine, who has hpcrun in the home folder."""

    uid: int
    gid: int
    home: Path
    python: str

    @property
    def state(self) -> Path:
        return self.home / "state"

    def run(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {name: text for name, text in os.environ.items() if INHERITED.fullmatch(name)}
        environment |= {
            "HOME": str(self.home),
            "USER": NAME,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self.home / "code"),
            "HPCRUN_SANDBOX_DIR": str(self.state),
        }
        return subprocess.run(
            [*_as_user(self.uid, self.gid), *argv],
            env=environment,
            cwd=folder or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def hpcrun(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.run(self.python, "-c", MAIN, *argv, folder=folder)

    def exec(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.hpcrun("sandbox", "exec", "--", *argv, folder=folder)


def _as_user(uid: int, gid: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--")


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[OrdinaryUser]:
    """Make a user with a home folder that only the user may enter, and remove both afterwards."""
    home = Path("/var/tmp", NAME)
    subprocess.run(["userdel", NAME], capture_output=True, check=False)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run(["useradd", "--create-home", "--home-dir", str(home), NAME], check=True)
    try:
        found = pwd.getpwnam(NAME)
        home.chmod(0o700)
        _lay_out_code(home / "code")
        for here, _, files in os.walk(home):
            for path in (Path(here), *(Path(here, name) for name in files)):
                os.chown(path, found.pw_uid, found.pw_gid)
        python = _find_python(found.pw_uid, found.pw_gid)
        yield OrdinaryUser(found.pw_uid, found.pw_gid, home, python)
    finally:
        shutil.rmtree(home)
        subprocess.run(["userdel", NAME], check=True)


def _lay_out_code(target: Path) -> None:
    """Copy hpcrun and what it needs, as this user's Python may lie where nobody else can go."""
    for name in ("hpcrun", "templates", "site_profiles"):
        shutil.copytree(CHECKOUT / name, target / name)
    shutil.copy(CHECKOUT / "pyproject.toml", target)
    import tomllib

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for name in _with_needs({"pip", *map(_bare, project["dependencies"])}):
        for file in metadata.distribution(name).files or ():
            source, place = Path(str(file.locate())), target / file
            if ".." not in file.parts and source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)


def _with_needs(names: set[str]) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        needs = metadata.requires(name) or ()
        names |= {_bare(need) for need in needs if "extra ==" not in need} - found
        names = {each for each in names if _is_installed(each)}
    return found


def _bare(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _find_python(uid: int, gid: int) -> str:
    """Find a Python like this one that the user may run."""
    ask = "import sys; print(sys.version_info[:2])"
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info[1]}")
    for candidate in (str(base), "/usr/bin/python3"):
        # The shell has lost root's rights when it looks for the program, setpriv has not.
        argv = [*_as_user(uid, gid), "sh", "-c", 'exec "$0" -c "$1"', candidate, ask]
        told = subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False)
        if told.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    pytest.skip("no Python of this version that another user may run")


@pytest.fixture(scope="module")
def running(ordinary_user: OrdinaryUser) -> Iterator[OrdinaryUser]:
    """Return the user with a sandbox running; afterwards nothing of it is left."""
    machine = look_at_machine(NAME)
    try:
        up = ordinary_user.hpcrun("sandbox", "up")
        assert up.returncode == 0, up.stderr
        yield ordinary_user
        assert machine == look_at_machine(NAME)
    finally:
        purge = ordinary_user.hpcrun("sandbox", "purge", "--all")
    assert purge.returncode == 0, purge.stderr
    assert not ordinary_user.state.exists()


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


def test_root_inside_is_nobody_outside(running: OrdinaryUser) -> None:
    outside = Path("/var/tmp", f"{NAME}-only-root")
    outside.mkdir(mode=0o700)
    try:
        seen = running.hpcrun("sandbox", "exec", "--user", "root", "--", "ls", str(outside))
        assert seen.returncode != 0
        init = Path(running.state, "sandbox", "state.json").read_text()
        pid = re.search(r'"pid": (\d+)', init)
        assert pid is not None
        owner = Path("/proc", pid[1]).stat().st_uid
        assert owner not in {0, running.uid}
    finally:
        outside.rmdir()


def test_root_s_sandbox_beside_it_is_out_of_reach_and_the_other_way_round(
    running: OrdinaryUser, sandbox: Sandbox
) -> None:
    theirs = places(sandbox.name)
    state = find_running(theirs)
    pid = str(state.init.pid)
    for argv in (
        ("kill", "-0", pid),
        ("ls", f"/proc/{pid}/root/"),
        ("nsenter", "--target", pid, "--user", "--mount", "true"),
        ("ls", str(theirs.folder / "slurmctld")),
        ("touch", str(theirs.state_file)),
    ):
        refused = running.run(*argv)
        assert refused.returncode != 0, argv
    command = ("env", f"HPCRUN_SANDBOX_DIR={theirs.root}", running.python, "-c", MAIN, "sandbox")
    for words in (("exec", "--name", sandbox.name, "--", "true"), ("down", "--name", sandbox.name)):
        refused = running.run(*command, *words)
        assert refused.returncode in {69, 77}, refused.stderr

    for verb in ("status", "down", "purge"):
        refused = run_hpcrun("sandbox", verb, HPCRUN_SANDBOX_DIR=str(running.state))
        assert refused.returncode == 77, refused.stderr
        assert f"belongs to user {running.uid}" in refused.stderr

    for done in (sandbox.exec("srun", "-N2", "hostname"), running.exec("srun", "-N2", "hostname")):
        assert (done.returncode, sorted(done.stdout.split())) == (0, ["n1", "n2"]), done.stderr
    assert state == find_running(theirs)
