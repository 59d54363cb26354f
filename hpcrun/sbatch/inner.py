"""A launcher inside the container: the ranks that it starts there become the step's own."""

from hpcrun.model.diagnostic import Severity
from hpcrun.sbatch.draft import Draft
from hpcrun.sbatch.launch import Launch, is_launcher, read_launch
from hpcrun.sbatch.options import Options
from hpcrun.sbatch.places import finding
from hpcrun.sbatch.steps import Step


def unwrap_launcher(step: Step, options: Options, draft: Draft) -> Step:
    """Take a launcher inside the container for one outside, as hpcrun starts ranks."""
    argv = step.call.argv
    if step.call.verb != "exec" or not argv or not is_launcher(argv[0].text):
        return step
    inner = read_launch(argv)
    if not inner.command:
        return step
    launch = _joined(step.launch, inner.launch)
    n_nodes = _nodes(step, options)
    name = argv[0].text
    if step.launch is not None:
        message = f"`{name}` starts ranks inside each of the container's own ranks"
        found = (f"`{step.launch.name.text}` starts the container already",)
        severity = Severity.ERROR
    elif n_nodes > 1:
        message = f"`{name}` inside the container cannot start ranks on other nodes"
        found = (f"the script asks for {n_nodes} nodes; srun and ssh are outside the container",)
        severity = Severity.ERROR
    else:
        message = f"`{name}` inside the container keeps all ranks on one node"
        found = ("hpcrun starts the ranks by srun, one container for each",)
        severity = Severity.NOTE
    draft.tell(finding("HPR830", message, argv[0].span, found=found, severity=severity))
    call = step.call._replace(argv=inner.command)
    raw = step.raw[len(step.raw) - len(inner.command) :] if step.raw else ()
    return step._replace(launch=launch, call=call, raw=raw)


def _joined(outer: Launch | None, inner: Launch) -> Launch:
    """Return a launcher for both: the outer one's ranks are those that Slurm knows."""
    return inner if outer is None else outer


def _nodes(step: Step, options: Options) -> int:
    own = step.launch.last("nodes") if step.launch is not None else None
    given = own or options.last("nodes")
    return (given.number if given is not None else None) or 1
