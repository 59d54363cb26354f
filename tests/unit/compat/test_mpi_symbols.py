"""Symbols prove what a program can run on: all measured cells with a newer function; doubts."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.compat.mpi_abi import check_mpi_abi
from hpcrun.compat.need import find_mpi_need
from hpcrun.model.api_names import ApiNames
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.site import MpiStack
from hpcrun.model.verdict import Answer, Verdict
from tests.unit.planner.measured import image, library, mpich_image, user

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"
MPI_3 = ("MPI_Init", "MPI_Allreduce", "MPI_Comm_split", "PMPI_Send")
LARGE = ("MPI_Init", "MPI_Allreduce_c")


def recorded(name: str) -> StackFacts:
    """Return the passport of a host stack as it was read."""
    return StackFacts.model_validate_json((CORPUS / f"{name}-x86_64.stack.json").read_bytes())


def check(
    facts: ImageFacts, version: str, *, is_read: bool = True, family: str = "mpich"
) -> Verdict:
    stack_facts = recorded(f"{family}-{version}") if is_read else None
    stack = MpiStack.model_validate({"family": family, "version": version, "prefix": "/opt/mpi"})
    need = find_mpi_need(facts)
    return check_mpi_abi(facts, need, name="host", stack=stack, stack_facts=stack_facts)


def program(*symbols: str, soname: str = "libmpi.so.12", **more: Any) -> ImageFacts:
    return image(users=(user(soname, symbols=ApiNames.of(symbols), **more),))


# abi.md 0.1: a program that calls MPI_Allreduce_c, and one that keeps to MPI 3.
CELLS = {"3.4.3": NO, "4.1.3": OK, "4.3.2": OK, "5.0.2": OK, "2021.19.0": OK}


@pytest.mark.parametrize(("host", "answer"), CELLS.items())
def test_program_with_large_counts_runs_where_they_are_defined(host: str, answer: Answer) -> None:
    verdict = check(program(*LARGE), host)
    assert verdict.answer is answer
    if answer is NO:
        (reason,) = verdict.reasons
        assert (reason.code, "`MPI_Allreduce_c`" in reason.message) == ("HPR307", True)


@pytest.mark.parametrize("host", CELLS)
def test_program_of_mpi_3_runs_on_every_host(host: str) -> None:
    assert check(program(*MPI_3), host).answer is OK


def test_older_host_is_no_risk_where_all_symbols_are_there() -> None:
    facts = mpich_image("5.0.2", soname="libmpi.so.12")
    (before,) = facts.mpi_users
    proved = before.model_copy(update={"symbols": ApiNames.of(MPI_3)})
    assert [r.code for r in check(facts, "3.4.3").reasons] == ["HPR302"]
    assert check(facts.model_copy(update={"mpi_users": (proved,)}), "3.4.3").reasons == ()


def test_fortran_program_is_judged_by_c_names_where_the_host_has_no_fortran_library() -> None:
    names = ("mpi_init_", "mpi_brand_new_", "ompi_mpi_comm_world")
    facts = program(*names, soname="libmpi.so.40", companions=("libmpi_mpifh.so.40",))
    verdict = check(facts, "5.0.11", family="openmpi")
    assert (verdict.answer, verdict.refuses) == (UNKNOWN, False)
    assert [reason.code for reason in verdict.reasons] == ["HPR308"]


def test_fortran_program_is_judged_in_full_where_the_host_has_the_library() -> None:
    known = program("mpi_init_", companions=("libmpifort.so.12",))
    newer = program("mpi_brand_new_", companions=("libmpifort.so.12",))
    assert check(known, "2021.19.0").answer is OK
    assert check(newer, "2021.19.0").answer is NO


@pytest.mark.parametrize(
    ("symbols", "version", "said"),
    [
        (LARGE, "3.4.1", "lacks `MPI_Allreduce_c`"),
        (MPI_3, "3.4.1", "has them all"),
        (LARGE, "4.2.9", "has them all"),
    ],
)
def test_symbols_of_the_release_stand_in_for_a_passport_and_leave_it_unknown(
    symbols: tuple[str, ...], version: str, said: str
) -> None:
    verdict = check(program(*symbols), version, is_read=False)
    assert verdict.answer is UNKNOWN
    assert said in verdict.reasons[0].evidence[-1]
    assert "only its release is known" in verdict.reasons[0].message


def test_release_that_nobody_read_stays_unknown_without_a_guess() -> None:
    verdict = check(program(*LARGE), "9.9", is_read=False)
    assert verdict.answer is UNKNOWN
    assert "nothing was read" in verdict.reasons[0].message


def test_symbols_of_a_host_library_without_passport_prove_nothing() -> None:
    bare = StackFacts(prefix=Path("/opt"), libraries=(library("mpich", "3.4.3", "libmpi.so.12"),))
    facts = program(*LARGE)
    stack = MpiStack.model_validate({"family": "mpich", "version": "3.4.3", "prefix": "/opt"})
    verdict = check_mpi_abi(facts, find_mpi_need(facts), name="host", stack=stack, stack_facts=bare)
    assert verdict.answer is OK


def test_program_that_holds_its_mpi_cannot_be_given_the_hosts() -> None:
    own = library("mpich", "4.0.2", "static", path="/usr/bin/app")
    facts = image(own, users=(user("static", library="/usr/bin/app"),))
    verdict = check(facts, "5.0.2")
    assert (verdict.answer, [r.code for r in verdict.reasons]) == (NO, ["HPR203"])
    assert "linked in statically" in verdict.reasons[0].evidence[0]
    assert [lib.path for lib in find_mpi_need(facts).libraries] == ["/usr/bin/app"]
