"""Guards for every test, and golden files; does not know any single test.

Tests under unit/, golden/ and property/ cannot start processes or open sockets; no test sees the
caller's Slurm, Apptainer or hpcrun settings, and none may leave the environment or the working
folder changed.
"""

import difflib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.images_fixture import *  # noqa: F403  session fixtures of the real cluster
from tests.mpi_tree_fixture import *  # noqa: F403
from tests.sandbox_fixture import *  # noqa: F403
from tests.two_workers import *  # noqa: F403
from tests.two_workers import put_in_order

HERE = Path(__file__).resolve().parent
PURE_FOLDERS = ("unit", "golden", "property")
FOREIGN_PREFIXES = ("SLURM", "SBATCH", "SRUN", "SQUEUE", "APPTAINER", "SINGULARITY", "HPCRUN_")
KEPT = ("HPCRUN_SANDBOX_DIR",)

Golden = Callable[[str, Path], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew (refused in CI)"
    )
    parser.addoption(
        "--fast", action="store_true", help="leave out what needs the real tools (inner loop)"
    )
    parser.addoption(
        "--all-versions", action="store_true", help="test every Slurm version of the sandbox"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused where CI is set")
    # A runner in the background ignores these, and all that it starts would ignore them too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        put_in_order(items)
    if not config.getoption("--fast"):
        return
    slow = {"slurm", "apptainer", "mpi", "package"}
    kept = [item for item in items if not slow & {mark.name for mark in item.iter_markers()}]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(autouse=True)
def _clean_surroundings(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Start each test without the caller's settings; end it with nothing changed."""
    environment, folder = settings_now(), Path.cwd()
    for name in list(os.environ):
        if name.startswith(FOREIGN_PREFIXES) and name not in KEPT:
            monkeypatch.delenv(name)
    for name, value in {"TZ": "UTC", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    if _is_pure(request.node.path):
        for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"):
            monkeypatch.setenv(name, str(tmp_path))
        monkeypatch.setattr(subprocess, "Popen", _refuse("starts a process"))
        monkeypatch.setattr(socket, "socket", _refuse("opens a socket"))
    yield
    # The test's own monkeypatch is this one: what it set goes here, what it set otherwise stays.
    monkeypatch.undo()
    assert settings_now() == environment
    assert folder == Path.cwd()


def settings_now() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


def _is_pure(path: Path) -> bool:
    return path.is_relative_to(HERE) and path.relative_to(HERE).parts[0] in PURE_FOLDERS


def _refuse(what: str) -> Callable[..., NoReturn]:
    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise AssertionError(f"a pure test {what}; move it to tests/integration")

    return refuse


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return a function that compares text with a golden file, byte for byte."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(actual: str, path: Path) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if actual != expected or not path.exists():
            diff = difflib.unified_diff(
                expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm=""
            )
            pytest.fail(
                f"{path.relative_to(HERE)} differs; look at it, then: "
                f"sh tests/run.sh pytest --update-golden {request.node.nodeid.split('[')[0]}\n"
                + "\n".join(diff),
                pytrace=False,
            )

    return compare
