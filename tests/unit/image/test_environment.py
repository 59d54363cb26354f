"""Search paths from environment scripts: literal settings count, anything else is unknown."""

import pytest

from hpcrun.image.environment import DEFAULT_PATH, Environment, read_environment
from hpcrun.image.squashfs import Squashfs
from hpcrun.model.base import UNKNOWN
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import Tree, build_squashfs


def environment_of(**scripts: str) -> Environment:
    files: dict[str, Tree] = {
        f"{name.strip('_').replace('_', '-')}.sh": text.encode() for name, text in scripts.items()
    }
    with opened(build_squashfs({".singularity.d": {"env": files}})) as extent:
        return read_environment(Squashfs(extent).root)


def test_image_without_scripts_has_the_default_path() -> None:
    assert environment_of() == Environment(DEFAULT_PATH, "")


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("export PATH=/opt/bin:/bin", "/opt/bin:/bin"),
        ('export PATH="/opt/bin"', "/opt/bin"),
        ("PATH='/a b'; export PATH", "/a b"),
        ("export PATH=/opt/bin:$PATH", f"/opt/bin:{DEFAULT_PATH}"),
        ('export PATH="/opt/bin:${PATH}"', f"/opt/bin:{DEFAULT_PATH}"),
        ('export PATH="${PATH:-/x}:/y"  # why', f"{DEFAULT_PATH}:/y"),
        ("export OTHER=$(date)", DEFAULT_PATH),
        ("export OMP_NUM_THREADS=2", DEFAULT_PATH),
        ("export PATH=$HOME/bin", UNKNOWN),
        ("export PATH=$(get path)", UNKNOWN),
        ("export PATH=`get`", UNKNOWN),
        ("if true; then PATH=/x; fi", UNKNOWN),
        (". /opt/setup.sh PATH", UNKNOWN),
        ("# export PATH=/x", DEFAULT_PATH),
        ("MANPATH=$(x)", DEFAULT_PATH),
        ("export PATH=/x" + " " * 100_000 + "y", UNKNOWN),
    ],
)
def test_line_of_a_script_sets_the_path(line: str, path: str) -> None:
    assert environment_of(_90_environment=line + "\n").path == path


def test_scripts_act_in_name_order() -> None:
    found = environment_of(_10_a="export PATH=/a", _90_b="export PATH=$PATH:/b")
    assert found.path == "/a:/b"


def test_apptainers_own_scripts_are_passed_over() -> None:
    found = environment_of(_99_base='if [ -z "$LD_LIBRARY_PATH" ]; then LD_LIBRARY_PATH=/x; fi')
    assert found.library_path == ""


def test_variable_of_an_oci_image_is_understood() -> None:
    line = 'export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-"/usr/local/lib"}"'
    assert environment_of(_10_docker2singularity=line).library_path == "/usr/local/lib"


def test_path_that_doubles_on_each_line_becomes_unknown() -> None:
    lines = "export PATH=$PATH:$PATH\n" * 200
    assert environment_of(_90_environment=lines).path == UNKNOWN
