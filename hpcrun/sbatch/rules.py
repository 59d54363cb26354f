"""What goes wrong with a script as it stands: by itself, and at a site; does not mend it."""

import re
from collections.abc import Iterator

from hpcrun.loading.source import Span
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.plan import Plan
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer
from hpcrun.sbatch.assignments import set_before
from hpcrun.sbatch.job import ScriptJob, n_tasks
from hpcrun.sbatch.places import finding
from hpcrun.tables import pmi
from hpcrun.tables.script_words import script_words

# Possessive and up to the next `$` only, as a stranger's script may begin this without end.
_OWN_FOLDER = re.compile(
    r"\$\(\s*+dirname\s[^)$]*+(?:\$\([^)$]*+)?\$\{?(?:0|BASH_SOURCE)|\$\{(?:0|BASH_SOURCE)%/\*\}"
)
_CACHES = re.compile(r"(?:APPTAINER|SINGULARITY)_(?:CACHEDIR|TMPDIR)")


def check_script(script: ScriptJob) -> Iterator[Diagnostic]:
    """Report what goes wrong with a script wherever it is submitted."""
    yield from script.found
    yield from _check_environment(script)
    yield from _check_ranks_left(script)
    yield from _check_exports(script)
    yield from _check_images(script)
    yield from _check_own_folder(script)


def check_script_at(script: ScriptJob, site: Site, plan: Plan) -> Iterator[Diagnostic]:
    """Report what goes wrong with a script at one site, for which its job was planned."""
    yield from _check_wire_up(script, site, plan)
    yield from _check_contained(script, plan)
    yield from _check_cpus(script, site)


def _n_ranks(script: ScriptJob) -> int:
    return n_tasks(script.step, script.header) if script.step.launch is not None else 1


def _asks(script: ScriptJob, *meanings: str) -> Iterator[tuple[str, Span]]:
    """Yield options and variables of the runtime that mean something."""
    step = script.step
    for given in step.call.options:
        if given.means in meanings:
            yield given.shown, given.word.span
    for name, value in step.settings.items():
        row = script_words().runtime_variable(name)
        if row is not None and row.means in meanings and value not in ("", "0", "false"):
            yield f"{name}={value}", step.span


def _check_environment(script: ScriptJob) -> Iterator[Diagnostic]:
    """Report a cleaned environment: it takes away by what a rank knows who it is."""
    if _n_ranks(script) < 2:  # noqa: PLR2004
        return
    launch = script.step.launch
    for shown, span in _asks(script, "cleanenv", "containall"):
        message = f"`{shown}` takes away what tells each rank who it is"
        name = launch.name.text if launch is not None else "the launcher"
        found = (f"`{name}` tells it by variables such as `PMI_RANK` or `PMIX_RANK`",)
        yield finding("HPR831", message, span, found=found)


def _check_ranks_left(script: ScriptJob) -> Iterator[Diagnostic]:
    launch = script.step.launch
    if launch is None or not launch.is_srun or _n_ranks(script) < 2:  # noqa: PLR2004
        return
    if launch.last("kill-on-bad-exit") or "SLURM_KILL_BAD_EXIT" in script.step.settings:
        return
    message = "when one rank dies the others wait for it until the time limit"
    found = ("`srun` has no `--kill-on-bad-exit`",)
    yield finding("HPR833", message, launch.name.span, found=found)


def _check_exports(script: ScriptJob) -> Iterator[Diagnostic]:
    """Report exported variables that come into the container, or wrongly seem to."""
    source, step = script.source, script.step
    for name, value in step.settings.items():
        row = script_words().leak(name)
        span = set_before(source, name, step.line)
        if row is None or span is None or not value:
            continue
        severity = Severity.WARNING if row.is_fragile else Severity.NOTE
        verb = "reaches" if row.reaches else "does not reach"
        message = f"`{name}` of the script {verb} the program in the container"
        shown = source.lines[span.line - 1].strip()
        found = (f"`{shown[:80]}`", row.what)
        yield finding("HPR834", message, span, found=found, severity=severity)


def _check_images(script: ScriptJob) -> Iterator[Diagnostic]:
    """Report images that are fetched within the job, by each rank or once."""
    fetched = [(each.word.span, each.address) for each in script.body.fetches]
    for step in script.body.steps:
        image = step.call.image
        if image is not None and "://" in image.text:
            fetched.append((image.span, image.text))
    for span, address in fetched:
        shown = address.replace("\0", "…")
        message = "an image is fetched inside the job, on the job's time"
        yield finding("HPR836", message, span, found=(f"`{shown[:80]}`",))
    settings = {name for step in script.body.steps for name in step.settings}
    if fetched and not any(_CACHES.fullmatch(name) for name in settings):
        message = "what the runtime fetches and unpacks goes to the home folder and to /tmp"
        found = ("neither `APPTAINER_CACHEDIR` nor `APPTAINER_TMPDIR` is exported",)
        yield finding("HPR837", message, fetched[0][0], found=found)


