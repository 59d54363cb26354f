"""What the founding documents say of JURECA-DC and Galileo100: visible, and heard by a job there.

The documents: D. Tartarini, Containers and Cloud-HPC for the Virtual Human Twin (2023).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hpcrun import resources
from hpcrun.app.passports import read_passports
from hpcrun.app.plan import plan
from hpcrun.errors import InputError
from hpcrun.loading import load_job, load_site
from hpcrun.model.image import ImageFacts
from hpcrun.model.job import MpiWish, Submit
from hpcrun.model.plan import Plan
from hpcrun.model.site import Site
from hpcrun.report.site import format_site
from hpcrun.tables import architectures

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"
JOB = "version: 1\nname: brain\nimage: {image}\ncommand: [app]\nresources: {nodes: 2, tasks: 4}\n"


def site_of(name: str) -> Site:
    site = load_site(resources.site_profiles_folder() / f"{name}.yaml")
    # Nothing of the machine that runs the test belongs to the site.
    return site.model_copy(update={"access": site.access.model_copy(update={"is_stated": False})})


def planned(site: str, image: str, folder: Path, *, partition: str | None, **wish: Any) -> Plan:
    (folder / "job.yaml").write_text(JOB.replace("{image}", "a.sif"), encoding="utf-8")
    job = load_job(folder / "job.yaml")
    submit = Submit(partition=partition, account="brain")
    job = job.model_copy(update={"submit": submit, "mpi": MpiWish.model_validate(wish)})
    facts = ImageFacts.model_validate_json((CORPUS / f"{image}.facts.json").read_bytes())
    passports = {architectures().oci_of(facts.arch): facts}
    return plan(job, site_of(site), passports=passports, stacks={})


def codes(plan: Plan) -> Iterable[str]:
    return [diagnostic.code for diagnostic in plan.diagnostics]


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (
            "jureca-dc",
            ("zen2", "HDR100", "version 1.2.4", "default pspmix", "psid", "group `container`",
             "builds        not allowed", "glibc 2.28", "A100", "container build system"),
        ),
        (
            "galileo100",
            ("cascadelake", "infiniband", "version 1.1.6", "none, cray_shasta, pmi2",
             "builds        not allowed", "glibc 2.28"),
        ),
        ("galileo100-cloud", ("cascadelake", "ethernet", "100 GbE")),
    ],
)  # fmt: skip
def test_what_decides_is_on_the_page(site: str, words: tuple[str, ...]) -> None:
    page = " ".join(format_site(site_of(site)).split())
    assert [word for word in words if " ".join(word.split()) not in page] == []


@pytest.mark.parametrize(
    ("site", "instead"), [("jureca-dc", "container build system"), ("galileo100", "copy the image")]
)
def test_definition_is_not_built_there(site: str, instead: str, tmp_path: Path) -> None:
    (tmp_path / "app.def").write_text("Bootstrap: docker\nFrom: debian:13\n", encoding="utf-8")
    (tmp_path / "job.yaml").write_text(JOB.replace("{image}", "app.def"), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_passports(load_job(tmp_path / "job.yaml"), site=site_of(site))
    (one,) = error.value.diagnostics
    assert (one.code, one.found[1][:23]) == ("HPR212", "`images.build.allowed` ")
    assert instead in one.help[0].text


def test_only_a_group_may_use_the_runtime_of_jureca(tmp_path: Path) -> None:
    made = planned("jureca-dc", "openmpi-5.0.7-x86_64", tmp_path, partition="dc-cpu")
    (one,) = [one for one in made.diagnostics if one.code == "HPR510"]
    assert "JuDoor" in one.help[0].text


def test_pmix_of_jureca_is_that_of_parastation(tmp_path: Path) -> None:
    made = planned("jureca-dc", "openmpi-5.0.7-x86_64", tmp_path, partition="dc-cpu", pmi="pspmix")
    # Which PMIx it has nobody published; that it is offered is known.
    assert "HPR405" in codes(made)
    assert "HPR401" not in codes(made)


def test_open_mpi_5_finds_no_pmix_on_galileo(tmp_path: Path) -> None:
    made = planned(
        "galileo100", "openmpi-5.0.7-x86_64", tmp_path, partition="g100_usr_prod", model="hybrid"
    )
    (one,) = [one for one in made.diagnostics if one.code == "HPR401"]
    assert "each rank would run alone and exit 0" in one.message


def test_mpich_goes_by_pmi2_over_infiniband_on_galileo(tmp_path: Path) -> None:
    made = planned("galileo100", "mpich-4.0.2-x86_64", tmp_path, partition="g100_usr_prod")
    assert made.chosen is not None
    assert (made.chosen.model, made.chosen.srun_mpi) == ("hybrid", "pmi2")
    assert "HPR321" not in codes(made)


def test_mpi_over_tcp_alone_is_right_on_the_cloud_only(tmp_path: Path) -> None:
    at_g100 = planned("galileo100", "mpich-3.4.1-x86_64", tmp_path, partition="g100_usr_prod")
    on_cloud = planned("galileo100-cloud", "mpich-3.4.1-x86_64", tmp_path, partition=None)
    assert "HPR321" in codes(at_g100)
    assert "HPR321" not in codes(on_cloud)


def test_cloud_is_not_submitted_to_while_nobody_knows_its_scheduler(tmp_path: Path) -> None:
    made = planned("galileo100-cloud", "mpich-4.0.2-x86_64", tmp_path, partition=None)
    assert "HPR110" in codes(made)
    assert made.is_refused
