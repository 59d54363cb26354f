"""Each wheel of a sandbox is one file, known by its hash."""

import tomllib

import pytest
from packaging.requirements import Requirement

from hpcrun.errors import UnavailableError
from hpcrun.sandbox.wheel_table import Wheel, lock, wheels_for
from tests.sandbox_fixture import CHECKOUT

PROCESSORS = ("x86_64", "aarch64")


@pytest.mark.parametrize("machine", PROCESSORS)
def test_every_wheel_has_a_hash_for_each_processor(machine: str) -> None:
    for line in (*lock("nodes", machine), *lock("hpcrun", machine)):
        wheel, _, digest = line.partition(" --hash=sha256:")
        assert "==" in wheel
        assert len(digest) == 64


def test_what_hpcrun_needs_is_there_in_a_version_that_it_takes() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    versions = dict(row.wheel.split("==") for row in wheels_for("hpcrun"))
    for line in (*project["dependencies"], *project["optional-dependencies"]["image"]):
        needed = Requirement(line)
        assert needed.specifier.contains(versions[needed.name]), line


def test_processor_without_a_wheel_is_told_which_there_are() -> None:
    row = Wheel.model_validate(
        {"wheel": "x==1", "for": "nodes", "sha256": {"x86_64": "0" * 64}, "source": "made up"}
    )
    with pytest.raises(UnavailableError, match="no wheel of x==1 is known for s390x") as caught:
        row.lock("s390x")
    assert caught.value.help == ("there are some for x86_64",)
