"""Variables and mounts of a plan, each with its why; does not check the job's own."""

import posixpath
from pathlib import Path, PurePosixPath

from hpcrun.model.base import is_known, known
from hpcrun.model.image import Family, MpiLibrary, MpiUser
from hpcrun.model.plan import Layout, PlannedMount, PlannedVariable
from hpcrun.planner.candidates import Shape
from hpcrun.planner.intel_fabric import own_libfabric, provider_variables
from hpcrun.planner.judge import Judgement
from hpcrun.planner.question import Question
from hpcrun.planner.setting_conditions import setting_conditions
from hpcrun.tables import mpi_abi, mpi_settings
from hpcrun.tables.mpi_families import mpi_families

Environment = dict[str, PlannedVariable]


_NO_USER_SITE = {
    "PYTHONNOUSERSITE": PlannedVariable(
        value="1", why="an mpi4py below ~/.local would be loaded in place of the image's"
    )
}
"""Runtimes show the home folder, and Python looks there first (measured with Apptainer 1.4.5);
what was checked is the image's module. Python's site.py: a job's empty text undoes it."""


def plan_environment(
    question: Question, layout: Layout, shape: Shape | None, judgement: Judgement | None
) -> Environment:
    """Return every variable set inside the container, in alphabetical order."""
    planned: Environment = {}
    if shape is not None and judgement is not None and shape.model in ("hybrid", "bind"):
        users = question.needs[shape.image_arch].users
        planned |= _NO_USER_SITE if any(map(_is_python_module, users)) else {}
        planned |= _settings(question, layout, shape, judgement)
        planned |= _own_fabric(question, shape, judgement)
        planned |= pinned_variables(question, shape, judgement)
    for name, value in question.job.env.items():
        planned[name] = _joined(name, value, planned.get(name))
    return dict(sorted(planned.items()))


def _is_python_module(user: MpiUser) -> bool:
    return any(part.endswith("-packages") for part in PurePosixPath(user.path).parts)


def pinned_variables(question: Question, shape: Shape, judgement: Judgement) -> Environment:
    """Return the variables that decide which MPI library is loaded."""
    library = judgement.library
    if library is None:
        return {}
    pinned: Environment = {}
    path = library.path
    if shape.model == "bind":
        stack = question.site.mpi_stacks[shape.mpi_stack or ""]
        path = host_library_path(question, shape.mpi_stack or "", library)
        fabric = own_libfabric(question, shape, library)
        used = (
            path,
            *([host_path(question, shape.mpi_stack or "", fabric.path)] if fabric else ()),
        )
        pinned["LD_LIBRARY_PATH"] = PlannedVariable(
            value=":".join(
                dict.fromkeys(
                    (*map(posixpath.dirname, used), *_own_folders(question, shape.image_arch))
                )
            ),
            why=f"host stack `{shape.mpi_stack}` is loaded before any MPI of the image",
        )
        if library.family == Family.OPENMPI:
            pinned["OPAL_PREFIX"] = PlannedVariable(
                value=str(stack.prefix), why="Open MPI finds its own plugins and help there"
            )
    for user in question.needs[shape.image_arch].choosers:
        if (row := mpi_abi().chooser(user.path)) is not None:
            module = "/".join(PurePosixPath(user.path).parts[-2:])
            pinned[row.variable] = PlannedVariable(
                value=path, why=f"{module} looks for its MPI library at run time"
            )
    return pinned


def _own_folders(question: Question, arch: str) -> list[str]:
    """Return where an image looks for libraries: what the script sets would take their place."""
    path = question.images[arch].container.environment.get("LD_LIBRARY_PATH", "")
    return [folder for folder in path.split(":") if folder.startswith("/")]


def _own_fabric(question: Question, shape: Shape, judgement: Judgement) -> Environment:
    """Return what the libfabric of an Intel MPI needs."""
    library = judgement.library
    fabric = own_libfabric(question, shape, library) if library else None
    if fabric is None:
        return {}
    path = fabric.path
    if shape.model == "bind":
        path = host_path(question, shape.mpi_stack or "", path)
    image_env = question.images[shape.image_arch].container.environment
    return provider_variables(question, shape, path, image_env)


def host_library_path(question: Question, name: str, library: MpiLibrary) -> str:
    """Return where a host library is once the stack's prefix is mounted at its own path."""
    return host_path(question, name, library.path)


def host_path(question: Question, name: str, read_path: str) -> str:
    """Return where a file of a host stack is once the stack's prefix is mounted at its own path.

    A passport may have been read elsewhere (through a link, or from outside the nodes), so only its
    path below the prefix counts.
    """
    read_at = PurePosixPath(question.stacks[name].prefix)
    prefix = PurePosixPath(_prefix_of(question, name))
    path = PurePosixPath(read_path)
    if path.is_relative_to(read_at):
        return str(prefix / path.relative_to(read_at))
    return str(path)


def _prefix_of(question: Question, name: str) -> Path:
    """Return where a stack lies that a plan binds; one that lies nowhere is never bound."""
    prefix = question.site.mpi_stacks[name].prefix
    assert prefix is not None, name  # noqa: S101
    return prefix


def plan_mounts(question: Question, shape: Shape | None) -> tuple[PlannedMount, ...]:
    """Return every host path that the container sees, outer ones first.

    Mounts are made in this order, so none hides one that lies deeper.
    """
    job = question.job
    mounts = []
    if not any(mount.host == job.workdir == Path(mount.container) for mount in job.mounts):
        workdir = PlannedMount(
            host=job.workdir,
            container=PurePosixPath(job.workdir),
            mode="rw",
            why="the job's working folder, at the same path on both sides",
        )
        mounts.append(workdir)
    if shape is not None and shape.model == "bind":
        prefix = _prefix_of(question, shape.mpi_stack or "")
        mounts.append(
            PlannedMount(
                host=prefix,
                container=PurePosixPath(prefix),
                mode="ro",
                why=f"host stack `{shape.mpi_stack}`, at the path that it was built for",
            )
        )
    mounts += [
        PlannedMount(host=m.host, container=m.container, mode=m.mode, why="the job asks for it")
        for m in job.mounts
    ]
    return tuple(sorted(mounts, key=lambda mount: len(mount.container.parts)))


def _joined(name: str, value: str, planned: PlannedVariable | None) -> PlannedVariable:
    """Take the job's own value, but keep a library path of the plan in front of it."""
    if name == "LD_LIBRARY_PATH" and planned is not None:
        return PlannedVariable(
            value=f"{planned.value}:{value}", why=f"{planned.why}; then what the job asks for"
        )
    return PlannedVariable(value=value, why="the job asks for it")


def _settings(
    question: Question, layout: Layout, shape: Shape, judgement: Judgement
) -> Environment:
    client = judgement.client
    if client is None:
        return {}
    family = "any"
    if is_known(client.family):
        family = mpi_families().family_inside(client.family, client.implementation)
    conditions = setting_conditions(question, layout, shape, judgement)
    return {
        row.variable: PlannedVariable(value=row.value, why=row.why)
        for row in mpi_settings()
        if row.fits(family, known(client.version), conditions)
    }
