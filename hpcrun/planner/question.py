"""Everything that a plan is made from, gathered once; does not judge it."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from hpcrun.compat.need import MpiNeed, find_mpi_need
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Job
from hpcrun.model.nodes import NodeClass, Partition
from hpcrun.model.site import Site

_FEATURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")


class Question(NamedTuple):
    """A job, a site, and what was read about the job's images and the site's MPI stacks."""

    job: Job
    site: Site
    images: dict[str, ImageFacts]
    """By OCI architecture name, in the order of the job."""
    stacks: dict[str, StackFacts]
    """By name in the profile; a stack without passport is missing here."""
    needs: dict[str, MpiNeed]
    """What each image needs of MPI."""
    partition_name: str | None
    partition: Partition | None
    """None where the job names none that the profile has."""
    classes: dict[str, NodeClass]
    """Node classes on which the job may land, with its constraint."""

    @property
    def n_tasks(self) -> int:
        """All tasks of the job."""
        return self.job.resources.n_tasks

    @property
    def ranks_per_node(self) -> int:
        """Tasks of the fullest node."""
        return -(-self.n_tasks // self.job.resources.nodes)


def gather(
    job: Job, site: Site, images: Mapping[str, ImageFacts], stacks: Mapping[str, StackFacts]
) -> Question:
    """Gather a question; an unknown partition leaves all node classes open."""
    name = job.submit.partition or site.default_partition
    partition = site.partitions.get(name) if name else None
    names = partition.node_classes if partition else tuple(site.node_classes)
    classes = {name: site.node_classes.get(name) or NodeClass() for name in names}
    return Question(
        job=job,
        site=site,
        images=dict(images),
        stacks=dict(stacks),
        needs={arch: find_mpi_need(facts, job_env=job.env) for arch, facts in images.items()},
        partition_name=name,
        partition=partition,
        classes=_constrained(classes, job.submit.constraint),
    )


def feature_names(constraint: str | None) -> tuple[str, ...] | None:
    """Return the features that a constraint asks for; None where it is more than names."""
    wanted = tuple(constraint.split("&")) if constraint else ()
    return wanted if all(map(_FEATURE.fullmatch, wanted)) else None


def _constrained(classes: dict[str, NodeClass], constraint: str | None) -> dict[str, NodeClass]:
    """Return the node classes that a constraint leaves; all where it leaves none (HPR111)."""
    wanted = feature_names(constraint)
    if not wanted:
        return classes
    left = {
        name: node
        for name, node in classes.items()
        if not is_known(node.features) or set(wanted) <= set(node.features)
    }
    return left or classes
