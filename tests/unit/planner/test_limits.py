"""A quality of service has its limits in the partition's place."""

from typing import Any

import pytest

from hpcrun.model.diagnostic import Severity
from hpcrun.model.job import Submit
from hpcrun.planner import plan_job
from tests.unit.planner.measured import IMAGES, STACKS, job, site

IMAGE = {"amd64": IMAGES["debian13-openmpi-5.0.7"]}
PARTITION = {"node_classes": ("compute",), "nodes": 100, "default": True}


def found(qos: dict[str, Any] | None, partition: dict[str, Any], **asked: Any) -> list[Any]:
    """Give what is told of limits, with its severity, for a job that names a quality of service."""
    here = site(
        qos={"big": qos} if qos is not None else {}, partitions={"main": PARTITION | partition}
    )
    wanted = job()
    resources = wanted.resources.model_copy(update={"tasks": 80, **asked})
    submit = Submit(qos="big") if qos is not None else Submit()
    wanted = wanted.model_copy(update={"resources": resources, "submit": submit})
    made = plan_job(wanted, here, IMAGE, STACKS)
    return [
        (one.code, one.severity)
        for one in made.diagnostics
        if one.code in ("HPR102", "HPR106", "HPR115", "HPR117")
    ]


@pytest.mark.parametrize(
    ("qos", "nodes", "expected"),
    [
        (None, 65, [("HPR106", Severity.ERROR)]),
        ({"nodes_min": 65, "nodes_max": 80}, 70, []),
        ({"nodes_min": 65, "nodes_max": 80}, 64, [("HPR115", Severity.ERROR)]),
        ({"nodes_max": None}, 70, []),
        ({}, 70, [("HPR106", Severity.WARNING)]),
        ({"nodes_max": 80, "partitions": ("other",)}, 70, [("HPR117", Severity.ERROR)]),
    ],
)
def test_nodes(qos: dict[str, Any] | None, nodes: int, expected: list[Any]) -> None:
    assert found(qos, {"nodes_max": 64}, nodes=nodes) == expected


@pytest.mark.parametrize(
    ("qos", "hours", "expected"),
    [
        (None, 25, [("HPR102", Severity.ERROR)]),
        ({"walltime_max_s": 4 * 86400}, 25, []),
        ({"walltime_max_s": 1800}, 3, [("HPR102", Severity.ERROR)]),
        ({}, 25, [("HPR102", Severity.WARNING)]),
    ],
)
def test_walltime(qos: dict[str, Any] | None, hours: int, expected: list[Any]) -> None:
    assert found(qos, {"walltime_max_s": 86400}, nodes=2, walltime_s=hours * 3600) == expected
