"""Which MPI library works under which emulator: every measured pair, and what is unknown."""

import pytest

from hpcrun.compat.emulation import check_emulated_mpi
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.image import Family
from hpcrun.model.nodes import Emulation, NodeClass
from hpcrun.model.verdict import Answer, Verdict
from tests.unit.planner.measured import image, site

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
FACTS = image(declared_arch="aarch64", program_archs={"aarch64": 9})

PAIRS = {
    ("qemu-user", "7.2.22", "openmpi", "5.0.7"): OK,
    ("qemu-user", "7.2.22", "openmpi", "4.1.4"): OK,
    ("qemu-user", "7.2.22", "mpich", "4.2.1"): OK,
    ("qemu-user", "10.0.2", "openmpi", "5.0.7"): OK,
    ("qemu-user", "10.0.3", "openmpi", "5.0.7"): UNKNOWN,
    ("qemu-user", "10.0.12", "openmpi", "5.0.7"): UNKNOWN,
    ("qemu-user", "10.0.13", "openmpi", "5.0.7"): NO,
    ("qemu-user", "10.0.14", "openmpi", "5.0.7"): UNKNOWN,
    ("qemu-user", "10.0.13", "openmpi", "4.1.4"): UNKNOWN,
    ("qemu-user", "11.1.3", "openmpi", "5.0.7"): NO,
    ("qemu-user", "11.1.4", "openmpi", "5.0.7"): UNKNOWN,
    ("qemu-aarch64-static", "10.0.13", "openmpi", "5.0.7"): NO,
    ("qemu-user", "10.0.13", "mpich", "4.2.1"): OK,
    ("qemu-user", "unknown", "openmpi", "5.0.7"): UNKNOWN,
    ("qemu-user", "10.0.13", "openmpi", "unknown"): UNKNOWN,
    ("qemu-user", "7.2.22", "openmpi", "unknown"): OK,
    ("fex", "2511", "openmpi", "5.0.7"): OK,
}


def client(family: Family, version: str) -> PmiClient:
    return PmiClient(family=family, version=version, abilities=(), found="lib")


def check(emulator: str, emulator_version: str, family: str, version: str) -> Verdict:
    handler = Emulation(arch="aarch64", emulator=emulator, version=emulator_version, flags="F")
    other = Emulation(arch="riscv64", emulator="qemu-user", version="10.0.13", flags="F")
    nodes = {"compute": NodeClass(arch="x86_64", emulation=(other, handler))}
    return check_emulated_mpi(client(Family(family), version), FACTS, site(), nodes)


@pytest.mark.parametrize(("pair", "answer"), PAIRS.items(), ids=["-".join(pair) for pair in PAIRS])
def test_emulated_mpi_library_under_an_emulator(
    pair: tuple[str, str, str, str], answer: Answer
) -> None:
    assert check(*pair).answer is answer


def test_emulated_library_that_fails_is_named_with_its_emulator() -> None:
    reason = check("qemu-user", "10.0.13", "openmpi", "5.0.7").reasons[0]
    assert reason.code == "HPR604"
    assert reason.message == (
        "Open MPI 5.0.7 fails under `qemu-user` 10.0.13: its first message never arrives"
    )
    assert reason.evidence[0] == "lib"
    assert "node_classes.compute.emulation" in reason.evidence[1]


def test_emulated_library_on_nodes_whose_handlers_are_unknown_is_not_judged() -> None:
    nodes = {"compute": NodeClass(arch="x86_64")}
    library = client(Family.OPENMPI, "5.0.7")
    assert check_emulated_mpi(library, FACTS, site(), nodes).answer is OK
