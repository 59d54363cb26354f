"""What is told of signatures is what Apptainer says of the images that it signed itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

SIGN = """set -e
export APPTAINER_KEYSDIR=$PWD/keys
mkdir -p base/bin
cp /bin/dash base/bin/sh
apptainer build plain.sif base
cp plain.sif whole.sif
cp plain.sif part.sif
apptainer key newpair --name Ada --email ada@example.org --comment '' --password '' --push=false
apptainer sign --keyidx 0 whole.sif
apptainer sign --keyidx 0 --sif-id 3 part.sif
"""
VERIFY = "APPTAINER_KEYSDIR=$PWD/keys exec apptainer verify --local --json"
KINDS = {"Def.FILE": "definition", "JSON.Generic": "generic-json", "FS": "partition"}


def container_of(image: Path) -> Any:
    shown = run_hpcrun("inspect", str(image), "--json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)["container"]


def test_signatures_of_really_signed_images_are_told_and_not_verified(
    sandbox: Sandbox, shared_folder: Path
) -> None:
    made = sandbox.exec("sh", "-c", SIGN, folder=shared_folder)
    assert made.returncode == 0, made.stdout + made.stderr
    for name, options, numbers in (("whole", "", [1, 2, 3]), ("part", "--sif-id 3", [3])):
        line = f"{VERIFY} {options} {name}.sif"
        said = sandbox.exec("sh", "-c", line, folder=shared_folder)
        signers = [each["Signer"] for each in json.loads(said.stdout)["SignerKeys"]]
        container = container_of(shared_folder / f"{name}.sif")
        (signature,) = container["signatures"]
        kinds = {each["id"]: each["kind"] for each in container["objects"]}
        assert signature["objects"] == numbers
        assert [kinds[number] for number in numbers] == [KINDS[s["Partition"]] for s in signers]
        assert {signature["fingerprint"]} == {signer["Fingerprint"] for signer in signers}
        assert (signature["format"], signature["hash_type"]) == ("pgp", "sha256")
        assert signature["is_verified"] is False
    assert container_of(shared_folder / "plain.sif")["signatures"] == []
    page = run_hpcrun("inspect", str(shared_folder / "part.sif")).stdout
    assert "of object 3 of group 1, by " in page
    assert ", not verified" in page
