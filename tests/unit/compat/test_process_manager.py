"""Whom mpirun and mpiexec serve: every cell measured on one node, and what follows for others."""

from typing import Any

import pytest

from hpcrun.compat.pmi import PmiClient
from hpcrun.compat.process_manager import (
    Manager,
    check_daemons,
    check_launcher_there,
    check_managed,
)
from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer, Force, Verdict
from hpcrun.planner.managers import stack_manager, stacks_with
from hpcrun.planner.question import gather
from hpcrun.tables.process_managers import process_managers
from tests.unit.planner.measured import IMAGES, ability, job, site

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
ALONE = "each rank would run alone"
EITHER = "its ranks would stop or run alone"
STOPS = "every rank would stop in MPI_Init"
PMI_1 = (ability("pmi1"),)
PMI_2 = (ability("pmi1"), ability("pmi2"))


def _openmpi(version: str, pmix: str) -> PmiClient:
    return PmiClient(
        family=Family.OPENMPI,
        version=version,
        abilities=(ability("pmix", pmix),),
        found=f"Open MPI {version}",
        implementation="open-mpi",
    )


def _mpich(version: str, make: str = "mpich", **more: Any) -> PmiClient:
    known = PmiClient(
        family=Family.MPICH,
        version=version,
        abilities=PMI_1 if make == "intel-mpi" or version < "4.2" else PMI_2,
        found=f"{make} {version}",
        implementation=make,
    )
    return known._replace(**more)


def _manager(make: str, version: str, pmix: str = "unknown") -> Manager:
    return Manager(
        launcher="mpirun",
        of=f"{make} {version}",
        rows=process_managers().of(make, None if version == "unknown" else version),
        version=version,
        pmix=pmix,
        found=f"bin/mpirun of {make} {version}",
    )


INTEL = ("2021.10.0", "2021.19.0")
MPICHS = ("3.4.3", "4.1.3", "4.3.2", "5.0.2")
OPENMPI_4 = ("open-mpi", "4.1.8", "3.2.5a1")
OPENMPI_5 = ("open-mpi", "5.0.11", "5.0.11rc1")

# Launcher, library in the process, and what really happened (None: the ranks found each other).
MEASURED: list[tuple[tuple[str, ...], PmiClient, str | None]] = [
    *((("mpich", m), _mpich(c), None) for m in MPICHS for c in MPICHS),
    *((("intel-mpi", m), _mpich(c), None) for m in INTEL for c in MPICHS),
    *((("intel-mpi", m), _mpich(c, "intel-mpi"), None) for m in INTEL for c in INTEL),
    *((("mpich", m), _mpich(c, "intel-mpi"), None) for m in MPICHS for c in INTEL),
    *((("mpich", m), _openmpi("4.1.8", "3.2.5a1"), EITHER) for m in MPICHS),
    *((("mpich", m), _openmpi("5.0.11", "5.0.11rc1"), ALONE) for m in MPICHS),
    *((m, _mpich("3.4.3"), ALONE) for m in (OPENMPI_4, OPENMPI_5)),
    *((m, _mpich(c, "intel-mpi"), ALONE) for m in (OPENMPI_4, OPENMPI_5) for c in INTEL),
    *((m, _mpich(c), STOPS) for m in (OPENMPI_4, OPENMPI_5) for c in MPICHS[2:]),
    (OPENMPI_4, _openmpi("4.1.8", "3.2.5a1"), None),
    (OPENMPI_5, _openmpi("5.0.11", "5.0.11rc1"), None),
    (OPENMPI_4, _openmpi("5.0.11", "5.0.11rc1"), None),
    (OPENMPI_4, _openmpi("4.1.0", "4.0.0rc3"), None),
    (OPENMPI_4, _openmpi("4.1.4", "4.2.2rc2"), None),
    (OPENMPI_4, _openmpi("6.0.0rc2", "7.0.0rc1"), None),
    (OPENMPI_5, _openmpi("5.0.7", "5.0.7a1"), None),
    (OPENMPI_5, _openmpi("6.0.0rc2", "7.0.0rc1"), None),
    (OPENMPI_5, _openmpi("4.1.8", "3.2.5a1"), EITHER),
    (OPENMPI_5, _openmpi("4.1.4", "4.2.2rc2"), EITHER),
    (OPENMPI_5, _openmpi("4.1.0", "4.0.0rc3"), EITHER),
]


def _id(value: object) -> str:
    return "-".join(value[:2]) if isinstance(value, tuple) and len(value) < 4 else str(value)


@pytest.mark.parametrize(
    ("launcher", "client", "outcome"),
    MEASURED,
    ids=[f"{'-'.join(m[:2])} starts {c.found}" for m, c, _ in MEASURED],
)
def test_measured_launcher_has_its_answer(
    launcher: tuple[str, ...], client: PmiClient, outcome: str | None
) -> None:
    verdict = check_managed(client, _manager(*launcher))
    assert verdict.answer is (OK if outcome is None else NO)
    if outcome is not None:
        assert verdict.reasons[0].message.endswith(outcome)


def reasons(verdict: Verdict) -> str:
    return " ".join(line for reason in verdict.reasons for line in reason.evidence)


@pytest.mark.parametrize(("make", "is_silent"), [("intel-mpi", True), ("mpich", False)])
def test_silent_failure_is_told_as_such(make: str, is_silent: bool) -> None:
    verdict = check_managed(_mpich("4.3.2", make), _manager(*OPENMPI_5))
    assert ("exit code 0" in reasons(verdict)) is is_silent


