"""Libraries that the program lacks: errors only where nothing outside the image can mend it."""

from typing import Any

import pytest

from hpcrun.model.command import CommandFacts
from hpcrun.model.image import ImageFacts
from hpcrun.planner import plan_job
from tests.unit.planner.measured import IMAGES, STACKS, job, site

OPENMPI = IMAGES["debian13-openmpi-5.0.7"]
STEP = {"name": "app", "path": "/usr/bin/app", "kind": "elf", "through": "the command"}
WHY = "found in none of the loader's folders"
LACK = {"name": "libx.so.1", "path": None, "needed_by": "/usr/bin/app", "evidence": WHY}
NEED = {
    "kind": "GLIBCXX",
    "version": "3.4.32",
    "path": "/usr/bin/app",
    "library": "libstdc++.so.6",
    "is_met": False,
    "offered": "3.4.30",
    "evidence": "verneed",
}


def followed(**found: Any) -> ImageFacts:
    values = {"argv": ["app"], "steps": [STEP], "mpi_users": OPENMPI.mpi_users, **found}
    return OPENMPI.model_copy(update={"command": CommandFacts.model_validate(values)})


def told(facts: ImageFacts, **wishes: Any) -> list[tuple[str, str]]:
    made = plan_job(job(**wishes), site(), {"amd64": facts}, STACKS)
    own = (each for each in made.diagnostics if each.code in ("HPR215", "HPR216"))
    return [(each.code, each.severity.value) for each in own]


ERROR, WARNING = [("HPR215", "error")], [("HPR215", "warning")]
REPEATED = f"`libx.so.1`, which /usr/bin/app needs, {WHY}"
MOUNT = {"host": "/home/share/lib", "container": "/opt/lib", "mode": "ro"}


@pytest.mark.parametrize(
    ("found", "wishes", "expected"),
    [
        ({"closure": [LACK]}, {}, ERROR),
        ({"closure": [LACK | {"path": "/lib/libx.so.1"}]}, {}, []),
        ({"closure": [LACK | {"certainty": "likely"}]}, {}, WARNING),
        ({"closure": [LACK]}, {"mounts": [MOUNT]}, WARNING),
        ({"closure": [LACK]}, {"env": {"LD_LIBRARY_PATH": "/opt"}}, WARNING),
        ({"closure": [LACK]}, {"env": {"PATH": "/opt"}}, []),
        ({"closure": [LACK | {"name": "libcuda.so.1"}]}, {}, WARNING),
        ({"closure": [LACK | {"name": "libmpi.so.12"}]}, {}, []),
        ({"closure": [LACK], "doubts": ["line 3 of run.sh: `eval`"]}, {}, WARNING),
        (
            {"closure": [LACK], "doubts": [f"`libx.so.1`, which /usr/bin/app needs, {WHY}"]},
            {},
            ERROR,
        ),
        ({"closure": [LACK], "steps": [STEP | {"certainty": "hint"}]}, {}, WARNING),
        ({"needs": [NEED]}, {}, [("HPR216", "error")]),
        ({"needs": [NEED | {"is_met": "unknown"}]}, {}, []),
        ({"needs": [NEED | {"is_met": True}]}, {}, []),
        ({"needs": [NEED]}, {"mounts": [MOUNT]}, [("HPR216", "warning")]),
    ],
)
def test_lacking_library_is_an_error_where_it_is_sure(
    found: dict[str, Any], wishes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert told(followed(**found), **wishes) == expected


def test_image_that_was_not_read_whole_may_have_the_library() -> None:
    facts = followed(closure=[LACK]).model_copy(update={"is_complete": False})
    assert told(facts) == WARNING
