"""Start a sandbox and wait for its Slurm; what it is made of, and of whom, other modules know."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hpcrun.errors import HpcrunError, MissingInputError, UnavailableError, UsageError, WriteError
from hpcrun.sandbox import (
    accounting,
    cgroups,
    machine,
    parts,
    registration,
    shared_folder,
    ssh_server,
    wheels,
)
from hpcrun.sandbox.box import BoxParts, StartedBox
from hpcrun.sandbox.cluster_files import UNIFIED, Cluster
from hpcrun.sandbox.emulation import Emulation, choose_nodes, provide
from hpcrun.sandbox.end import end_box, remove_traces
from hpcrun.sandbox.enter import InsideCommand, capture_inside
from hpcrun.sandbox.folder import read_slurm, refresh_own_code, write_folder
from hpcrun.sandbox.hardware import read_hardware
from hpcrun.sandbox.identity import Identity, find_identity
from hpcrun.sandbox.imitation import find_gaps
from hpcrun.sandbox.lock import locked
from hpcrun.sandbox.options import settle
from hpcrun.sandbox.places import DEFAULT_NAME, Places, places, telling_whose
from hpcrun.sandbox.progress import Progress, Silent
from hpcrun.sandbox.shape import DEFAULT_NODES, Shape, plan_shape
from hpcrun.sandbox.state import ProcessMark, State, read_process_mark, read_running, write_state
from hpcrun.sandbox.versions import (
    SandboxVersion,
    check_mpi_default,
    default_version,
    find_like,
    find_version,
)
from hpcrun.sandbox.wanted import Wanted, check_same

_READY_S = 60.0
_DATABASE_READY_S = 60.0
_POLL_S = 0.1
_NO_FUSE = (
    "/dev/fuse cannot be used by every user of this machine, so images are unpacked at each start "
    "instead of mounted, which is slow for large ones (root: chmod 666 /dev/fuse)"
)
_ANYTHING = Wanted()


@dataclass(frozen=True)
class _Plan:
    """Everything that is known before anything is made."""

    where: Places
    version: SandboxVersion
    shape: Shape
    identity: Identity
    wanted: Wanted
    shows: Progress


def up(
    name: str = DEFAULT_NAME, wanted: Wanted = _ANYTHING, *, progress: Progress | None = None
) -> State:
    """Start the sandbox of that name unless it runs, and return once its Slurm takes jobs."""
    where = places(name)
    shows = progress or Silent()
    running = read_running(where)
    if running is None:
        version = _choose_version(where, wanted)
        shape = plan_shape(wanted.like, wanted.n_nodes, read_hardware())
        identity = _identity(wanted, version)
        plan = _Plan(where, version, shape, identity, wanted, shows)
        _check(plan)
        with _writing(where), locked(where.root):
            # Another process may have started it while this one waited for the lock.
            running = read_running(where)
            if running is None:
                return _start_and_finish(plan)
    check_same(running, wanted)
    _finish(where, running, shows)
    return running


def _choose_version(where: Places, wanted: Wanted) -> SandboxVersion:
    """Return the version that is asked for, else the one it was made with, else the site's."""
    made = read_slurm(where)
    like = find_like(wanted.like) if wanted.like else None
    version = find_version(wanted.slurm or made or (like or default_version()).slurm)
    if made is not None and made != version.slurm:
        raise UsageError(
            f"sandbox `{where.name}` was made with Slurm {made}, whose jobs {version.slurm} "
            "cannot take over",
            help=[
                "keep both: choose another --name",
                f"make it anew: hpcrun sandbox purge --name {where.name}",
            ],
        )
    return accounting.add_packages(version) if wanted.options.accounting else version


def _identity(wanted: Wanted, version: SandboxVersion) -> Identity:
    """Return who is who inside, as control groups want it where they are asked for."""
    identity = find_identity()
    if wanted.options.cgroup:
        found = cgroups.read_hierarchies()
        _check_groups(found, version, is_root=identity.maps.is_privileged)
        settled = cgroups.settle_identity(identity, found.version)
        if settled.maps != identity.maps:
            return replace(settled, other=identity)
        identity = settled
    if identity.maps.is_privileged:
        return replace(identity, other=cgroups.with_root(identity))
    return identity


