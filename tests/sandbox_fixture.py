"""The real cluster for tests: one sandbox for the whole session, made from the shared cache.

It is named apart from anybody's own sandbox, and ends with the session unless it ran before. Where
several workers run the tests each has its own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpcrun.errors import ExitCode, HpcrunError

__all__ = ["sandbox", "shared_folder"]

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
# The first worker's is also that of a session without workers, so that one that runs is found.
NAME = {"gw0": "tests"}.get(_WORKER, f"tests-{_WORKER}")
_TIMEOUT_S = 300
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, as tests use it."""

    name: str
    share: Path
    profile: Path
    nodes: tuple[str, ...]
    user: str
    uid: int
    uid_outside: int

    @property
    def ssh_profile(self) -> Path:
        """The profile of the site that is this sandbox, reached by ssh."""
        return self.profile.with_name(f"{self.name}-ssh.yaml")

    @property
    def ssh_config(self) -> Path:
        """What tells ssh how to reach the login node."""
        return self.profile.parent.parent / "ssh" / "config"

    def exec(
        self,
        *argv: str,
        node: str = "login",
        stdin: str = "",
        folder: Path | None = None,
        user: str = "job",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, through `hpcrun sandbox exec` as a person would."""
        options = ("--name", self.name, "--node", node, "--user", user)
        return run_hpcrun("sandbox", "exec", *options, "--", *argv, stdin=stdin, folder=folder)

    def hpcrun(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run hpcrun on the login node."""
        return self.exec("hpcrun", *argv, folder=folder)


def run_hpcrun(
    *argv: str, stdin: str = "", folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this checkout's hpcrun outside, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from hpcrun.cli.main import main; raise SystemExit(main())", *argv],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        cwd=folder or CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        check=False,
    )


@contextmanager
def started(name: str, *options: str) -> Iterator[Sandbox]:
    """Start a sandbox besides that of the session, and end it unless it ran before.

    A suite of the archive that is gone, or has another Slurm by now, is skipped with its reason;
    an archive that cannot be reached fails in CI.
    """
    from hpcrun.sandbox import down, status
    from hpcrun.sandbox.enter import find_running
    from hpcrun.sandbox.identity import find_identity
    from hpcrun.sandbox.places import places

    ran_before = status(name).is_running
    done = run_hpcrun("sandbox", "up", "--name", name, *options)
    if done.returncode == ExitCode.NO_INPUT or (
        done.returncode == ExitCode.UNAVAILABLE and not os.environ.get("CI")
    ):
        pytest.skip(next(line for line in done.stderr.splitlines() if line.startswith("error:")))
    assert done.returncode == 0, done.stderr
    state = find_running(places(name))
    yield Sandbox(
        name=name,
        share=Path(state.share),
        profile=places(name).profile,
        nodes=state.nodes,
        user=state.user,
        uid=state.uid,
        uid_outside=find_identity().user.uid_outside,
    )
    if not ran_before:
        down(name)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Return the sandbox of the test session; without one the test is skipped, in CI it fails."""
    from hpcrun.sandbox import down, status, up
    from hpcrun.sandbox.identity import find_identity
    from hpcrun.sandbox.places import places
    from hpcrun.sandbox.wanted import Wanted

    ran_before = status(NAME).is_running
    try:
        state = up(NAME, Wanted.of(emulation="none", ssh=True))
        identity = find_identity()
    except HpcrunError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no sandbox here: {error.message}")
    yield Sandbox(
        name=NAME,
        share=Path(state.share),
        profile=places(NAME).profile,
        nodes=state.nodes,
        user=state.user,
        uid=state.uid,
        uid_outside=identity.user.uid_outside,
    )
    if not ran_before:
        down(NAME)


@pytest.fixture
def shared_folder(sandbox: Sandbox, request: pytest.FixtureRequest) -> Path:
    """Return an empty folder of the job user in the shared folder, named after the test."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name)
    folder = sandbox.share / name
    made = sandbox.exec("sh", "-c", 'rm -rf "$0" && mkdir "$0"', str(folder))
    assert made.returncode == 0, made.stderr
    return folder
