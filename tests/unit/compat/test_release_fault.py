"""A fault of one release is told where the job would meet it, and nowhere else."""

import pytest

from hpcrun.compat.pmi import PmiClient
from hpcrun.compat.release_fault import check_release_fault
from hpcrun.model.image import Family
from hpcrun.model.nodes import NodeClass
from hpcrun.model.verdict import Answer
from tests.unit.planner.measured import site

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
TOLD = {"OMPI_MCA_btl_tcp_if_include": "eth0"}


@pytest.mark.parametrize(
    ("version", "kind", "n_nodes", "env", "answer"),
    [
        ("6.0.0rc2", "ethernet", 2, {}, NO),
        ("6.0.0rc2", "ethernet", 1, {}, OK),
        ("6.0.0rc2", "ethernet", 2, TOLD, OK),
        ("6.0.0rc2", "infiniband", 2, {}, OK),
        ("6.0.0rc2", "unknown", 2, {}, UNKNOWN),
        ("6.0.0", "ethernet", 2, {}, OK),
        ("5.0.7", "ethernet", 2, {}, OK),
        ("unknown", "ethernet", 2, {}, OK),
    ],
)
def test_fault_needs_its_release_its_network_and_two_nodes(
    version: str, kind: str, n_nodes: int, env: dict[str, str], answer: Answer
) -> None:
    client = PmiClient(Family.OPENMPI, version, abilities=(), found="lib")
    classes = {"compute": NodeClass.model_validate({"fabric": {"kind": kind}})}
    verdict = check_release_fault(client, site(), classes, n_nodes=n_nodes, n_ranks=2, job_env=env)
    assert verdict.answer is answer
    assert verdict.refuses is (answer is NO)


@pytest.mark.parametrize(
    ("device", "n_ranks", "answer"),
    [("ch4:ucx", 4, NO), ("ch4:ucx", 2, UNKNOWN), ("ch4:ofi", 4, OK), (None, 4, OK)],
)
def test_fault_of_some_builds_needs_their_device_and_is_sure_from_some_ranks_on(
    device: str | None, n_ranks: int, answer: Answer
) -> None:
    client = PmiClient(
        Family.MPICH, "4.0.2", abilities=(), found="lib", implementation="mpich", device=device
    )
    classes = {"compute": NodeClass.model_validate({"fabric": {"kind": "ethernet"}})}
    verdict = check_release_fault(client, site(), classes, n_nodes=2, n_ranks=n_ranks, job_env={})
    assert verdict.answer is answer
    assert verdict.refuses is (answer is NO)