def _check_groups(found: cgroups.Hierarchies, version: SandboxVersion, *, is_root: bool) -> None:
    """Refuse where there are no control groups, or none that this Slurm knows."""
    cgroups.check_groups(found, is_root=is_root)
    if found.version == UNIFIED and not version.cgroup_v2_conf:
        raise UnavailableError(
            f"Slurm {version.slurm} knows control groups of version 1 only, and this machine has "
            "version 2 of them",
            help=["choose a later Slurm with --slurm", "or leave `--cgroup` out"],
        )


def _check(plan: _Plan) -> None:
    """Refuse what cannot work, before anything is made."""
    share = plan.wanted.share
    emulating = choose_nodes(plan.wanted.emulation, plan.shape.nodes)
    if plan.wanted.options.register_emulation:
        registration.check(is_needed=bool(emulating))
    check_mpi_default(plan.version, plan.wanted.options.mpi_default)
    cache, root, maps = plan.where.cache, plan.where.root, plan.identity.maps
    names = parts.part_names(plan.version, plan.identity)
    is_root_cached = all((cache / name).is_dir() for name in (names.root, names.tools))
    machine.check_tools(
        is_root_cached=is_root_cached,
        is_privileged=maps.is_privileged,
        has_ssh=plan.wanted.options.ssh,
    )
    with telling_whose(plan.where):
        if not plan.where.is_free and not plan.where.is_sandbox:
            raise WriteError(
                f"`{plan.where.folder}` is in the way: it is no sandbox",
                help=["choose another --name, or another HPCRUN_SANDBOX_DIR"],
            )
    machine.check_disk(root, is_root_cached=is_root_cached)
    machine.check_namespaces(maps, root)
    if not all((cache / name).is_dir() for name in (names.stacks, names.python)):
        wheels.find_pip()
    if share is not None:
        shared_folder.check_share(share, plan.identity.user)


def _start_and_finish(plan: _Plan) -> State:
    """Start the sandbox; one that does not become ready is ended again."""
    state = _start(plan)
    try:
        _finish(plan.where, state, plan.shows)
    except BaseException:
        end_box(state)
        remove_traces(plan.where)
        raise
    return state


@contextmanager
def _writing(where: Places) -> Iterator[None]:
    """Turn refusals of the file system into our own error, and leave no empty folders behind."""
    mask = os.umask(0o022)
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"cannot write the sandbox's files: {error}",
            help=["HPCRUN_SANDBOX_DIR names another folder for them"],
        ) from error
    finally:
        os.umask(mask)
        for folder in (where.cache, where.root):
            with suppress(OSError):
                folder.rmdir()


def _start(plan: _Plan) -> State:
    """Make what is missing, write the configuration, start the box and note that it runs."""
    where, version, shows = plan.where, plan.version, plan.shows
    remove_traces(where)  # of one that was killed
    made = parts.make_parts(where, version, plan.identity, shows)
    cluster, warnings = _cluster(plan, made)
    shown = _box_parts(plan, cluster, made)
    write_folder(where, cluster, made, plan.identity.maps)
    shows.step(f"starting {len(cluster.compute_nodes)} nodes and Slurm {version.slurm}")
    box = StartedBox(plan.identity.maps, shown)
    mark = read_process_mark(box.pid)
    if mark is None:
        raise UnavailableError("the box of the sandbox ended while it was made")
    warnings += plan.identity.warnings + (() if box.has_fuse else (_NO_FUSE,))
    state = _state(plan, cluster, mark, warnings)
    write_state(where, state)
    box.let_go()
    for warning in warnings:
        shows.warn(warning)
    return state


def _cluster(plan: _Plan, made: parts.Parts) -> tuple[Cluster, tuple[str, ...]]:
    """Return what it is to be, and what of it cannot be had here."""
    emulation, warnings = _find_emulation(plan, plan.shape.nodes)
    share = plan.wanted.share
    cluster = Cluster(
        name=plan.where.name,
        shape=plan.shape,
        hardware=read_hardware(),
        user=parts.usable_name(plan.identity.user, made.root),
        share=str(plan.where.share if share is None else share.resolve()),
        version=plan.version,
        emulation=emulation,
        options=settle(plan.wanted.options),
        groups=cgroups.read_hierarchies().version if plan.wanted.options.cgroup else None,
    )
    return cluster, warnings


