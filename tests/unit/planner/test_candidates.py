"""Candidates are all of them, each with a verdict that names its evidence; and laws of planning."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Partition
from hpcrun.model.plan import Plan
from hpcrun.planner import plan_job
from hpcrun.tables import rules
from tests.unit.planner.measured import IMAGES, STACKS, ability, image, job, library, site, user


def plan(facts: ImageFacts, here: dict[str, Any] | None = None, **wishes: Any) -> Plan:
    return plan_job(job(**wishes), site(**(here or {})), {"amd64": facts}, STACKS)


def test_candidates_are_every_combination_once() -> None:
    made = plan(IMAGES["debian13-openmpi-5.0.7"])
    launches: list[tuple[str, str | None]] = [
        ("srun", t) for t in ("none", "pmi2", "pmix", "pmix_v5")
    ]
    launches += [("mpirun", None), ("mpiexec", None)]
    models: list[tuple[str, str | None]] = [("hybrid", None), ("contained", None), ("none", None)]
    models += [("bind", stack) for stack in STACKS]
    expected = set(product(("native", "emulated"), models, launches))
    found = [
        (c.execution, (c.model, c.mpi_stack), (c.launcher, c.srun_mpi)) for c in made.candidates
    ]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_candidates_cover_every_image_variant() -> None:
    facts = IMAGES["debian13-openmpi-5.0.7"]
    made = plan_job(job(), site(), {"amd64": facts, "arm64": facts}, STACKS)
    counts = [sum(c.image_arch == arch for c in made.candidates) for arch in ("amd64", "arm64")]
    assert counts[0] == counts[1] == len(made.candidates) / 2


def test_candidates_include_none_and_the_wished_type_where_the_site_lacks_them() -> None:
    here = {"scheduler": {"mpi_types": ["pmi2"]}}
    made = plan(IMAGES["debian12-mpich-4.0.2"], here, mpi={"pmi": "pmix"})
    assert {c.srun_mpi for c in made.candidates} == {"pmi2", "pmix", "none", None}


def test_candidates_of_a_site_that_does_not_say_its_types_are_unknown() -> None:
    made = plan(IMAGES["debian12-mpich-4.0.2"], {"scheduler": {}})
    verdicts = {c.srun_mpi: c.verdict for c in made.candidates if _is_native_hybrid(c)}
    assert verdicts["pmi2"] == "unknown"


def test_candidates_take_the_types_that_the_profile_uses_where_not_all_are_known() -> None:
    here = {"scheduler": {"mpi_default": "pspmix"}}
    made = plan(IMAGES["debian13-openmpi-5.0.7"], here)
    types = [c.srun_mpi for c in made.candidates if _is_native_hybrid(c)]
    assert types == ["pspmix", "pmix", "pmi2", "none"]


def _is_native_hybrid(candidate: Any) -> bool:
    return (candidate.model, candidate.execution, candidate.launcher) == (
        "hybrid",
        "native",
        "srun",
    )


@pytest.mark.parametrize("name", IMAGES)
def test_every_verdict_that_is_not_compatible_names_a_rule_and_its_evidence(name: str) -> None:
    made = plan(IMAGES[name])
    for candidate in made.candidates:
        if candidate.verdict == "compatible":
            continue
        assert candidate.reasons
        for reason in candidate.reasons:
            assert reason.code in rules()
            assert any(reason.evidence), reason
            assert len(reason.message) <= 100, reason.message


@pytest.mark.parametrize("name", IMAGES)
def test_adding_a_partition_never_changes_plans_for_others(name: str) -> None:
    more = site().partitions | {"gpu": Partition(node_classes=("gpu",), nodes=8)}
    here = {
        "partitions": {key: value.to_json() for key, value in more.items()},
        "node_classes": {
            "compute": site().node_classes["compute"].to_json(),
            "gpu": {"arch": "aarch64"},
        },
    }
    assert plan(IMAGES[name], here) == plan(IMAGES[name])


KNOWN_OR_NOT = st.sampled_from(["unknown", "3.2.5", "4.1.4", "5.0.7", "6.1.0", "1.2", "rubbish"])
ABILITIES = st.one_of(
    st.just("unknown"),
    st.lists(
        st.builds(ability, st.sampled_from(["pmi1", "pmi2", "pmix"]), KNOWN_OR_NOT), max_size=3
    ),
)
LIBRARIES = st.builds(
    lambda family, version, soname, abilities: library(family, version, soname, pmi=abilities),
    st.sampled_from(["openmpi", "mpich", "mpi-abi", "unknown"]),
    KNOWN_OR_NOT,
    st.sampled_from(["libmpi.so.40", "libmpi.so.12", "libmpich.so.12", "libmpi_abi.so.1"]),
    ABILITIES,
)
USERS = st.builds(
    user,
    st.sampled_from(["libmpi.so.40", "libmpi.so.12", "libmpich.so.12", "run time"]),
    st.sampled_from(["/usr/bin/app", "/usr/bin/other", "/usr/lib/mpi4py/MPI"]),
)
IMAGE_FACTS = st.builds(
    lambda libraries, users, arch, glibc, is_complete: image(
        *libraries, users=tuple(users), arch=arch, glibc=glibc, is_complete=is_complete
    ),
    st.lists(LIBRARIES, max_size=3),
    st.lists(USERS, max_size=3),
    st.sampled_from(["x86_64", "aarch64", "unknown", "vax"]),
    st.sampled_from(["2.17", "2.36", "unknown"]),
    st.booleans(),
)
SCHEDULERS = st.fixed_dictionaries(
    {
        "mpi_types": st.one_of(
            st.just("unknown"),
            st.lists(st.sampled_from(["none", "pmi2", "pmix", "pmix_v4", "cray_shasta"])),
        ),
        "pmix": st.one_of(st.none(), st.fixed_dictionaries({"server": KNOWN_OR_NOT})),
        "version": KNOWN_OR_NOT,
    }
)


@settings(max_examples=60, deadline=None)
@given(facts=IMAGE_FACTS, scheduler=SCHEDULERS, n_tasks=st.sampled_from([1, 2, 4]))
def test_planning_never_crashes_and_never_rests_on_the_unknown(
    facts: ImageFacts, scheduler: dict[str, Any], n_tasks: int
) -> None:
    resources = {"nodes": min(n_tasks, 2), "tasks": n_tasks}
    made = plan(facts, {"scheduler": scheduler}, resources=resources)
    assert made == plan(facts, {"scheduler": scheduler}, resources=resources)
    if made.chosen is None:
        assert made.is_refused
        assert any(diagnostic.refuses for diagnostic in made.diagnostics)
    else:
        assert made.chosen.verdict == "compatible"
        assert not (n_tasks > 1 and made.chosen.srun_mpi == "none")


def test_host_s_own_launcher_is_a_candidate_of_each_stack_that_has_it() -> None:
    stacks = {n: s.to_json() | {"launchers": ["mpirun"]} for n, s in site().mpi_stacks.items()}
    stacks["openmpi-4.1.8"] |= {"launchers": ["mpirun", "mpiexec"]}
    made = plan(IMAGES["debian13-openmpi-5.0.7"], {"mpi_stacks": stacks})
    found = {
        launcher: [
            c.mpi_stack
            for c in made.candidates
            if (c.model, c.execution, c.launcher) == ("hybrid", "native", launcher)
        ]
        for launcher in ("mpirun", "mpiexec")
    }
    assert found == {"mpirun": list(STACKS), "mpiexec": ["openmpi-4.1.8"]}
