"""Sites that this hpcrun cannot reach are told apart from those that it can."""

from pathlib import Path

import pytest

from hpcrun.cli.wire import outside_of, outside_of_run
from hpcrun.errors import NotPermittedError, UsageError
from hpcrun.model.site import Access, SchedulerFacts, Site, SshAccess
from tests.unit.app.fakes import make_run

LOCAL = Site(version=1, name="fjord", file=Path("fjord.yaml"))


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (
            LOCAL.model_copy(update={"access": Access(is_stated=False)}),
            "the profile of site `fjord` does not say how to reach it",
        ),
        (
            LOCAL.model_copy(update={"scheduler": SchedulerFacts(kind="pbs")}),
            "site `fjord` has the scheduler `pbs`; hpcrun submits to Slurm",
        ),
    ],
)
def test_outside_of_a_site_out_of_reach_is_refused(site: Site, message: str) -> None:
    with pytest.raises(UsageError) as error:
        outside_of(site)
    assert error.value.message == message


@pytest.mark.parametrize(
    "access", [Access(), Access(prefix=("enter",)), Access(ssh=SshAccess(host="far"))]
)
def test_outside_of_a_site_within_reach_is_given(access: Access) -> None:
    assert outside_of(LOCAL.model_copy(update={"access": access})).clock is not None


def test_run_that_brings_its_profile_along_runs_no_command_of_it(tmp_path: Path) -> None:
    brought = tmp_path / "fjord.yaml"
    brought.write_text("version: 1\nname: fjord\naccess: {prefix: [enter]}\n")
    brought.chmod(0o644)
    run = make_run().model_copy(update={"profile": brought, "site": str(brought)})
    with pytest.raises(NotPermittedError, match="which names a command to run"):
        outside_of_run(run, None)
    # Without the file its site's name, which could be a path too, is all that is left.
    with pytest.raises(NotPermittedError, match="which names a command to run"):
        outside_of_run(run.model_copy(update={"profile": tmp_path / "absent.yaml"}), None)
    assert outside_of_run(run, str(brought)).clock is not None
