"""prepare.sh may be run by root, in a folder that belongs to the jobs' user."""

from pathlib import Path

import pytest

from tests.integration.examples.conftest import REGISTRATION, prepare
from tests.sandbox_fixture import Sandbox

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]


def test_prepare_follows_no_link_that_a_job_laid(
    sandbox: Sandbox, prepared: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("of the caller")
    (tmp_path / "bin").mkdir()
    name = "errors.py"
    laid = sandbox.exec("ln", "-sf", str(precious), str(prepared / name))
    assert laid.returncode == 0
    prepare(prepared, sandbox, tmp_path / "bin")
    assert precious.read_text() == "of the caller"
    assert (prepared / name).read_text() == (REGISTRATION / name).read_text()
