"""Where the cluster cannot be made, quickstart says why and shows what it would run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.sandbox_fixture import CHECKOUT

TOOLS = ("sh", "dirname", "id", "cksum", "cat", "rm")


def test_quickstart_without_its_tools_names_them_and_shows_plan_and_script(tmp_path: Path) -> None:
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    # The real one: a version manager's stand-in would look for tools of its own.
    (tmp_path / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    done = subprocess.run(
        ["sh", CHECKOUT / "examples" / "quickstart.sh"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert "sudo apt-get install --no-install-recommends mmdebstrap uidmap" in done.stderr
    assert "the cluster cannot be made here" in done.stderr
    assert "hybrid model by `srun --mpi=pmix`" in done.stdout
    assert "#SBATCH --ntasks=4" in done.stdout
