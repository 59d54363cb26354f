"""MPI's Fortran and C++ libraries beside the host's MPI: what was measured, and what follows."""

from typing import Any

import pytest

from hpcrun.compat.mpi_companions import check_companions
from hpcrun.model.fabric import FabricUse
from hpcrun.model.image import MpiLibrary
from hpcrun.model.mpi import MpiCompanion
from hpcrun.model.verdict import Answer
from tests.unit.planner.measured import image, library, user

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
FORTRAN, CXX = "libmpi_mpifh.so.40", "libmpi_cxx.so.40"


def _part(soname: str) -> MpiCompanion:
    return MpiCompanion(language="fortran", path=f"/lib/{soname}", soname=soname, evidence="there")


def _library(make: str, version: str, *companions: str, **more: Any) -> MpiLibrary:
    family, soname = (
        ("openmpi", "libmpi.so.40") if make == "open-mpi" else ("mpich", "libmpi.so.12")
    )
    parts = tuple(map(_part, companions))
    return library(family, version, soname, implementation=make, companions=parts, **more)


CASES = {
    # image, its version, host, its version, what the host has: answer
    "same-series": ("open-mpi", "4.1.0", "open-mpi", "4.1.8", (), OK),
    "same-series-5": ("open-mpi", "5.0.7", "open-mpi", "5.0.11", (), OK),
    "older-on-newer-series": ("open-mpi", "4.1.4", "open-mpi", "5.0.11", (), NO),
    "newer-on-older-series": ("open-mpi", "5.0.7", "open-mpi", "4.1.8", (), NO),
    "host-has-it": ("open-mpi", "4.1.4", "open-mpi", "5.0.11", (FORTRAN,), OK),
    "another-make": ("intel-mpi", "2021.14.2", "mpich", "4.3.2", (), NO),
    "mpich-of-another-series": ("mpich", "4.1.3", "mpich", "4.3.2", (), UNKNOWN),
    "host-not-told": ("open-mpi", "4.1.4", "open-mpi", "unknown", (), UNKNOWN),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fortran_library_of_the_image_fits_its_own_series(
    case: tuple[str, str, str, str, tuple[str, ...], Answer],
) -> None:
    make, version, host_make, host_version, offered, answer = case
    own = _library(make, version, FORTRAN)
    program = user(own.soname, companions=(FORTRAN,))
    host = _library(host_make, host_version, *offered)
    verdict = check_companions(image(own, users=(program,)), program, own, host, name="host")
    assert verdict.answer is answer
    assert verdict.refuses is (answer is NO)
    assert answer is OK or verdict.reasons[0].code == "HPR308"


@pytest.mark.parametrize(
    ("sonames", "answer", "code"),
    [
        (("libm.so.6",), NO, "HPR309"),
        (("libm.so.6", CXX), UNKNOWN, "HPR308"),
        ((), UNKNOWN, "HPR308"),
    ],
)
def test_library_that_neither_side_has(sonames: tuple[str, ...], answer: Answer, code: str) -> None:
    program = user("libmpi.so.40", companions=(CXX,))
    facts = image(users=(program,), sonames=sonames)
    verdict = check_companions(facts, program, None, _library("open-mpi", "5.0.11"), name="host")
    assert (verdict.answer, verdict.reasons[0].code) == (answer, code)


def _needing(version: str, interface: str | None) -> MpiLibrary:
    use = FabricUse(kind="libfabric", how="linked", interface_needed=interface, evidence="verneed")
    return _library("open-mpi", version, fabrics=(use,))


@pytest.mark.parametrize(
    ("image_version", "host_version", "host_needs", "answer"),
    [
        ("6.0.0rc2", "4.1.8", "FABRIC_1.7", NO),
        ("6.0.0rc2", "5.0.11", "FABRIC_1.9", OK),
        ("6.0.0rc2", "6.0.0", "FABRIC_1.7", OK),
        ("5.0.7", "4.1.8", "FABRIC_1.7", OK),
        ("6.0.0rc2", "unknown", "FABRIC_1.7", OK),
    ],
)
def test_open_mpi_6_brings_a_part_that_needs_its_libfabric(
    image_version: str, host_version: str, host_needs: str, answer: Answer
) -> None:
    own, host = _needing(image_version, "FABRIC_1.8"), _needing(host_version, host_needs)
    program = user("libmpi.so.40")
    verdict = check_companions(image(own, users=(program,)), program, own, host, name="host")
    assert verdict.answer is answer
