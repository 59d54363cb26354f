"""Images and sites that nobody has: recorded ones with facts drawn anew, the same for a seed."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from hpcrun.loading import load_site
from hpcrun.model.image import ImageFacts, MpiLibrary, PmiAbility, StackFacts
from hpcrun.model.job import Job
from hpcrun.model.site import Site
from hpcrun.planner.question import Question, gather
from hpcrun.resources import site_profiles_folder
from hpcrun.tables import architectures
from tests.drawn_machines import draw_machine_side, draw_node, draw_runtime

CORPUS = Path(__file__).resolve().parent / "corpora" / "images"
SHARE = Path("/share")


def draw_images(rng: Random, number: int) -> list[ImageFacts]:
    """Draw images of which no two are alike."""
    recorded = [
        ImageFacts.model_validate_json(file.read_bytes())
        for file in sorted(CORPUS.glob("*.facts.json"))
    ]
    return [_drawn_image(rng, rng.choice(recorded), index) for index in range(number)]


def draw_sites(rng: Random, number: int) -> list[tuple[Site, dict[str, StackFacts]]]:
    """Draw sites, with what was read about their MPI stacks."""
    shipped = [load_site(file) for file in sorted(site_profiles_folder().glob("*.yaml"))]
    stacks = [
        StackFacts.model_validate_json(file.read_bytes())
        for file in sorted(CORPUS.glob("*.stack.json"))
    ]
    return [_drawn_site(rng, rng.choice(shipped), stacks, index) for index in range(number)]


def draw_questions(seed: int, *, images: int, sites: int) -> Iterator[Question]:
    """Yield the question of every drawn image at every drawn site."""
    rng = Random(seed)
    drawn = draw_sites(rng, sites)
    for facts in draw_images(rng, images):
        for site, stacks in drawn:
            yield question_of(facts, site, stacks)


def question_of(facts: ImageFacts, site: Site, stacks: dict[str, StackFacts]) -> Question:
    """Ask for two nodes with two ranks each."""
    return gather(_JOB, site, {architectures().oci_of(facts.arch): facts}, stacks)


_JOB = Job.model_validate(
    {
        "version": 1,
        "name": "drawn",
        "image": {"any_arch": {"ref": str(SHARE / "app.sif")}},
        "command": ["/usr/bin/app"],
        "resources": {"nodes": 2, "tasks": 4},
        "workdir": SHARE,
        "file": SHARE / "job.yaml",
    }
)


def _drawn_image(rng: Random, facts: ImageFacts, index: int) -> ImageFacts:
    changes: dict[str, Any] = {
        "path": SHARE / f"image-{index}.sif",
        "digest": f"sif:{index:x}",
        "size_bytes": facts.size_bytes + index,
        "libc": facts.libc.model_copy(update={"version": f"2.{rng.randint(17, 43)}"}),
        "mpi": tuple(_drawn_library(rng, library) for library in facts.mpi),
        "fabrics": tuple(
            fabric.model_copy(update={"parts": _some(rng, fabric.parts)})
            for fabric in facts.fabrics
        ),
        "sonames": _some(rng, facts.sonames),
        "is_complete": rng.random() < 0.9,
    }
    return facts.model_copy(update=changes | draw_machine_side(rng, facts))


def _drawn_library(rng: Random, library: MpiLibrary) -> MpiLibrary:
    versions = {
        "openmpi": ("2.1.6", "3.1.4", "4.0.3", "4.1.{n}", "5.0.{n}", "6.0.{n}", "unknown"),
        "mpich": ("3.2.1", "3.4.{n}", "4.0.{n}", "4.2.{n}", "4.3.{n}", "5.0.{n}", "unknown"),
    }
    version = rng.choice(versions.get(library.family, ("5.0.{n}",))).format(n=rng.randint(0, 20))
    pmi: tuple[PmiAbility, ...] | str = "unknown"
    if rng.random() < 0.9:
        pmi = tuple(_drawn_ability(rng) for _ in range(rng.randint(0, 2)))
    return library.model_copy(update={"version": version, "pmi": pmi})


def _drawn_ability(rng: Random) -> PmiAbility:
    kind = rng.choice(("pmi1", "pmi2", "pmix"))
    version = rng.choice(("1.2.5", "2.1.4", "3.2.{n}", "4.2.{n}", "5.0.{n}", "6.1.{n}", "unknown"))
    psec = rng.choice((("native",), ("munge",), ("native", "munge"), "unknown"))
    gds = rng.choice((("hash",), ("hash", "ds21"), ("shmem2",), "unknown"))
    told = {"psec": psec, "gds": gds} if kind == "pmix" else {}
    return PmiAbility.model_validate(
        {
            "kind": kind,
            "version": version.format(n=rng.randint(0, 40)),
            "evidence": "drawn",
            **told,
        }
    )


def _drawn_site(
    rng: Random, site: Site, stacks: list[StackFacts], index: int
) -> tuple[Site, dict[str, StackFacts]]:
    pmix = site.scheduler.pmix
    if pmix is not None:
        server = rng.choice(("3.2.{n}", "4.2.{n}", "5.0.{n}", "unknown")).format(
            n=rng.randint(0, 30)
        )
        pmix = pmix.model_copy(update={"server": server})
    types = site.scheduler.mpi_types
    scheduler = site.scheduler.model_copy(
        update={
            "version": f"{rng.randint(20, 26)}.{rng.choice(('02', '05', '11'))}.{index}",
            "mpi_types": types if types == "unknown" else _some(rng, tuple(types)),
            "pmix": pmix,
        }
    )
    most = rng.choice((0, 2, *(30000,) * 15, *("unknown",) * 15))
    named = site.model_copy(
        update={
            "name": f"site-{index}",
            "scheduler": scheduler,
            "runtime": draw_runtime(rng, site.runtime, index),
            "node_classes": {
                name: draw_node(rng, node, namespaces_max=most)
                for name, node in site.node_classes.items()
            },
        }
    )
    known = {name: rng.choice(stacks) for name in site.mpi_stacks if rng.random() < 0.7}
    return named, known


def _some(rng: Random, words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if rng.random() < 0.8)
