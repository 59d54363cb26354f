"""What is asked of the scheduler, and what partition and nodes cannot give."""

from typing import Any

import pytest

from hpcrun.model.diagnostic import Severity
from hpcrun.model.plan import Plan
from hpcrun.planner import plan_job
from tests.unit.planner.measured import IMAGES, STACKS, job, site


def plan(here: dict[str, Any] | None = None, **wishes: Any) -> Plan:
    facts = IMAGES["debian13-openmpi-5.0.7"]
    return plan_job(job(**wishes), site(**(here or {})), {"amd64": facts}, STACKS)


def codes(made: Plan) -> list[str]:
    return sorted(diagnostic.code for diagnostic in made.diagnostics)


LAYOUTS = {
    "even": ({"nodes": 2, "tasks": 4}, (2, 4, 2), []),
    "per-node": ({"nodes": 2, "tasks_per_node": 2}, (2, 4, 2), []),
    "nodes-alone": ({"nodes": 2}, (2, 2, 1), []),
    "uneven": ({"nodes": 2, "tasks": 3}, (2, 3, None), ["HPR403"]),
    "too-few-tasks": ({"nodes": 2, "tasks": 1}, (2, 1, None), ["HPR109"]),
    "serial": ({"nodes": 1, "tasks": 1}, (1, 1, 1), []),
}


@pytest.mark.parametrize(("resources", "layout", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layout_of_tasks_over_nodes(
    resources: dict[str, int], layout: tuple[int, int, int | None], expected: list[str]
) -> None:
    made = plan(resources=resources)
    assert (made.layout.nodes, made.layout.tasks, made.layout.tasks_per_node) == layout
    assert codes(made) == expected


def test_layout_names_the_default_partition() -> None:
    assert plan().layout.partition == "main"


LIMITS = {
    "memory-fits": ({"memory_per_node_mib": 4000}, []),
    "memory-over": ({"memory_per_node_mib": 4001}, ["HPR103"]),
    "memory-per-cpu-fits": ({"memory_per_cpu_mib": 2000}, []),
    "memory-per-cpu-over": ({"memory_per_cpu_mib": 2001}, ["HPR103"]),
    "cpus-fit": ({"cpus_per_task": 2}, []),
    "cpus-over": ({"cpus_per_task": 3}, ["HPR107"]),
    "walltime-fits": ({"walltime_s": 86400}, []),
    "walltime-over": ({"walltime_s": 86401}, ["HPR102"]),
    "gpus-over": ({"gpus_per_node": 1}, ["HPR108", "HPR702", "HPR704"]),
}


@pytest.mark.parametrize(("asked", "expected"), LIMITS.values(), ids=LIMITS)
def test_layout_limits_are_those_of_the_fullest_node(
    asked: dict[str, int], expected: list[str]
) -> None:
    assert codes(plan(resources={"nodes": 2, "tasks": 4} | asked)) == expected


def test_layout_unknown_sizes_refuse_nothing() -> None:
    here = {
        "node_classes": {"compute": {"arch": "x86_64"}},
        "partitions": {"main": {"node_classes": ["compute"], "default": True}},
    }
    asked = {"nodes": 99, "tasks": 99, "memory_per_node_mib": 10**6, "walltime_s": 10**7}
    assert codes(plan(here, resources=asked)) == []
    assert codes(plan(here, resources=asked | {"gpus_per_node": 8})) == ["HPR702", "HPR704"]


def test_layout_one_fitting_node_class_is_enough() -> None:
    classes = {
        "small": {"arch": "x86_64", "cores": 1, "memory_mib": 1000},
        "large": {"arch": "x86_64", "cores": 64, "memory_mib": 64000},
    }
    partitions = {"main": {"node_classes": ["small", "large"], "default": True}}
    here = {"node_classes": classes, "partitions": partitions}
    asked = {"nodes": 1, "tasks": 32, "memory_per_node_mib": 32000}
    assert codes(plan(here, resources=asked)) == []


def test_layout_slurm_cpus_may_be_hardware_threads() -> None:
    classes = {"compute": {"arch": "x86_64", "cores": 4, "threads_per_core": 2}}
    assert codes(plan({"node_classes": classes}, resources={"nodes": 1, "tasks": 8})) == []
    assert codes(plan({"node_classes": classes}, resources={"nodes": 1, "tasks": 9})) == ["HPR107"]


def test_layout_partition_without_default_must_be_named() -> None:
    partitions = {"main": {"node_classes": ["compute"]}}
    assert codes(plan({"partitions": partitions})) == ["HPR101"]
    assert codes(plan({"partitions": partitions}, submit={"partition": "main"})) == []


@pytest.mark.parametrize("submit", [{}, {"partition": "main"}], ids=["none", "named"])
def test_layout_unknown_partitions_warn(submit: dict[str, str]) -> None:
    made = plan({"partitions": {}, "unknowns": ["partitions"]}, submit=submit)
    assert [(d.code, d.severity) for d in made.diagnostics] == [("HPR101", Severity.WARNING)]
    assert made.chosen is not None
    assert made.layout.partition == submit.get("partition")


REQUIRED = {
    "account": ({"account": True}, ["HPR105"]),
    "two": ({"account": True, "qos": True}, ["HPR105", "HPR105"]),
    "option": ({"options": {"licenses": "any"}}, ["HPR105"]),
    "partition-that-only-the-default-gives": ({"partition": True}, ["HPR105"]),
}


@pytest.mark.parametrize(("required", "expected"), REQUIRED.values(), ids=REQUIRED)
def test_layout_required_options_must_be_given(
    required: dict[str, Any], expected: list[str]
) -> None:
    scheduler = site().scheduler.to_json() | {"required": required}
    assert codes(plan({"scheduler": scheduler})) == expected


def test_layout_required_options_that_are_given_are_fine() -> None:
    required = {"account": True, "qos": True, "partition": True, "options": {"licenses": "any"}}
    scheduler = site().scheduler.to_json() | {"required": required}
    made = plan(
        {"scheduler": scheduler},
        submit={"account": "neuro", "qos": "normal", "partition": "main"},
        resources={"nodes": 2, "tasks": 4, "extra": {"licenses": "fsl:1"}},
    )
    assert codes(made) == []
