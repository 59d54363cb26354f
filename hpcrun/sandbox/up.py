"""Start a sandbox: check the machine, make or find what it is made of, start the box, wait for Slurm."""

import os
import secrets
import shutil
import time
from pathlib import Path

from hpcrun.errors import (
    MissingInputError,
    NotPermittedError,
    UnavailableError,
    UsageError,
)
from hpcrun.sandbox import cache, cluster_files, machine, profile, rootfs, wheels
from hpcrun.sandbox.box import BoxParts, StartedBox
from hpcrun.sandbox.cluster_files import Cluster
from hpcrun.sandbox.down import end_box
from hpcrun.sandbox.enter import InsideCommand, capture_inside
from hpcrun.sandbox.hardware import read_hardware
from hpcrun.sandbox.identity import Identity, JobUser, find_identity
from hpcrun.sandbox.lock import locked
from hpcrun.sandbox.own_code import read_requirements, write_own_code
from hpcrun.sandbox.places import DEFAULT_NAME, Places, places
from hpcrun.sandbox.progress import Progress, Silent
from hpcrun.sandbox.state import State, read_process_mark, read_running, write_state
from hpcrun.sandbox.versions import SandboxVersion, default_version

DEFAULT_NODES = 2
_MOST_NODES = 200
_READY_S = 15.0
_POLL_S = 0.2
_SYSTEM_FOLDERS = (
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/opt",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
)
_MORE_SYSTEM_FOLDERS = ("/usr", "/var")


def up(
    name: str = DEFAULT_NAME,
    *,
    n_nodes: int | None = None,
    share: Path | None = None,
    progress: Progress | None = None,
) -> State:
    """Start the sandbox of that name unless it runs, and return once its Slurm takes jobs."""
    where = places(name)
    shows = progress or Silent()
    running = read_running(where)
    if running is None:
        identity = find_identity()
        _check(where, identity, n_nodes, share)
        with locked(where.root):
            running = read_running(where) or _start(
                where, identity, n_nodes or DEFAULT_NODES, share, shows
            )
    _check_same(running, n_nodes, share)
    _await_slurm(where, running, shows)
    return running


def _check(where: Places, identity: Identity, n_nodes: int | None, share: Path | None) -> None:
    """Refuse what cannot work, before anything is made."""
    if n_nodes is not None and not 1 <= n_nodes <= _MOST_NODES:
        raise UsageError(f"a sandbox has 1 to {_MOST_NODES} nodes, not {n_nodes}")
    is_root_cached = (where.cache / _root_name(default_version(), identity)).is_dir()
    machine.check_tools(is_root_cached=is_root_cached, is_privileged=identity.maps.is_privileged)
    machine.check_disk(where.root, is_root_cached=is_root_cached)
    machine.check_namespaces(identity.maps)
    if share is not None:
        _check_share(share, identity.user)


def _check_share(share: Path, user: JobUser) -> None:
    if not share.is_dir():
        raise MissingInputError(f"the shared folder `{share}` does not exist")
    folder = str(share.resolve())
    for taken in (*_SYSTEM_FOLDERS, *_MORE_SYSTEM_FOLDERS, user.home):
        if folder == "/" or folder == taken or folder.startswith(f"{taken}/"):
            raise UsageError(
                f"`{folder}` cannot be shared at the same path: nodes have their own `{taken}`",
                help=["choose a folder below /home, /srv, /data or the like"],
            )
    owner = share.stat()
    if owner.st_uid != user.uid_outside and not owner.st_mode & 0o002:
        raise NotPermittedError(
            f"the job user (uid {user.uid_outside}) could not write to the shared folder `{share}`",
            help=[f"chown {user.uid_outside}:{user.gid_outside} {share}"],
        )


def _check_same(running: State, n_nodes: int | None, share: Path | None) -> None:
    """Refuse to take a running sandbox for the different one that was asked for."""
    differs = []
    if n_nodes is not None and n_nodes != len(running.nodes):
        differs.append(f"{len(running.nodes)} nodes, not {n_nodes}")
    if share is not None and str(share.resolve()) != running.share:
        differs.append(f"shares `{running.share}`, not `{share}`")
    if differs:
        raise UsageError(
            f"sandbox `{running.name}` already runs, and has {' and '.join(differs)}",
            help=[f"end it first: hpcrun sandbox down --name {running.name}"],
        )


def _root_name(version: SandboxVersion, identity: Identity) -> str:
    key = cache.recipe_key(rootfs.recipe(version), identity.key, os.uname().machine)
    return f"root-{version.suite}-{key}"


