"""A job that names the recipe of an image in place of the image."""

from pathlib import Path

import pytest

from hpcrun.app.definitions import is_definition
from hpcrun.app.passports import read_passports
from hpcrun.errors import InputError
from hpcrun.loading import load_job
from hpcrun.model.site import BuildPolicy, ImagePolicy, Site
from tests.unit.planner.measured import site

DEFINITION = "# an image\n\nBootstrap: docker\nFrom: debian:13\n"
JOB = "version: 1\nname: brain\nimage: app.def\ncommand: [app]\nresources: {nodes: 1, tasks: 1}\n"


def refused(folder: Path, here: Site) -> InputError:
    (folder / "app.def").write_text(DEFINITION, encoding="utf-8")
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_passports(load_job(folder / "job.yaml"), site=here)
    return error.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEFINITION, True),
        ("bootstrap:localimage\n", True),
        ("FROM debian:13\nRUN true\n", True),
        ("#!/bin/sh\nexec app\n", False),
        ("", False),
        ("hsqs\0 bootstrap: docker", False),
    ],
)
def test_definitions_are_known_by_their_first_words(
    tmp_path: Path, text: str, expected: bool
) -> None:
    file = tmp_path / "file"
    file.write_text(text, encoding="utf-8")
    assert is_definition(file) is expected


def test_folder_and_missing_file_are_no_definitions(tmp_path: Path) -> None:
    assert not is_definition(tmp_path)
    assert not is_definition(tmp_path / "gone")


def test_site_without_builds_says_what_to_do_instead(tmp_path: Path) -> None:
    policy = ImagePolicy(build=BuildPolicy(allowed=False), instead="use the build service")
    error = refused(tmp_path, site(images=policy.to_json()))
    (one,) = error.diagnostics
    assert (one.code, one.message) == (
        "HPR212",
        "`app.def` is a definition, and the site does not build images",
    )
    assert one.found[1] == "`images.build.allowed` of profile `box` is false"
    assert [help_.text for help_ in one.help] == [
        "use the build service",
        "build it where you may, `apptainer build image.sif app.def`, and copy the image there",
    ]


def test_site_with_builds_says_how(tmp_path: Path) -> None:
    policy = ImagePolicy(build=BuildPolicy(allowed=True, on=("compute",)))
    (one,) = refused(tmp_path, site(images=policy.to_json())).diagnostics
    assert one.message == "`app.def` is a definition, not an image"
    assert one.found[1] == "`images.build.on` of profile `box`: `compute`"
    assert "apptainer build image.sif app.def" in one.help[0].text
