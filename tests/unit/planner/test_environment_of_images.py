"""What an image sets itself, and what a library of the standard ABI is inside: plans heed both."""

from typing import Any

import pytest

from hpcrun.model.image import ImageFacts
from hpcrun.model.plan import Plan
from hpcrun.planner import plan_job
from tests.unit.planner.measured import (
    IMAGES,
    STACKS,
    ability,
    image,
    job,
    library,
    mpich_image,
    site,
    user,
)


def plan(facts: ImageFacts, **wishes: Any) -> Plan:
    return plan_job(job(**wishes), site(), {"amd64": facts}, STACKS)


def variables(made: Plan) -> dict[str, str]:
    return {name: item.value for name, item in made.environment.items()}


def setting(facts: ImageFacts, **variables: str) -> ImageFacts:
    """Return an image that sets variables."""
    container = facts.container.model_copy(update={"environment": variables})
    return facts.model_copy(update={"container": container})


def standard_abi(implementation: str, version: str, *kinds: str) -> ImageFacts:
    abilities = (ability(kind, "5.0.7") for kind in kinds)
    lib = library("mpi-abi", version, "libmpi_abi.so.1", *abilities, implementation=implementation)
    return image(lib, users=(user("libmpi_abi.so.1"),))


def test_standard_abi_of_mpich_reads_no_other_ranks_memory_either() -> None:
    made = plan(standard_abi("mpich", "5.0.2", "pmi1"))
    assert variables(made)["MPIR_CVAR_CH4_CMA_ENABLE"] == "0"
    of_intel = plan(standard_abi("intel-mpi", "2021.19.0", "pmi1"))
    assert "MPIR_CVAR_CH4_CMA_ENABLE" not in variables(of_intel)


def test_standard_abi_of_mpich_4_is_told_to_speak_pmix() -> None:
    made = plan(standard_abi("mpich", "4.3.2", "pmi1", "pmix"), mpi={"pmi": "pmix"})
    assert variables(made)["MPIR_CVAR_PMI_VERSION"] == "x"


def test_bound_stack_keeps_the_images_own_library_path_behind_it() -> None:
    facts = setting(IMAGES["no-mpi-needs-libmpi.so.40"], LD_LIBRARY_PATH="/opt/a/lib::lib:/opt/b")
    host = "/opt/hpc/openmpi-5.0.11/lib"
    assert variables(plan(facts))["LD_LIBRARY_PATH"] == f"{host}:/opt/a/lib:/opt/b"
    made = plan(facts, env={"LD_LIBRARY_PATH": "/opt/c"})
    assert variables(made)["LD_LIBRARY_PATH"] == f"{host}:/opt/a/lib:/opt/b:/opt/c"


PMIX = "MPIR_CVAR_PMI_VERSION"
BOTH = image(
    library("mpich", "4.2.1", "libmpi.so.12", ability("pmi1"), ability("pmix", "5.0.7")),
    users=(user("libmpi.so.12"),),
)


@pytest.mark.parametrize(
    ("facts", "env", "expected"),
    [
        (BOTH, {}, "pmi2"),
        (BOTH, {PMIX: "x"}, "pmix"),
        (setting(BOTH, MPIR_CVAR_PMI_VERSION="x"), {}, "pmix"),
        (setting(BOTH, MPIR_CVAR_PMI_VERSION="x"), {PMIX: "1"}, "pmi2"),
        (mpich_image("4.0.2"), {PMIX: "x"}, "pmi2"),
    ],
)
def test_mpich_speaks_the_pmi_that_a_variable_tells_it_to(
    facts: ImageFacts, env: dict[str, str], expected: str
) -> None:
    candidate = plan(facts, env=env, mpi={"model": "hybrid"}).chosen
    assert candidate is not None
    assert candidate.srun_mpi == expected


def test_mpich_told_to_speak_what_it_cannot_is_refused() -> None:
    made = plan(mpich_image("4.2.1"), env={PMIX: "x"}, mpi={"model": "hybrid"})
    told = [each for each in made.diagnostics if each.code == "HPR401"]
    assert made.is_refused
    assert any("the job sets `MPIR_CVAR_PMI_VERSION=x`" in line for line in told[0].found)


def test_what_gpus_talk_over_is_not_told_to_jobs_without_them() -> None:
    node = {"arch": "x86_64", "cores": 4, "memory_mib": 4000, "fabric": {"kind": "infiniband"}}
    here = site(node_classes={"compute": node}, mpi_stacks={})
    facts = setting(IMAGES["debian12-openmpi-4.1.4"], NCCL_NET="Socket")

    def codes(**wishes: Any) -> set[str]:
        made = plan_job(job(**wishes), here, {"amd64": facts}, {})
        return {each.code for each in made.diagnostics}

    gpus = {"nodes": 2, "tasks": 4, "gpus_per_node": 1}
    assert "HPR326" not in codes()
    assert "HPR326" in codes(resources=gpus)