def _start(
    where: Places, identity: Identity, n_nodes: int, share: Path | None, shows: Progress
) -> State:
    version = default_version()
    parts = _make_parts(where, version, identity, share, shows)
    cluster = Cluster(
        name=where.name,
        n_nodes=n_nodes,
        hardware=read_hardware(),
        user=_named(identity.user, parts.root),
        share=str(parts.share),
    )
    _write_folder(where, version, cluster)
    shows.step(f"starting {n_nodes} nodes and Slurm {version.slurm}")
    box = StartedBox(identity.maps, parts)
    mark = read_process_mark(box.pid)
    if mark is None:
        raise UnavailableError("the box of the sandbox ended while it was made")
    state = State(
        name=where.name,
        init=mark,
        slurm=version.slurm,
        nodes=cluster.compute_nodes,
        share=cluster.share,
        user=cluster.user.name,
        uid=cluster.user.uid,
        gid=cluster.user.gid,
    )
    write_state(where, state)
    box.let_go()
    return state


def _make_parts(
    where: Places,
    version: SandboxVersion,
    identity: Identity,
    share: Path | None,
    shows: Progress,
) -> BoxParts:
    """Find in the cache, or make, what the nodes are made of."""
    maps = identity.maps
    root = cache.keep(
        where.cache,
        _root_name(version, identity),
        maps,
        lambda new: rootfs.build_root(version, maps, new, shows, mirror=rootfs.read_mirror()),
    )
    tags = wheels.platform_tags(version)
    stacks = cache.keep(
        where.cache,
        f"stacks-{cache.recipe_key(version.stacks, tags)}",
        maps,
        lambda new: wheels.fetch_stacks(version, new, shows),
    )
    needs = read_requirements()
    python = cache.keep(
        where.cache,
        f"python-{cache.recipe_key(needs, version.python, tags)}",
        maps,
        lambda new: wheels.fetch_dependencies(version, needs, new, shows, root=root, maps=maps),
    )
    own_share = where.share if share is None else share.resolve()
    return BoxParts(root=root, state=where.folder, stacks=stacks, python=python, share=own_share)


def _named(user: JobUser, root: Path) -> JobUser:
    """Take another name where the caller's is that of a system user of the nodes."""
    taken = {line.partition(":")[0] for line in (root / "etc/passwd").read_text().splitlines()}
    if user.name not in taken:
        return user
    return JobUser("researcher", user.uid, user.gid, user.uid_outside, user.gid_outside)


def _write_folder(where: Places, version: SandboxVersion, cluster: Cluster) -> None:
    """Write everything that the box and its nodes read."""
    folder = where.folder
    for name in ("logs", "nodes", "slurmctld", "dev", "share", "home", "app"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for own in (where.share, where.home):
        own.chmod(0o755)
        os.chown(own, cluster.user.uid_outside, cluster.user.gid_outside)
    shutil.copytree(rootfs.inside_folder(), folder / "inside", dirs_exist_ok=True)
    write_own_code(folder / "app")

    key = secrets.token_bytes(1024)
    for place, content in (
        ("settings.sh", cluster_files.format_settings(cluster)),
        ("etc/hosts", cluster_files.format_hosts(cluster)),
        ("etc/slurm/slurm.conf", cluster_files.format_slurm_conf(cluster)),
        ("etc/slurm/cgroup.conf", cluster_files.format_cgroup_conf()),
        (
            f"etc-login/hpcrun/sites/{where.name}.yaml",
            profile.format_profile(cluster, version, "local"),
        ),
        (
            f"sites/{where.name}.yaml",
            profile.format_profile(cluster, version, profile.access_from_outside(where.name)),
        ),
    ):
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    file = folder / "etc/slurm/slurm.key"
    file.touch(mode=0o600)
    file.write_bytes(key)


def _await_slurm(where: Places, state: State, shows: Progress) -> None:
    """Return when every node takes jobs."""
    asked = InsideCommand(("sinfo", "--noheader", "--Node", "--format=%T"))
    ends = time.monotonic() + _READY_S
    said = ""
    while time.monotonic() < ends and state.is_running:
        shows.tick()
        try:
            code, said = capture_inside(state, asked)
        except UnavailableError as error:
            code, said = 1, error.message
        states = said.split()
        if code == 0 and len(states) == len(state.nodes) and not any(map(_is_away, states)):
            return
        time.sleep(_POLL_S)
    end_box(state)
    raise UnavailableError(
        f"Slurm in sandbox `{state.name}` was not ready within {_READY_S:.0f} s",
        help=[f"last answer: {said.strip() or 'none'}", f"logs: {where.logs}"],
    )


def _is_away(state: str) -> bool:
    return state.rstrip("*$~#") in {"down", "unknown", "drained", "drain", "fail"} or "*" in state