def _state(plan: _Plan, cluster: Cluster, mark: ProcessMark, warnings: tuple[str, ...]) -> State:
    return State(
        name=cluster.name,
        init=mark,
        slurm=cluster.version.slurm,
        nodes=cluster.compute_nodes,
        share=cluster.share,
        user=cluster.user.name,
        uid=cluster.user.uid,
        gid=cluster.user.gid,
        emulation=cluster.emulation.nodes if cluster.emulation else (),
        options=replace(cluster.options, mpi_default=cluster.mpi_default),
        partitions=tuple(one.name for one in plan.shape.partitions),
        n_nodes=plan.wanted.n_nodes or DEFAULT_NODES,
        like=plan.shape.like,
        notes=find_gaps(plan.wanted.like, cluster) if plan.wanted.like else (),
        warnings=warnings,
    )


def _box_parts(plan: _Plan, cluster: Cluster, made: parts.Parts) -> BoxParts:
    server = None
    if cluster.options.ssh:
        server = ssh_server.provide(plan.where, plan.version, plan.identity, plan.shows)
    folder, maps = plan.where.folder, plan.identity.maps
    emulator = cluster.emulation.emulator if cluster.emulation else None
    return BoxParts(
        root=made.root,
        state=plan.where.folder,
        stacks=made.stacks,
        python=made.python,
        tools=made.tools,
        share=Path(cluster.share),
        emulator=emulator.folder if emulator else None,
        handler=emulator.handler if emulator and cluster.options.register_emulation else None,
        sshd=server,
        groups=cgroups.make_groups(folder, cluster.nodes) if cluster.groups == 1 else {},
        adopt=cgroups.adopter(folder, maps) if cluster.groups == UNIFIED else None,
    )


def _find_emulation(
    plan: _Plan, nodes: tuple[str, ...]
) -> tuple[Emulation | None, tuple[str, ...]]:
    """Return what emulates where, and why nothing does although nobody forbade it."""
    chosen = choose_nodes(plan.wanted.emulation, nodes)
    if not chosen:
        return None, ()
    registers = plan.wanted.options.register_emulation
    try:
        emulator = provide(plan.where, plan.identity, plan.shows, registers=registers)
    except (UnavailableError, MissingInputError) as error:
        if plan.wanted.emulation is not None or registers:
            raise
        return None, (f"no node emulates other processors: {error.message}",)
    return Emulation(emulator, chosen), ()


def _finish(where: Places, state: State, shows: Progress) -> None:
    """Return when Slurm takes jobs and the login node has today's hpcrun."""
    patience_s = _READY_S + (_DATABASE_READY_S if state.options.accounting else 0)
    ends = time.monotonic() + patience_s
    said = ""
    while time.monotonic() < ends and state.is_running:
        shows.tick()
        is_ready, said = _look(state)
        if is_ready:
            refresh_own_code(where, state)
            return
        time.sleep(_POLL_S)
    what = f"was not ready within {patience_s:.0f} s" if state.is_running else "ended by itself"
    raise UnavailableError(
        f"sandbox `{state.name}` {what}",
        help=[f"its last answer: {said.strip() or 'none'}", f"its logs: {where.logs}"],
    )


def _look(state: State) -> tuple[bool, str]:
    """Whether every node takes jobs and, where there are to be records, they can be read."""
    code, said = _ask(state, ("sinfo", "--noheader", "--Node", "--format=%N %T"))
    # A node of two partitions has two lines.
    states = dict(line.split() for line in said.splitlines()) if code == 0 else {}
    if len(states) != len(state.nodes) or any(map(_is_away, states.values())):
        return False, said
    code, said = _ask(state, accounting.QUESTION) if state.options.accounting else (0, "")
    return code == 0, said


def _ask(state: State, argv: tuple[str, ...]) -> tuple[int, str]:
    try:
        return capture_inside(state, InsideCommand(argv))
    except HpcrunError as error:
        return 1, error.message


def _is_away(state: str) -> bool:
    """Whether Slurm gives this node no jobs; `*` is a node that does not answer."""
    return state.endswith("*") or state in {
        "down",
        "unknown",
        "drained",
        "draining",
        "fail",
        "inval",
    }
