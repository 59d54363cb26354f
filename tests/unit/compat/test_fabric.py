"""Which networks an image's MPI reaches, by the network libraries that it uses."""

from pathlib import Path

import pytest

from hpcrun.compat.fabric import check_fabric
from hpcrun.model.diagnostic import Severity
from hpcrun.model.image import ImageFacts
from hpcrun.model.verdict import Answer
from hpcrun.planner import plan_job
from hpcrun.tables.fabrics import fabrics
from tests.unit.planner.measured import SHARE, job, site

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"


def recorded(name: str) -> ImageFacts:
    facts = ImageFacts.model_validate_json((CORPUS / f"{name}.facts.json").read_bytes())
    return facts.model_copy(update={"path": SHARE / "app.sif"})


@pytest.mark.parametrize(
    ("image", "network", "is_reached"),
    [
        ("openmpi-5.0.7-x86_64", "infiniband", True),
        ("openmpi-5.0.7-x86_64", "omni-path", True),
        ("openmpi-5.0.7-x86_64", "slingshot", False),
        ("openmpi-5.0.7-x86_64", "efa", True),
        ("mpich-4.2.1-x86_64", "infiniband", True),
        ("mpich-4.2.1-x86_64", "slingshot", False),
        # Its UCX came without the transports for InfiniBand.
        ("mpich-5.0.2-x86_64", "infiniband", False),
        ("mpich-3.4.1-x86_64", "infiniband", False),
        ("mpich-3.4.1-x86_64", "ethernet", True),
        ("mpich-3.4.1-x86_64", "unknown", True),
    ],
)
def test_recorded_images(image: str, network: str, *, is_reached: bool) -> None:
    facts = recorded(image)
    here = site(node_classes={"compute": {"fabric": {"kind": network}}})
    verdict = check_fabric(facts, facts.mpi[0], here, here.node_classes, may_be_brought=False)
    assert verdict.answer is (Answer.COMPATIBLE if is_reached else Answer.INCOMPATIBLE)


@pytest.mark.parametrize(
    ("network", "library", "part"),
    [
        ("infiniband", "libfabric", "verbs-1.12"),
        ("infiniband", "libfabric", "mlx"),
        ("omni-path", "libfabric", "psmx2"),
        ("infiniband", "pscom", ""),
    ],
)
def test_providers_by_the_names_that_vendors_give_them(
    network: str, library: str, part: str
) -> None:
    assert fabrics().reaches(network, library, part)


@pytest.mark.parametrize(
    ("env", "expected"), [({}, Severity.ERROR), ({"LD_LIBRARY_PATH": "/opt"}, Severity.WARNING)]
)
def test_job_that_may_bring_the_network_along_is_only_warned(
    env: dict[str, str], expected: Severity
) -> None:
    described = site().node_classes["compute"].to_json() | {"fabric": {"kind": "infiniband"}}
    here = site(node_classes={"compute": described}, mpi_stacks={})
    wanted = job().model_copy(update={"env": env})
    made = plan_job(wanted, here, {"amd64": recorded("mpich-3.4.1-x86_64")}, {})
    assert [d.severity for d in made.diagnostics if d.code == "HPR321"] == [expected]
