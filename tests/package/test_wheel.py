"""The built wheel, installed without network into a read-only prefix, works elsewhere."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "registration"

# Root steps down to where mode bits count for it too.
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()

pytestmark = pytest.mark.package


def run(*argv: str | Path, cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with hpcrun's wheel and those of all it needs."""
    folder = tmp_path_factory.mktemp("wheels")
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT,
        cwd=folder,
    )  # fmt: skip
    (wheel,) = folder.glob("hpcrun-*.whl")
    run(
        sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:",
        "--dest", folder, wheel, cwd=folder,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def prefix(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a read-only prefix with the installed wheel."""
    base = tmp_path_factory.mktemp("prefix")
    venv.create(base / "env", with_pip=True, symlinks=True)
    python = base / "env" / "bin" / "python"
    run(
        python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels, "hpcrun",
        cwd=base,
    )  # fmt: skip
    run("chmod", "-R", "a-w,a+rX", base / "env", cwd=base)
    yield base / "env"
    run("chmod", "-R", "u+w", base / "env", cwd=base)


def hpcrun(prefix: Path, elsewhere: Path, *arguments: str | Path) -> str:
    return run(*POWERLESS, prefix / "bin" / "hpcrun", *arguments, cwd=elsewhere)


def test_prefix_cannot_be_written_by_the_command(prefix: Path, tmp_path: Path) -> None:
    writer = "import pathlib, sys; pathlib.Path(sys.prefix, 'x').touch()"
    with pytest.raises(AssertionError, match="PermissionError"):
        run(*POWERLESS, prefix / "bin" / "python", "-c", writer, cwd=tmp_path)


def test_installed_command_tells_its_version(prefix: Path, tmp_path: Path) -> None:
    assert hpcrun(prefix, tmp_path, "--version").split()[0] == "hpcrun"


def test_installed_command_carries_pages(prefix: Path, tmp_path: Path) -> None:
    assert "floors" in hpcrun(prefix, tmp_path, "help", "architecture")


def test_installed_command_plans_with_shipped_profile_and_templates(
    prefix: Path, tmp_path: Path
) -> None:
    text = hpcrun(
        prefix, tmp_path, "plan", EXAMPLE / "job.yaml", "--site", EXAMPLE / "site.yaml",
        "--passport", EXAMPLE / "passport.json", "--json",
    )  # fmt: skip
    plan = json.loads(text)
    assert plan["chosen"]["srun_mpi"] == "pmix"
    assert len(plan["script_sha256"]) == len("0" * 64)
