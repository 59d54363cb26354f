"""Which pip a sandbox uses."""

import subprocess
from pathlib import Path

import pytest

from hpcrun.sandbox.wheels import find_pip


def test_pip_is_never_taken_from_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pip.py").write_text("print('a stranger')")
    monkeypatch.chdir(tmp_path)
    said = subprocess.run([*find_pip(), "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("pip ")
