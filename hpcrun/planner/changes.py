"""What could be otherwise in a job, an image or a site; does not say whether it would help.

Every change is carried out on the facts, so that what it would do is judged by the same rules as
what is there (planner/what_if.py).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from hpcrun.compat.architecture import image_archs
from hpcrun.compat.need import find_mpi_need
from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.diagnostic import Role
from hpcrun.model.image import ImageFacts, MpiLibrary, MpiUser, PmiAbility
from hpcrun.model.nodes import Emulation, NodeClass
from hpcrun.model.site import Pmix
from hpcrun.planner.candidates import Shape
from hpcrun.planner.question import Question
from hpcrun.tables import architectures
from hpcrun.tables.fabrics import fabrics
from hpcrun.tables.typical_builds import TypicalBuild, typical_builds

_GLIBC = ("2.17", "2.27", "2.28", "2.31", "2.34", "2.36", "2.38", "2.41")
"""Of common distributions (tables/distributions.yaml)."""
_PMIX_SERVERS = ("3.2.5", "4.2.9", "5.0.7")
_HANDLER = {"emulator": "qemu-user", "version": "7.2.22", "flags": "F"}
"""The emulator under which most was measured (tables/emulators.yaml)."""

Apply = Callable[[Question], Question]


class Change(NamedTuple):
    """One thing that could be otherwise."""

    kind: str
    """Of changes of one kind only one is made at a time."""
    text: str
    """Reads after "would work if"; `{value}` is the value."""
    role: Role
    """Who could make it so."""
    apply: Apply
    value: str = ""
    is_open: bool = False
    """Whether whatever is higher than the value would do as well."""


def changes_for(question: Question, shape: Shape) -> Iterator[Change]:
    """Yield what could be otherwise for one candidate."""
    yield from _site_changes(question, shape)
    yield from _node_changes(question, shape)
    yield from _image_changes(question, shape)
    if shape.model == "bind":
        yield from _program_changes(question, shape)
    if question.n_tasks > 1:
        yield Change("tasks", "the job had one task", Role.USER, _one_task)
    if question.job.resources.nodes > 1:
        yield Change("nodes", "all tasks were on one node", Role.USER, _one_node)


def _site_changes(question: Question, shape: Shape) -> Iterator[Change]:
    site = question.site
    admin = Role.SITE_ADMIN
    types, kind = site.scheduler.mpi_types, shape.srun_mpi
    if kind is not None and not (is_known(types) and kind in types):
        offered = (*(types if is_known(types) else ()), kind)
        yield Change(
            "srun-type",
            f"the site's srun offered `--mpi={kind}`, and its profile said so",
            admin,
            partial(_with_scheduler, mpi_types=offered),
        )
    for server in _PMIX_SERVERS:
        pmix = (site.scheduler.pmix or Pmix()).model_copy(update={"server": server})
        yield Change(
            "pmix-server",
            "the PMIx of the site's Slurm were {value}, and its profile said so",
            admin,
            partial(_with_scheduler, pmix=pmix),
            server,
        )
    if site.runtime.user_bind is not True:
        runtime = site.runtime.model_copy(update={"user_bind": True})
        text = "the site let users mount host folders, and its profile said so"
        yield Change("user-bind", text, admin, partial(_with_site, runtime=runtime))


def _node_changes(question: Question, shape: Shape) -> Iterator[Change]:
    facts = question.images[shape.image_arch]
    archs = image_archs(facts)
    if not archs:
        return
    if any(node.arch != archs[0] for node in question.classes.values()):
        yield Change(
            "node-arch",
            f"the nodes were {archs[0]}: another partition or site",
            Role.USER,
            partial(_with_nodes, arch=archs[0]),
        )
    if shape.execution == "emulated":
        handlers = tuple(Emulation.model_validate({"arch": arch, **_HANDLER}) for arch in archs)
        text = (
            f"the nodes had a handler for {archs[0]} programs with flag F "
            f"({_HANDLER['emulator']} {_HANDLER['version']}), and the profile said so"
        )
        yield Change("handler", text, Role.SITE_ADMIN, partial(_with_nodes, emulation=handlers))


def _image_changes(question: Question, shape: Shape) -> Iterator[Change]:
    arch = shape.image_arch
    facts = question.images[arch]
    author = Role.IMAGE_AUTHOR
    for name in dict.fromkeys(node.arch for node in question.classes.values()):
        if is_known(name) and name not in image_archs(facts):
            text = f"the image were for {name} (`{architectures().oci_of(name)}`)"
            yield Change("image-arch", text, author, _with_image(arch, partial(_for, arch=name)))
    if not facts.is_complete:
        text = "the whole image could be read"
        yield Change("unread", text, author, _with_image(arch, _whole))
    if shape.model == "hybrid":
        for build in typical_builds():
            text = f"the image had {build.name}, as distributions build it"
            change = _with_image(arch, partial(_with_build, build=build))
            yield Change("image-mpi", text, author, change)
        if any(fabrics().is_fast(n.fabric.kind) for n in question.classes.values()):
            text = "the image's MPI had the network libraries for the nodes' network"
            yield Change("network", text, author, _with_network)


def _program_changes(question: Question, shape: Shape) -> Iterator[Change]:
    arch, name = shape.image_arch, shape.mpi_stack or ""
    author = Role.IMAGE_AUTHOR
    for version in _GLIBC:
        yield Change(
            "glibc",
            "the image's C library were glibc {value}",
            author,
            _with_image(arch, partial(_with_glibc, version=version)),
            version,
            is_open=version == _GLIBC[-1],
        )
    if any(user.rpath for user in question.needs[arch].users):
        text = "the program had a RUNPATH, or none, in place of its RPATH (`patchelf`)"
        yield Change("rpath", text, author, _with_image(arch, partial(_with_users, change=_bare)))
    stack = question.stacks.get(name)
    for library in stack.libraries if stack else ():
        text = f"the program were built with an MPI of the family of `{name}` ({library.soname})"
        change = _with_image(arch, partial(_built_for, library=library))
        yield Change("built-for", text, author, change)
    lacking = (*(stack.closure_missing if stack else ()), *(stack.closure_outside if stack else ()))
    if lacking:
        sonames = tuple(path.rpartition("/")[2] for path in lacking)
        text = f"the image had the further libraries that `{name}` needs"
        yield Change(
            "closure",
            text,
            author,
            _with_image(arch, partial(_with_sonames, sonames=sonames)),
        )


def _one_task(question: Question) -> Question:
    return _with_resources(question, nodes=1, tasks=1, tasks_per_node=None)


def _one_node(question: Question) -> Question:
    return _with_resources(question, nodes=1, tasks=question.n_tasks, tasks_per_node=None)


def _with_resources(question: Question, **changes: Any) -> Question:
    resources = question.job.resources.model_copy(update=changes)
    return question._replace(job=question.job.model_copy(update={"resources": resources}))


def _with_site(question: Question, **changes: Any) -> Question:
    return question._replace(site=question.site.model_copy(update=changes))


def _with_scheduler(question: Question, **changes: Any) -> Question:
    return _with_site(question, scheduler=question.site.scheduler.model_copy(update=changes))


def _with_nodes(question: Question, **changes: Any) -> Question:
    def changed(classes: dict[str, NodeClass]) -> dict[str, NodeClass]:
        return {name: node.model_copy(update=changes) for name, node in classes.items()}

    there = changed(question.site.node_classes)
    return _with_site(question, node_classes=there)._replace(classes=changed(question.classes))


def _with_image(arch: str, change: Callable[[ImageFacts], ImageFacts]) -> Apply:
    def apply(question: Question) -> Question:
        facts = change(question.images[arch])
        need = find_mpi_need(facts, job_env=question.job.env)
        return question._replace(
            images=question.images | {arch: facts}, needs=question.needs | {arch: need}
        )

    return apply


def _with_users(facts: ImageFacts, change: Callable[[MpiUser], MpiUser]) -> ImageFacts:
    users = tuple(map(change, facts.mpi_users))
    command = facts.command
    if command is not None and is_known(command.mpi_users):
        own = tuple(map(change, command.mpi_users))
        command = command.model_copy(update={"mpi_users": own})
    return facts.model_copy(update={"mpi_users": users, "command": command})


def _bare(user: MpiUser) -> MpiUser:
    return user.model_copy(update={"rpath": (), "rule": ""})


def _whole(facts: ImageFacts) -> ImageFacts:
    return facts.model_copy(update={"is_complete": True, "unread": ()})


def _with_glibc(facts: ImageFacts, version: str) -> ImageFacts:
    libc = facts.libc.model_copy(update={"kind": "glibc", "version": version})
    return facts.model_copy(update={"libc": libc})


def _with_sonames(facts: ImageFacts, sonames: tuple[str, ...]) -> ImageFacts:
    return facts.model_copy(update={"sonames": (*facts.sonames, *sonames)})


def _for(facts: ImageFacts, arch: str) -> ImageFacts:
    program = facts.program
    if program is not None:
        program = program.model_copy(update={"arch": arch})
    libraries = tuple(library.model_copy(update={"arch": arch}) for library in facts.mpi)
    changes = {
        "declared_arch": arch,
        "program_archs": {arch: max(1, sum(facts.program_archs.values()))},
        "program": program,
        "mpi": libraries,
    }
    return facts.model_copy(update=changes)


def _with_build(facts: ImageFacts, build: TypicalBuild) -> ImageFacts:
    """Return an image whose programs were built with another MPI, its network libraries kept."""
    path = f"/usr/lib/{build.soname}"
    library = MpiLibrary(
        family=build.family,
        version=build.version,
        path=path,
        soname=build.soname,
        file_name=build.soname,
        arch=facts.arch,
        pmi=tuple(
            PmiAbility(kind=pmi.kind, version=pmi.version, evidence=f"as in {build.name}")
            for pmi in build.pmi
        ),
        fabrics=facts.mpi[0].fabrics if facts.mpi else (),
    )
    program = facts.program.path if facts.program and facts.program.path else "the program"
    user = MpiUser(path=program, needed=build.soname, library=path)
    return facts.model_copy(update={"mpi": (library,), "mpi_users": (user,), "command": None})


def _with_network(question: Question) -> Question:
    nodes = {
        name: node.model_copy(
            update={"fabric": node.fabric.model_copy(update={"kind": "ethernet"})}
        )
        for name, node in question.classes.items()
    }
    # To reach the network is to have nothing to object: as where there is none but Ethernet.
    return question._replace(classes=nodes)


def _built_for(facts: ImageFacts, library: MpiLibrary) -> ImageFacts:
    """Return an image whose programs need that library, and have none of their own."""

    def rebuilt(user: MpiUser) -> MpiUser:
        changes = {
            "needed": library.soname,
            "library": None,
            "rpath": (),
            "runpath": (),
            "symbols": ApiNames() if is_known(user.symbols) else UNKNOWN,
            "companions": (),
            "families": (),
        }
        return user.model_copy(update=changes)

    return _with_users(facts.model_copy(update={"mpi": ()}), rebuilt)
