"""What a seminar of 2023 told of two clusters and two clouds stands in their profiles."""

from functools import cache

import pytest

from hpcrun import resources
from hpcrun.compat.pmi import PmiClient, check_pmi
from hpcrun.loading import load_site
from hpcrun.model.image import Family
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer
from tests.unit.planner.measured import ability


@cache
def site_of(name: str) -> Site:
    return load_site(resources.site_profiles_folder() / f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "version", "package"),
    [("jureca-dc", "1.2.4", "1.2.4-1.el8"), ("galileo100", "1.1.6", "1.1.6-1.el8")],
)
def test_images_are_run_and_not_built(name: str, version: str, package: str) -> None:
    site = site_of(name)
    assert (site.runtime.kind, site.runtime.version) == ("apptainer", version)
    assert package in str(site.sources["runtime.version"].source)
    assert site.images.build.allowed is False
    assert site.images.instead


@pytest.mark.parametrize(
    ("name", "kind"),
    [("jureca-dc", "infiniband"), ("galileo100", "infiniband"), ("galileo100-cloud", "ethernet")],
)
def test_network_has_100_gigabits(name: str, kind: str) -> None:
    nodes = [one for one in site_of(name).node_classes.values() if one.cpu != "unknown"]
    assert {(one.fabric.kind, one.fabric.gbit_s) for one in nodes} == {(kind, 100)}


def test_cloud_shares_processors_with_its_cluster_and_no_more() -> None:
    cluster, cloud = site_of("galileo100"), site_of("galileo100-cloud")
    assert cloud.node_classes["vm"].microarch == cluster.node_classes["thin"].microarch
    assert cloud.extends is None
    assert {"runtime.kind", "scheduler.kind"} <= set(cloud.unknowns)


def test_cloud_without_scheduler_says_so() -> None:
    site = site_of("surf-research-cloud")
    assert site.scheduler.kind == "none"
    assert (site.runtime.kind, site.runtime.others) == ("singularity", ("docker",))


def test_runtime_of_jureca_is_for_members_of_a_group() -> None:
    assert site_of("jureca-dc").runtime.group == "container"


@pytest.mark.parametrize(
    ("name", "srun_type", "code"),
    [
        ("galileo100", "pmix", "HPR401"),
        ("galileo100", "pmi2", "HPR401"),
        # The profile does not know the version of the server, and that alone is in doubt.
        ("jureca-dc", "pspmix", "HPR405"),
    ],
)
def test_open_mpi_5_is_started_where_pmix_is(name: str, srun_type: str, code: str) -> None:
    client = PmiClient(
        family=Family.OPENMPI, version="5.0.5", abilities=(ability("pmix", "5.0.3"),), found="lib"
    )
    verdict = check_pmi(client, srun_type, site_of(name))
    answer = Answer.INCOMPATIBLE if code == "HPR401" else Answer.UNKNOWN
    assert verdict.answer is answer
    assert {reason.code for reason in verdict.reasons} == {code}
