"""Host libraries under an image's MPI: symbol versions, providers and the C library decide."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.compat.injection import (
    HostLibfabric,
    check_driver_injection,
    check_injection,
    host_libfabric,
    read_libfabric,
)
from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.image import ImageFacts, LibC, MpiLibrary, StackFacts
from tests.unit.planner.measured import image, library, site

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"


def image_on(interface: str | None, *, glibc: str = "2.36") -> tuple[ImageFacts, MpiLibrary]:
    """Return an image whose MPI needs a version of libfabric's symbols."""
    use = FabricUse(
        kind="libfabric", how="linked", evidence="its needs", interface_needed=interface
    )
    mpi = library("mpich", "4.3.2", "libmpi.so.12", fabrics=(use,))
    return image(mpi, glibc=glibc), mpi


def host(**changes: Any) -> HostLibfabric:
    told = HostLibfabric("the test", "1.22.0", "FABRIC_1.7", ("cxi", "tcp"), "2.31")
    return told._replace(**changes)


def codes(facts: ImageFacts, mpi: MpiLibrary, offered: HostLibfabric, network: str) -> list[str]:
    verdict = check_injection(facts, mpi, offered, network=network)
    kind = {"compatible": "", "incompatible": "no ", "unknown": "? "}[verdict.answer]
    return [f"{kind}{reason.code}" for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("needed", "offered", "network", "expected"),
    [
        ("FABRIC_1.6", host(), "slingshot", []),
        ("FABRIC_1.7", host(), "slingshot", []),
        ("FABRIC_1.8", host(), "slingshot", ["no HPR324"]),
        (None, host(), "slingshot", ["? HPR324"]),
        ("FABRIC_1.6", host(interface=None), "slingshot", ["? HPR324"]),
        ("FABRIC_1.6", host(), "efa", ["no HPR321"]),
        ("FABRIC_1.6", host(providers="unknown"), "slingshot", ["? HPR321"]),
        # Slingshot 10 is reached as InfiniBand.
        ("FABRIC_1.6", host(providers=("verbs", "ofi_rxm")), "infiniband", []),
        ("FABRIC_1.6", host(glibc="2.38"), "slingshot", ["? HPR311"]),
        ("FABRIC_1.6", host(glibc="unknown"), "slingshot", ["? HPR311"]),
    ],
)
def test_host_libfabric_under_an_mpi_of_an_image(
    needed: str | None, offered: HostLibfabric, network: str, expected: list[str]
) -> None:
    facts, mpi = image_on(needed)
    assert codes(facts, mpi, offered, network) == expected


def test_mpi_without_libfabric_cannot_take_the_hosts() -> None:
    mpi = library("openmpi", "4.1.8", "libmpi.so.40")
    assert codes(image(mpi), mpi, host(), "slingshot") == ["no HPR321"]


def test_musl_takes_no_library_of_the_host() -> None:
    facts, mpi = image_on("FABRIC_1.6")
    musl = facts.model_copy(update={"libc": LibC(kind="musl", version="1.2.5")})
    assert codes(musl, mpi, host(), "slingshot") == ["no HPR311"]


@pytest.mark.parametrize(
    ("version", "interface"),
    [
        ("1.12.1.2.2.0.0", "FABRIC_1.4"),
        ("1.15.2.0", "FABRIC_1.6"),
        ("2.3.1", "FABRIC_1.8"),
        ("unknown", None),
    ],
)
def test_profile_tells_the_symbols_by_the_release(version: str, interface: str | None) -> None:
    node = {"fabric": {"kind": "slingshot", "libraries": {"libfabric": version}}}
    here = site(node_classes={"compute": node})
    told = host_libfabric(here, "compute", here.node_classes["compute"])
    assert (told.version, told.interface) == (version, interface)


def test_passport_of_a_stack_tells_more_than_a_profile() -> None:
    stack = StackFacts.model_validate_json((CORPUS / "mpich-5.0.2-x86_64.stack.json").read_bytes())
    (libfabric,) = (each for each in stack.fabrics if each.kind == "libfabric")
    told = read_libfabric(libfabric, glibc="2.17")
    facts, mpi = image_on("FABRIC_1.8")
    assert told.interface == "FABRIC_1.9"
    assert codes(facts, mpi, told, "efa") == []
    assert codes(facts, mpi, told, "slingshot") == ["no HPR321"]


@pytest.mark.parametrize(("private", "expected"), [(34, []), (25, ["HPR323"]), (None, ["HPR322"])])
def test_drivers_of_the_host_under_libibverbs_of_an_image(
    private: int | None, expected: list[str]
) -> None:
    verbs = FabricLibrary(
        kind="verbs",
        path="/usr/lib/libibverbs.so.1",
        soname="libibverbs.so.1",
        private=f"IBVERBS_PRIVATE_{private}",
        evidence="its name",
    )
    facts = image(fabrics=(verbs,) if private else ())
    verdict = check_driver_injection(facts, private=34, found="libmlx5-rdmav34.so of the host")
    assert [reason.code for reason in verdict.reasons] == expected