def _check_own_folder(script: ScriptJob) -> Iterator[Diagnostic]:
    for number, line in enumerate(script.source.lines, 1):
        match = None if line.lstrip().startswith("#") else _OWN_FOLDER.search(line)
        if match is not None:
            message = "the folder of `$0` is Slurm's own: it runs a copy of the script"
            span = script.source.span(number, match.start() + 1, len(match[0]))
            found = ("slurmd keeps the copy in its spool folder on the first node",)
            yield finding("HPR839", message, span, found=found)


def _check_wire_up(script: ScriptJob, site: Site, plan: Plan) -> Iterator[Diagnostic]:
    """Report srun without `--mpi` where the site's own choice does not fit the image."""
    launch = script.step.launch
    if launch is None or not launch.is_srun or _n_ranks(script) < 2:  # noqa: PLR2004
        return
    if launch.last("mpi") or "SLURM_MPI_TYPE" in script.step.settings or _needs_no_mpi(plan):
        return
    default = site.scheduler.mpi_default
    if not is_known(default) or default is None:
        message = "`srun` has no `--mpi`, and the site's own choice is not known"
        found = (f"`scheduler.mpi_default` of {site.name} is unknown",)
        yield finding("HPR829", message, launch.name.span, found=found)
        return
    fitting = {c.srun_mpi for c in plan.candidates if c.verdict is Answer.COMPATIBLE}
    row = pmi().srun_type(default)
    serves_nobody = row is not None and not row.serves
    if default in fitting or not (fitting or serves_nobody):
        return
    message = f"`srun` without `--mpi` takes `{default}` here, which does not wire up the ranks"
    fits = ", ".join(f"`{name}`" for name in sorted(name for name in fitting if name))
    shown = (
        f"`scheduler.mpi_default` of {site.name} is `{default}`",
        f"what fits image and site: {fits or 'nothing that is known'}",
    )
    yield finding("HPR829", message, launch.name.span, found=shown, severity=Severity.ERROR)


def _needs_no_mpi(plan: Plan) -> bool:
    return plan.chosen is not None and plan.chosen.model == "none"


def _check_contained(script: ScriptJob, plan: Plan) -> Iterator[Diagnostic]:
    """Report a container without the host's /tmp and /dev/shm where PMIx keeps its files there."""
    if _n_ranks(script) < 2 or _needs_no_mpi(plan):  # noqa: PLR2004
        return
    launch = script.step.launch
    asked = launch.last("mpi") if launch is not None else None
    chosen = plan.chosen.srun_mpi if plan.chosen is not None else None
    kind = (asked.value if asked is not None else None) or chosen or "pmix"
    if not kind.startswith("pmix"):
        return
    for shown, span in _asks(script, "contain", "containall"):
        message = f"`{shown}` hides the host's /tmp and /dev/shm, which PMIx and MPI use"
        found = (f"the ranks find each other by `{kind}`",)
        yield finding("HPR832", message, span, found=found)


def _check_cpus(script: ScriptJob, site: Site) -> Iterator[Diagnostic]:
    """Report srun that no longer takes over how many CPUs each task has."""
    launch, asked = script.step.launch, script.header.last("cpus-per-task")
    if launch is None or not launch.is_srun or asked is None or asked.value in (None, "1"):
        return
    if launch.last("cpus-per-task") or "SRUN_CPUS_PER_TASK" in script.step.settings:
        return
    row = script_words().behaviour("srun-ignores-cpus-per-task")
    version = site.scheduler.version
    is_told = is_known(version) and version is not None
    if is_told and not row.versions.holds(str(version)):
        return
    message = "`srun` does not take over `--cpus-per-task`: each task gets one CPU"
    severity = None
    shown = f"Slurm {version} of {site.name}"
    if not is_told:
        message = "`srun` may not take over `--cpus-per-task`: each task then gets one CPU"
        severity = Severity.NOTE
        shown = f"the version of Slurm at {site.name} is unknown"
    found = (shown, f"`{asked.shown}` in line {asked.span.line}")
    yield finding(
        "HPR835",
        message,
        launch.name.span,
        found=found,
        severity=severity,
        table_row=f"script_words.yaml {row.name}",
    )