def test_library_that_speaks_pmix_alone_runs_alone_under_hydra() -> None:
    linked = _mpich("4.2.0", abilities=(ability("pmix", "5.0.1"),))
    assert check_managed(linked, _manager("mpich", "4.2.0")).answer is NO


def test_cray_launcher_may_serve_mpich_and_never_serves_open_mpi() -> None:
    pals = _manager("cray-mpich", "8.1.27")
    assert check_managed(_mpich("3.4.3"), pals).answer is UNKNOWN
    assert check_managed(_mpich("8.1.27", "cray-mpich"), pals).answer is UNKNOWN
    assert check_managed(_openmpi("4.1.8", "3.2.5a1"), pals).answer is NO


# Where a version is not known, what holds for all of them is still known.
OPEN = [
    (("open-mpi", "unknown"), _mpich("3.4.3"), NO),
    (("open-mpi", "unknown"), _openmpi("4.1.8", "3.2.5a1"), UNKNOWN),
    (("open-mpi", "unknown"), _openmpi("5.0.11", "5.0.11"), UNKNOWN),
    (OPENMPI_5, _openmpi("unknown", "5.0.11"), UNKNOWN),
    (("mpich", "unknown"), _mpich("unknown"), OK),
    (("mpich", "unknown"), _mpich("2021.19.0", "intel-mpi"), OK),
    (("mpich", "4.1.3"), _mpich("4.1.3", abilities="unknown"), UNKNOWN),
    (("nobody", "1.0"), _mpich("4.1.3"), UNKNOWN),
]


@pytest.mark.parametrize(("launcher", "client", "answer"), OPEN)
def test_what_is_not_known_is_judged_as_far_as_it_goes(
    launcher: tuple[str, ...], client: PmiClient, answer: Answer
) -> None:
    assert check_managed(client, _manager(*launcher)).answer is answer


def test_open_mpi_1_serves_its_own_release_alone() -> None:
    old = _manager("open-mpi", "1.10.7")
    assert check_managed(_openmpi("1.10.7", "unknown"), old).answer is OK
    assert check_managed(_openmpi("1.10.6", "unknown"), old).answer is NO
    assert check_managed(_openmpi("unknown", "unknown"), old).answer is UNKNOWN


STACK = {"family": "openmpi", "version": "4.1.8", "prefix": "/opt/x", "launchers": ["mpirun"]}


def _stack(**more: Any) -> Manager:
    here = site(mpi_stacks={"x": STACK | more})
    question = gather(job(), here, {"amd64": IMAGES["debian12-openmpi-4.1.4"]}, {})
    assert stacks_with(question, "mpirun") == ("x",)
    return stack_manager(question, "x", "mpirun")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, (["orte"], "4.1.8", "3.2.5a1")),
        ({"implementation": "Open MPI of AWS", "version": "5.0.3"}, (["prrte"], "5.0.3", "5.0.2")),
        (
            {"implementation": "HPC-X", "version": "2.19"},
            (["orte-1", "orte", "prrte"], "unknown", "unknown"),
        ),
        (
            {"implementation": "Cray MPICH", "family": "mpich", "version": "8.1.27"},
            (["pals"], "8.1.27", "unknown"),
        ),
        (
            {"implementation": "Intel MPI", "family": "mpich", "version": "unknown"},
            (["intel-hydra"], "unknown", "unknown"),
        ),
        ({"family": "mpich", "version": "4.1"}, ([], "4.1", "unknown")),
    ],
)
def test_manager_of_a_stack_is_told_by_the_profile(
    told: dict[str, Any], expected: tuple[list[str], str, str]
) -> None:
    found = _stack(**told)
    assert ([row.id for row in found.rows], found.version, found.pmix) == expected


@pytest.mark.parametrize(
    ("launchers", "stack", "code"),
    [
        ({}, "x", None),
        ({"mpirun": {"works": False, "note": "switched off"}}, "x", "HPR410"),
        ({"mpirun": {"works": True}}, None, "HPR411"),
        ({}, None, "HPR410"),
    ],
)
def test_launcher_is_there_where_the_profile_says_so(
    launchers: dict[str, Any], stack: str | None, code: str | None
) -> None:
    here = site(launchers=launchers, mpi_stacks={"x": STACK})
    verdict = check_launcher_there(here, "mpirun", stack)
    assert [reason.code for reason in verdict.reasons] == ([code] if code else [])


@pytest.mark.parametrize(
    ("manager", "launchers", "n_nodes", "answer"),
    [
        (_manager("mpich", "4.3.2"), {}, 2, OK),
        (_manager(*OPENMPI_4), {}, 2, UNKNOWN),
        (_manager(*OPENMPI_4), {}, 1, OK),
        (_manager(*OPENMPI_4), {"mpirun": {"works": True}}, 2, OK),
        (_manager("nobody", "1"), {}, 2, UNKNOWN),
    ],
)
def test_daemons_reach_other_nodes_where_anything_tells_so(
    manager: Manager, launchers: dict[str, Any], n_nodes: int, answer: Answer
) -> None:
    verdict = check_daemons(manager, site(launchers=launchers), n_nodes=n_nodes)
    assert verdict.answer is answer
    assert not verdict.refuses
    assert answer is OK or verdict.force is Force.SKIPS
