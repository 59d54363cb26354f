"""The images of the examples, made once per session into the shared folder of the test sandbox."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox_fixture import CHECKOUT, Sandbox

__all__ = ["images"]

NAMES = ("openmpi", "mpich", "nompi", "foreign")


@pytest.fixture(scope="session")
def images(sandbox: Sandbox) -> Mapping[str, Path]:
    """Return the SIF of every image of examples/images, by name, where all nodes see it."""
    recipe = CHECKOUT / "examples" / "images" / "build.py"
    made = subprocess.run(
        [sys.executable, recipe, "--sandbox", sandbox.name, *NAMES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return dict(zip(NAMES, map(Path, made.stdout.split()), strict=True))
