"""The images of the examples are made once, and are for the processor that they say."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

BUILD = CHECKOUT / "examples" / "images" / "build.py"
SIZE_LIMIT_MB = 200


def test_second_build_takes_what_was_kept(sandbox: Sandbox, images: Mapping[str, Path]) -> None:
    before = {name: image.stat().st_mtime_ns for name, image in images.items()}
    again = subprocess.run(
        [sys.executable, str(BUILD), "--sandbox", sandbox.name, *images],
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.split() == [str(image) for image in images.values()]
    assert again.stderr == ""
    assert before == {name: image.stat().st_mtime_ns for name, image in images.items()}


def test_images_are_small(images: Mapping[str, Path]) -> None:
    large = [name for name, image in images.items() if image.stat().st_size > SIZE_LIMIT_MB * 1e6]
    assert large == []


@pytest.mark.parametrize(
    ("name", "arch", "families"),
    [
        ("openmpi", "x86_64", ["openmpi"]),
        ("mpich", "x86_64", ["mpich"]),
        ("nompi", "x86_64", []),
        ("foreign", "aarch64", []),
    ],
)
def test_image_holds_what_its_row_says(
    images: Mapping[str, Path], name: str, arch: str, families: list[str]
) -> None:
    shown = run_hpcrun("inspect", str(images[name]), "--json")
    passport = json.loads(shown.stdout)
    assert [arch] == list(passport["program_archs"])
    assert families == sorted({found["family"] for found in passport["mpi"]})


def test_unknown_image_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, str(BUILD), "absent"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "there is no image `absent`; there are openmpi, mpich, nompi, foreign" in done.stderr


def test_image_keeps_no_proxies_of_the_machine_that_made_it(
    sandbox: Sandbox, images: Mapping[str, Path]
) -> None:
    options = ("apptainer", "--quiet", "exec", str(images["openmpi"]))
    shown = sandbox.exec(*options, "ls", "/etc/apt/apt.conf.d")
    assert shown.returncode == 0, shown.stderr
    assert "99mmdebstrap" not in shown.stdout


def test_node_keeps_no_proxies_of_the_machine_that_made_it(sandbox: Sandbox) -> None:
    assert "99mmdebstrap" not in sandbox.exec("ls", "/etc/apt/apt.conf.d").stdout
