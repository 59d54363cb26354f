"""A bad job file is told and submits nothing, whichever command reads it."""

import json
from pathlib import Path

import jsonschema
import pytest

from hpcrun import resources
from hpcrun.cli.main import main

COMMANDS = ("plan", "render", "submit")
ERROR_SCHEMA = json.loads((resources.package_folder("schemas") / "error.json").read_text())


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_job_file_ends_with_65(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = tmp_path / "job.yaml"
    job.write_text("version: 1\nname: a\nimage: a.sif\ncommand: [a]\nresources: {nodes: 012}\n")
    assert main([command, str(job)]) == 65
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[:2] == [
        "error[HPR003]: `012` as `resources.nodes` can be read in more than one way",
        f"  --> {job}:5:20",
    ]
    assert list(tmp_path.iterdir()) == [job]


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_job_file_ends_with_66(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path / "none.yaml")]) == 66
    assert capsys.readouterr().err.startswith(f"error: `{tmp_path / 'none.yaml'}` is not there\n")


@pytest.mark.parametrize("command", ["plan", "submit"])
def test_bad_profile_ends_with_65_also_as_json(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, site = tmp_path / "job.yaml", tmp_path / "fjord.yaml"
    job.write_text("version: 1\nname: a\nimage: a.sif\ncommand: [a]\n")
    site.write_text("version: 1\nname: fjord\nruntime: {version: 1.4}\n")
    assert main([command, str(job), "--site", str(site), "--json"]) == 65
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, ERROR_SCHEMA)
    assert [(d["code"], d["location"]["line"]) for d in told["diagnostics"]] == [("HPR003", 3)]
    assert sorted(tmp_path.iterdir()) == [site, job]
