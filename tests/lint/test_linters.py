"""Format, lint, types and shell scripts are part of the tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL_SCRIPTS = sorted(
    p
    for folder in ("hpcrun", "examples", "tests", ".ci")
    for p in (ROOT / folder).rglob("*")
    if p.is_file() and (p.suffix == ".sh" or p.parent.name == ".ci")
)


def run(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    "argv",
    [("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",)],
    ids=["format", "lint", "types"],
)
def test_python_code_is_clean(argv: tuple[str, ...]) -> None:
    assert run(sys.executable, "-m", *argv) == ""


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("path", SHELL_SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_shell_script_is_clean(path: Path) -> None:
    assert run("shellcheck", "--external-sources", "--severity=info", str(path)) == ""
