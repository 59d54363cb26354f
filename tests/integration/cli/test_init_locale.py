"""`hpcrun init` writes a job file as every reader takes it, wherever it runs."""

import os
import subprocess
import sys
from pathlib import Path

from hpcrun.loading import load_job

SCRIPT = "#!/bin/sh\nsrun -n 2 apptainer exec app.sif é\n"


def test_job_is_utf8_whatever_the_locale_is(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text(SCRIPT, encoding="utf-8")
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    argv = [sys.executable, "-m", "hpcrun", "init", "--from", "job.sh"]
    subprocess.run(argv, check=True, env={**os.environ, **environment}, cwd=tmp_path)
    assert load_job(tmp_path / "job.yaml").command == ("é",)
