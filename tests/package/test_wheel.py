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
NOBODY = 65534

pytestmark = pytest.mark.package


def run(*argv: str | Path, cwd: Path, **kwargs: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, **kwargs)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done  # type: ignore[no-any-return]


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
    """Return a read-only prefix with the installed wheel, reachable by any user."""
    base = tmp_path_factory.mktemp("prefix")
    for folder in (base, *base.parents[:2]):
        folder.chmod(0o755)
    venv.create(base / "env", with_pip=True, symlinks=True)
    python = base / "env" / "bin" / "python"
    run(
        python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels, "hpcrun",
        cwd=base,
    )  # fmt: skip
    run("chmod", "-R", "a-w,a+rX", base / "env", cwd=base)
    yield base / "env"
    run("chmod", "-R", "u+w", base / "env", cwd=base)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    return tmp_path


def hpcrun(prefix: Path, elsewhere: Path, *arguments: str | Path) -> str:
    """Run the installed command; root, whom no mode bit stops, steps down first."""
    user = {"user": NOBODY, "group": NOBODY} if os.getuid() == 0 else {}
    done = run(prefix / "bin" / "hpcrun", *arguments, cwd=elsewhere, **user)
    return done.stdout


def test_installed_command_tells_its_version(prefix: Path, elsewhere: Path) -> None:
    assert hpcrun(prefix, elsewhere, "--version").split()[0] == "hpcrun,"


def test_installed_command_carries_pages(prefix: Path, elsewhere: Path) -> None:
    assert "floors" in hpcrun(prefix, elsewhere, "help", "architecture")


def test_installed_command_plans_with_shipped_profile_and_templates(
    prefix: Path, elsewhere: Path
) -> None:
    text = hpcrun(
        prefix, elsewhere, "plan", EXAMPLE / "job.yaml", "--site", EXAMPLE / "site.yaml",
        "--passport", EXAMPLE / "passport.json", "--json",
    )  # fmt: skip
    plan = json.loads(text)
    assert plan["chosen"]["srun_mpi"] == "pmix"
    assert len(plan["script_sha256"]) == len("0" * 64)
