"""A plan for files here → the same plan for their copies at the site; copies nothing."""

from pathlib import Path, PurePosixPath

from hpcrun.model.plan import Plan, PlannedMount
from hpcrun.model.staging import IMAGE_TIME_S, WORK, Transfer


def relocate(plan: Plan, transfer: Transfer) -> Plan:
    """Return the plan with the paths that its job will find; relative ones are in the run's folder.

    So the script of a job is the same whatever its run will be called.
    """
    image = plan.image
    if transfer.image is not None:
        moved = {"path": transfer.image.at_site, "mtime_ns": IMAGE_TIME_S * 10**9}
        image = image.model_copy(update=moved)
    if transfer.workdir is None:
        return plan.model_copy(update={"image": image})
    mounts = tuple(_moved(mount, plan.workdir) for mount in plan.mounts)
    return plan.model_copy(update={"image": image, "workdir": WORK, "mounts": mounts})


def _moved(mount: PlannedMount, workdir: Path) -> PlannedMount:
    if not mount.host.is_relative_to(workdir):
        return mount
    host = WORK / mount.host.relative_to(workdir)
    # The working folder has the same path on both sides of the wall.
    is_same = PurePosixPath(mount.host) == mount.container
    container = PurePosixPath(host) if is_same else mount.container
    return mount.model_copy(update={"host": host, "container": container})
