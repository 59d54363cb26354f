"""An archive that cannot be reached may be tried again; one that has no such suite may not."""

from pathlib import Path

import pytest

from hpcrun.errors import MissingInputError, UnavailableError
from hpcrun.sandbox import rootfs
from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.machine import check_namespaces
from hpcrun.sandbox.progress import Silent
from hpcrun.sandbox.versions import SandboxVersion, default_version

pytestmark = pytest.mark.slurm

ROW = default_version()
NOWHERE = "http://127.0.0.1:9/debian"  # the port for discarding, where nothing listens


def build(version: SandboxVersion, folder: Path, *, mirror: str | None) -> None:
    maps = find_identity().maps
    check_namespaces(maps, folder)
    rootfs.build_root(version, maps, folder / "root", Silent(), mirror=mirror)


def test_archive_out_of_reach_is_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="is out of reach"):
        build(ROW, tmp_path, mirror=NOWHERE)


def test_suite_that_is_gone_names_the_row_and_what_to_do(tmp_path: Path, sandbox: object) -> None:
    assert sandbox
    gone = ROW.model_copy(update={"suite": "nosuchsuite"})
    with pytest.raises(MissingInputError, match="can no longer have Slurm") as refused:
        build(gone, tmp_path, mirror=rootfs.read_mirror())
    told = "\n".join(refused.value.help)
    assert f"row `{ROW.slurm}`" in told
    assert "suite `nosuchsuite`" in told
    assert "does not have a Release file" in told
