"""Each shipped profile, and what hpcrun says at it of three images that were read for real.

The passports are those of Debian's packages in tests/corpora; the job has 4 tasks on 2 nodes and
names what the site insists on. What is told changes with the profile, the tables and the rules.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from hpcrun import resources
from hpcrun.app.plan import plan
from hpcrun.loading import load_job, load_site
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.job import Job, Submit
from hpcrun.model.site import Site
from hpcrun.report.diagnostics import format_diagnostics
from hpcrun.report.plan import format_plan
from hpcrun.report.site import format_site
from hpcrun.tables import architectures

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[1] / "corpora" / "images"
PROFILES = sorted(resources.site_profiles_folder().glob("*.yaml"))
TODAY = date(2026, 11, 20)
IMAGES = ("openmpi-5.0.7-x86_64", "mpich-4.0.2-x86_64", "openmpi-4.1.4-aarch64")
PARTITIONS = {"galileo100": "g100_usr_prod"}
"""Where the default is not for jobs of several nodes."""
JOB = """\
version: 1
name: brain
image: image.sif
command: [/usr/bin/app]
resources: {nodes: 2, tasks: 4, walltime: 00:30:00}
"""


def job_at(site: Site, folder: Path, facts: ImageFacts) -> tuple[Job, ImageFacts]:
    """Give the job as a user of the site would write it, in a folder that the nodes see."""
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    job = load_job(folder / "job.yaml")
    shared = site.filesystems.shared
    place = shared[0] if is_known(shared) and shared else Path("/shared")
    required = site.scheduler.required
    partition = PARTITIONS.get(site.name)
    if partition is None and not site.default_partition:
        partition = next(iter(site.partitions), None)
    qos = next(iter(site.qos), "normal") if required.qos else ""
    account = "brain" if required.account else ""
    submit = Submit(partition=partition or "", account=account, qos=qos)
    changed = {"workdir": place, "file": place / "job.yaml", "submit": submit}
    program = facts.program.model_copy(update={"argv0": "/usr/bin/app"}) if facts.program else None
    return job.model_copy(update=changed), facts.model_copy(
        update={"path": place / f"{facts.path.name}.sif", "program": program}
    )


def told_of(site: Site, image: str, folder: Path) -> str:
    facts = ImageFacts.model_validate_json((CORPUS / f"{image}.facts.json").read_bytes())
    job, facts = job_at(site, folder, facts)
    made = plan(
        job, site, passports={architectures().oci_of(facts.arch): facts}, stacks=None, today=TODAY
    )
    return "\n".join((f"=== {image}", format_plan(made), format_diagnostics(made.diagnostics), ""))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_site_and_three_images(
    path: Path, golden: Callable[[str, Path], None], tmp_path: Path
) -> None:
    site = load_site(path)
    # What lies on this machine has nothing to do with the site.
    site = site.model_copy(update={"access": site.access.model_copy(update={"is_stated": False})})
    page = format_site(site).replace(str(path), path.name)
    texts = [page, *(told_of(site, image, tmp_path) for image in IMAGES)]
    golden("\n".join(texts).replace(str(path.parent), "site_profiles"), HERE / f"{path.stem}.txt")


def test_every_page_is_that_of_a_profile() -> None:
    assert {page.stem for page in HERE.glob("*.txt")} == {path.stem for path in PROFILES}
