"""Sites that this hpcrun cannot reach are told apart from those that it can."""

from pathlib import Path

import pytest

from hpcrun.cli.wire import outside_of
from hpcrun.errors import UsageError
from hpcrun.model.site import Access, SchedulerFacts, Site

LOCAL = Site(version=1, name="fjord", file=Path("fjord.yaml"))


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (
            LOCAL.model_copy(update={"access": Access(is_stated=False)}),
            "the profile of site `fjord` does not say how to reach it",
        ),
        (
            LOCAL.model_copy(update={"access": Access(ssh="far")}),
            "site `fjord` is reached by ssh, which this hpcrun does not do",
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


@pytest.mark.parametrize("access", [Access(), Access(prefix=("enter",))])
def test_outside_of_a_site_within_reach_is_given(access: Access) -> None:
    assert outside_of(LOCAL.model_copy(update={"access": access})).clock is not None
