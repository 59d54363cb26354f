"""Checks of command, image, paths, variables and runtime for the plan; no MPI, no layout."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hpcrun.compat.evidence import in_profile, listed
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.container import ImageKind
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.image import ImageFacts
from hpcrun.model.job import Image
from hpcrun.model.plan import PlannedMount
from hpcrun.model.seen import Certainty
from hpcrun.model.site import Site
from hpcrun.planner.diagnose import diagnose
from hpcrun.planner.environment import Environment
from hpcrun.planner.question import Question
from hpcrun.tables import architectures

_NOT_EACH_WAY = "not every way through the script surely leads there"
_LAUNCHERS = frozenset(
    {"mpirun", "mpiexec", "orterun", "prterun", "prun", "mpirun_rsh", "srun", "aprun", "jsrun"}
)
"""Also with a suffix that tells the implementation: mpiexec.hydra, mpirun.openmpi."""
_CONVERTED: dict[ImageKind, tuple[str, str]] = {
    "oci-layout": ("oci", "an OCI layout"),
    "docker-archive": ("docker-archive", "a docker archive"),
    "oci-archive": ("oci-archive", "an OCI archive"),
}
"""Kinds of images that Apptainer builds a SIF from: its word for each, and ours."""
_SYSTEM_FOLDERS = frozenset(
    PurePosixPath(folder)
    for folder in (
        *("/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr"),
        *("/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local"),
    )
)
_SHOWN_FOLDERS = tuple(
    PurePosixPath(folder)
    for folder in ("/home", "/root", "/tmp", "/var/tmp", "/dev", "/proc", "/sys")  # noqa: S108
)
"""What Apptainer mounts unless an admin forbids it (apptainer.conf, 1.4.5); homes may be nearby."""


def check_image_file(image: Image, arch: str, facts: ImageFacts) -> Iterator[Diagnostic]:
    """Report an image that is not the one the job names."""
    ref = image.by_arch.get(arch) or image.any_arch
    if facts.kind in _CONVERTED:
        form, name = _CONVERTED[facts.kind]
        message = f"Apptainer cannot start ranks from {name} without converting it"
        yield diagnose("HPR211", message, found=(f"Apptainer names it `{form}:{facts.path}`",))
    if (
        arch in image.by_arch
        and is_known(facts.arch)
        and architectures().oci_of(facts.arch) != arch
    ):
        named = (f"`image` of the job names {facts.path.name} for `{arch}`",)
        message = f"the image that the job names for `{arch}` is for {facts.arch}"
        yield diagnose("HPR206", message, found=named)
    if ref is None or ref.sha256 is None or facts.digest == f"sha256:{ref.sha256}":
        return
    found = (f"{facts.path.name} has {facts.digest}", f"the job asks for sha256:{ref.sha256}")
    yield diagnose("HPR209", "the image is not the one that the job's SHA-256 names", found=found)


def check_support(question: Question) -> Iterator[Diagnostic]:
    """Report what this version of hpcrun cannot do yet, where keeping quiet would mislead."""
    job, kind = question.job, question.site.scheduler.kind
    if kind != "slurm":
        what = {"none": "the site has no scheduler", UNKNOWN: "nobody knows the site's scheduler"}
        scheduler = what.get(kind, f"the site's scheduler is {kind.upper()}")
        message = f"{scheduler}; this version of hpcrun submits to Slurm"
        yield diagnose("HPR110", message, found=(in_profile(question.site, "scheduler.kind"),))
    if job.gate == "always":
        message = "`gate: always` asks for a check that this version of hpcrun does not have"
        yield diagnose("HPR409", message, found=("`gate` is `always`",))
    if job.resources.gpus_per_node:
        message = "this version of hpcrun does not show GPUs to the program in the container"
        found = (f"`gpus_per_node` is {job.resources.gpus_per_node}",)
        yield diagnose("HPR702", message, found=found)


def check_command(
    question: Question, facts: ImageFacts, mounts: tuple[PlannedMount, ...]
) -> Iterator[Diagnostic]:
    """Report a command that starts ranks itself, or whose program is not there."""
    argv0 = question.job.argv[0]
    launcher = _find_launcher(argv0, facts)
    if launcher is not None and question.n_tasks > 1:
        each = f"start ranks inside each of the {question.n_tasks} tasks"
        verb = "would" if launcher.is_sure else "may"
        found = (launcher.found, *(() if launcher.is_sure else (_NOT_EACH_WAY,)))
        severity = None if launcher.is_sure else Severity.WARNING
        yield diagnose("HPR406", f"`{launcher.name}` {verb} {each}", found=found, severity=severity)
    program = facts.program
    if program is None or program.kind != "missing" or _may_be_mounted(argv0, mounts):
        return
    found = (f"`{program.argv0}` is not in {facts.path.name}", *facts.unread[:2])
    # The job may set PATH, and what was not read may hold the program.
    is_sure = facts.is_complete and "PATH" not in question.job.env
    severity = None if is_sure and not _may_be_shown(question, argv0) else Severity.WARNING
    message = f"cannot find the program `{argv0}` in the image"
    if question.job.command is None:
        message = f"`script` is run by `{argv0}`, which is not in the image"
    yield diagnose("HPR208", message, found=found, severity=severity)


class _FoundLauncher(NamedTuple):
    """A program that starts ranks, and where it is called."""

    name: str
    found: str
    is_sure: bool = True


def _find_launcher(argv0: str, facts: ImageFacts) -> _FoundLauncher | None:
    """Find a program that starts ranks in the command or what it runs, a sure one first."""
    if _is_launcher(argv0):
        return _FoundLauncher(argv0, f"`command` begins with `{argv0}`")
    steps = facts.command.steps if facts.command is not None else ()
    calls = [
        _FoundLauncher(
            step.name,
            f"{step.through} calls `{step.name}`",
            step.certainty is not Certainty.HINT,
        )
        for step in steps
        if _is_launcher(step.name)
    ]
    return next((call for call in calls if call.is_sure), calls[0] if calls else None)


def _is_launcher(name: str) -> bool:
    return PurePosixPath(name).name.split(".")[0] in _LAUNCHERS


def _may_be_shown(question: Question, argv0: str) -> bool:
    """Whether the runtime may show the path by itself: home, /tmp, what the site mounts."""
    if "/" not in argv0:
        return False
    shared = question.site.filesystems.shared
    folders = (*_SHOWN_FOLDERS, *(map(PurePosixPath, shared) if is_known(shared) else ()))
    return any(PurePosixPath(argv0).is_relative_to(folder) for folder in folders)


def _may_be_mounted(argv0: str, mounts: tuple[PlannedMount, ...]) -> bool:
    """Whether the program may come from a mount, so that the image need not have it."""
    if "/" not in argv0:
        return False
    path = PurePosixPath(argv0)
    return not path.is_absolute() or any(path.is_relative_to(m.container) for m in mounts)


def check_mounts(mounts: tuple[PlannedMount, ...], hidden: dict[str, str]) -> Iterator[Diagnostic]:
    """Report mounts that hide what the image's programs need, or each other.

    `hidden` are files of the image that the job needs, with what they are.
    """
    seen: dict[PurePosixPath, Path] = {}
    for mount in mounts:
        where = f"`{mount.host}` is mounted at `{mount.container}`"
        if seen.setdefault(mount.container, mount.host) != mount.host:
            message = f"two host paths are mounted at `{mount.container}`"
            yield diagnose("HPR501", message, found=(where,), severity=Severity.ERROR)
        needed = [
            what
            for path, what in hidden.items()
            if mount.container == PurePosixPath(path)
            or mount.container in PurePosixPath(path).parents
        ]
        if mount.container in _SYSTEM_FOLDERS:
            message = f"a mount at `{mount.container}` hides the image's own files there"
            yield diagnose("HPR501", message, found=(where,))
        elif needed:
            message = f"a mount at `{mount.container}` hides {needed[0]}"
            yield diagnose("HPR501", message, found=(where,))


def check_site_mounts(site: Site, hidden: dict[str, str]) -> Iterator[Diagnostic]:
    """Report what the site mounts by itself over files of the image that the job needs."""
    binds = site.runtime.default_binds
    for text in binds if is_known(binds) else ():
        folder = PurePosixPath(text.rpartition(":")[2] if ":" in text else text)
        if not folder.is_absolute() or "$" in text:
            continue
        needed = [
            what for path, what in hidden.items() if PurePosixPath(path).is_relative_to(folder)
        ]
        if needed:
            message = f"the site mounts `{folder}`, which hides {needed[0]}"
            found = (f"{in_profile(site, 'runtime.default_binds')} lists `{text}`",)
            yield diagnose("HPR501", message, found=found)


def check_sources(missing: Sequence[Path]) -> Iterator[Diagnostic]:
    """Report host paths that are not there."""
    for path in missing:
        found = (f"looked for `{path}` here, on a file system that the nodes share",)
        yield diagnose("HPR502", f"there is no `{path}` to mount", found=found)


def check_shared_paths(question: Question, facts: ImageFacts) -> Iterator[Diagnostic]:
    """Report paths of the job that the nodes would not see."""
    job, site = question.job, question.site
    shared = site.filesystems.shared
    key = in_profile(site, "filesystems.shared")
    if not is_known(shared):
        message = "cannot tell which folders the nodes share with the login node"
        found = (f"{key} is unknown",)
        yield diagnose("HPR503", message, found=found, severity=Severity.WARNING)
        return
    paths = [(job.workdir, "HPR503", "working folder"), (facts.path, "HPR508", "image")]
    mounts = [(m.host, "HPR509", f"source of the mount at `{m.container}`") for m in job.mounts]
    if site.access.ssh is None:
        paths += mounts
    else:
        # Image and working folder go along where the site does not see them.
        paths = [mount for mount in mounts if not mount[0].is_relative_to(job.workdir)]
    folders = listed(map(str, shared))
    for path, code, what in paths:
        if not any(path.is_relative_to(folder) for folder in shared):
            seen = (f"`{path}`", f"{key} lists {folders}")
            yield diagnose(code, f"the nodes do not see the {what}", found=seen)


def check_variables(question: Question, pinned: Environment) -> Iterator[Diagnostic]:
    """Report variables of the job that contradict what the plan rests on.

    A library path of the job is searched after the plan's; a bare name is found on that path.
    """
    for name, variable in pinned.items():
        own = question.job.env.get(name)
        if own is None or name == "LD_LIBRARY_PATH":
            continue
        if own in (variable.value, PurePosixPath(variable.value).name):
            continue
        found = (f"the job sets `{name}={own}`", f"the plan needs `{name}={variable.value}`")
        yield diagnose("HPR504", f"`{name}` of the job contradicts the plan", found=found)


def check_runtime(question: Question) -> Iterator[Diagnostic]:
    """Report a container runtime that is unknown or not where the job would run."""
    site = question.site
    runtime = site.runtime
    if not runtime.is_supported:
        return
    if not is_known(runtime.version) and not is_known(runtime.mode):
        message = f"neither version nor mode of `{runtime.command}` is known"
        found = (f"{in_profile(site, 'runtime.version')} is unknown",)
        yield diagnose("HPR505", message, found=found)
    if is_known(runtime.available_on):
        places = set(runtime.available_on)
        if "compute" not in places and not set(question.classes) <= places:
            message = f"`{runtime.command}` is not on the nodes of the partition"
            key = in_profile(site, "runtime.available_on")
            found = (f"{key} lists {listed(runtime.available_on)}",)
            yield diagnose("HPR507", message, found=found)
    if runtime.user_bind is False:
        message = "the site does not let users mount host folders into containers"
        found = (f"{in_profile(site, 'runtime.user_bind')} is false",)
        yield diagnose("HPR506", message, found=found)
