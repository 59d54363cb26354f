"""Options of sbatch and of the launcher → resources and submit of a job; does not judge them."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping

from hpcrun.loading.source import Span
from hpcrun.sbatch.draft import Draft
from hpcrun.sbatch.options import Given, Options
from hpcrun.sbatch.places import finding
from hpcrun.sbatch.steps import Step
from hpcrun.sbatch.variables import exported, put_variable
from hpcrun.tables.owned_settings import OwnedOption, owned_options

_MEMORY = re.compile(r"([0-9]{1,12})\s*([KMGT]?)B?", re.IGNORECASE)
_UNITS = {"": "MiB", "K": "KiB", "M": "MiB", "G": "GiB", "T": "TiB"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SAYS_NOTHING = frozenset(("output", "error", "open-mode", "parsable", "quiet", "verbose", "wait"))
"""What hpcrun does itself, and nobody will miss."""


class Resources:
    """Puts what is asked of the scheduler into a draft."""

    def __init__(self, draft: Draft, header: Options, step: Step) -> None:
        self._draft = draft
        self._header = header
        self._launch = step.launch
        self._span = step.span
        self._owned = _owned_by_name()

    def put(self) -> None:
        """Put everything."""
        self._layout()
        self._gpus()
        self._plain("job-name", "name", job_name)
        self._plain("cpus-per-task", "resources.cpus_per_task")
        self._memory()
        self._walltime()
        for name in ("partition", "account", "qos", "constraint", "reservation"):
            self._plain(name, f"submit.{name}")
        self._plain("chdir", "workdir")
        self._export()
        self._others()

    def _given(self, *names: str) -> Given | None:
        """Return an option that counts for the step: the launcher's own, else sbatch's."""
        own = self._launch.last(*names) if self._launch is not None else None
        return own or self._header.last(*names)

    def _plain(
        self, option: str, path: str, make: Callable[[str], str] = lambda text: text
    ) -> None:
        own = "cpus-per-task"
        given = self._given(option) if option == own else self._header.last(option)
        if given is not None and given.value:
            text = make(given.value)
            if text:
                self._draft.put(path, text, given.span)

    def _layout(self) -> None:
        """Put nodes and tasks; where both counts of tasks are given, the one that says more."""
        nodes = self._nodes()
        tasks, each = self._tasks()
        n_nodes = nodes[0] if nodes else None
        if nodes is not None:
            self._draft.put("resources.nodes", str(nodes[0]), nodes[1])
        n_tasks = tasks.number if tasks is not None else None
        n_each = each.number if each is not None else None
        if each is not None and n_each and n_tasks is not None and n_nodes is None:
            n_nodes = math.ceil(n_tasks / n_each)
            self._draft.put("resources.nodes", str(n_nodes), each.span)
        is_even = n_each is not None and n_tasks == n_each * (n_nodes or 1)
        if tasks is not None and not is_even:
            self._draft.put("resources.tasks", tasks.value or "", tasks.span)
            if each is not None and n_nodes is not None:
                why = "the number of tasks is given too, and is what counts in a job"
                self._draft.lose(each.shown, each.span, why=why)
        elif each is not None:
            self._draft.put("resources.tasks_per_node", each.value or "", each.span)

    def _once(self) -> Given | None:
        """Say that one process runs, whatever was asked for, where no launcher is."""
        asked = self._header.last("ntasks", "ntasks-per-node", "tasks-per-node", "nodes")
        if asked is None or asked.value in (None, "1"):
            return None
        message = "the container is started once, though more tasks are asked for"
        found = (f"no launcher stands before it; `{asked.shown}`",)
        self._draft.tell(finding("HPR838", message, self._span, found=found))
        return None

    def _nodes(self) -> tuple[int, Span] | None:
        given = self._given("nodes")
        if given is None or given.value is None or self._launch is None:
            return None
        match = re.match(r"([0-9]{1,9})(?![0-9])", given.value)
        if match is None:
            self._draft.lose(given.shown, given.span, why="it is no number of nodes")
            return None
        if match[1] != given.value:
            why = f"a job has a fixed number of nodes; the least, {match[1]}, is taken"
            self._draft.lose(given.shown, given.span, why=why)
        return int(match[1]), given.span

    def _tasks(self) -> tuple[Given | None, Given | None]:
        """Return how many tasks the step has, and how many on each node."""
        if self._launch is None:
            return self._once(), None
        tasks, each = self._launch.tasks, self._launch.tasks_per_node
        if tasks is not None or each is not None:
            return tasks, each
        header = self._header
        return header.last("ntasks"), header.last("ntasks-per-node", "tasks-per-node")

    def _memory(self) -> None:
        given = self._header.last("mem", "mem-per-cpu")
        if given is None:
            return
        key = "memory_per_node" if given.name == "mem" else "memory_per_cpu"
        match = _MEMORY.fullmatch(given.value or "")
        if match is None or int(match[1]) == 0:
            why = "a job cannot ask for all memory of its nodes" if match else "it is no amount"
            self._draft.lose(given.shown, given.span, why=why)
            return
        text = f"{match[1]} {_UNITS[match[2].upper()]}"
        self._draft.put(f"resources.{key}", text, given.span)

    def _walltime(self) -> None:
        given = self._header.last("time")
        if given is None or not given.value:
            return
        if given.value.upper() in ("UNLIMITED", "INFINITE", "0", "-1"):
            self._draft.lose(given.shown, given.span, why="a job has a limit or the partition's")
            return
        self._draft.put("resources.walltime", given.value, given.span)

    def _gpus(self) -> None:
        """Put GPUs per node, whatever way they are asked for."""
        given = self._header.last("gpus-per-node", "gpus", "gpus-per-task")
        if given is None:
            given = self._gres()
        if given is None:
            return
        kind, _, number = (given.value or "").rpartition(":")
        number = number or "1"
        if not re.fullmatch("[0-9]{1,9}", number):
            self._draft.lose(given.shown, given.span, why="it is no number of GPUs")
            return
        count = int(number)
        n_nodes = int(self._draft.below("resources").get("nodes", _ONE).text)
        if given.name == "gpus":
            count = math.ceil(count / n_nodes)
        elif given.name == "gpus-per-task":
            count *= self._tasks_per_node(n_nodes)
        self._draft.put("resources.gpus_per_node", str(count), given.span)
        if kind:
            why = f"a job asks for a number of GPUs; `submit.constraint` may name `{kind}`"
            self._draft.lose(f"{given.name} {kind}", given.span, why=why)

    def _tasks_per_node(self, n_nodes: int) -> int:
        resources = self._draft.below("resources")
        if "tasks_per_node" in resources:
            each = resources["tasks_per_node"].text
            return int(each) if re.fullmatch("[0-9]{1,9}", each) else 1
        tasks = resources.get("tasks", _ONE).text
        return math.ceil(int(tasks) / n_nodes) if re.fullmatch("[0-9]{1,9}", tasks) else 1

    def _gres(self) -> Given | None:
        """Take GPUs out of `--gres`; the rest of it goes among the further options."""
        given = self._header.last("gres")
        parts = (given.value or "").split(",") if given else []
        gpus = [part for part in parts if part.split(":")[0] in ("gpu", "gres/gpu")]
        others = [part for part in parts if part not in gpus]
        if given is not None and others != [""] and others:
            self._extra("gres", ",".join(others), given.span)
        if given is None or not gpus:
            return None
        return Given("gpus-per-node", gpus[0].partition(":")[2] or "1", given.span)

    def _export(self) -> None:
        """Put variables that `--export` sets; the job's own are never the submitter's."""
        given = self._header.last("export")
        for name, value, span in exported(given):
            if value is not None:
                put_variable(self._draft, name, value, span)
            elif given is not None and name.upper() not in ("ALL", "NONE", "NIL"):
                why = f"`{name}` is a variable of the shell that submits; set it in `env`"
                self._draft.lose(given.shown, span, why=why)

    def _others(self) -> None:
        """Put every further option under its long name, or say why it cannot be put."""
        counted = {each.name: each for each in self._header.given}
        for name, given in counted.items():
            row = self._owned.get(name)
            if name in ("gres", "export"):
                continue
            if row is None and name.startswith(("hetjob", "packjob")):
                self._draft.lose(given.shown, given.span, why="a job has one kind of nodes")
            elif row is None:
                self._extra(name, given.value, given.span)
            elif row.why is not None:
                tell = self._draft.note if name in _SAYS_NOTHING else self._draft.lose
                tell(given.shown, given.span, why=row.why)
            elif row.instead in ("env", "submit.site"):
                self._draft.lose(given.shown, given.span, why=f"use the key `{row.instead}`")

    def _extra(self, name: str, value: str | None, span: Span) -> None:
        made = self._draft.flag(span) if value is None else self._draft.text(value, span)
        self._draft.below("resources", "extra")[name] = made


def _owned_by_name() -> Mapping[str, OwnedOption]:
    return {row.option: row for row in owned_options().options}


def job_name(text: str) -> str:
    """Make a job's name a run's name too: letters lose their accents."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
    return name[:64] if _NAME.fullmatch(name[:64]) else ""


class _One:
    text = "1"


_ONE = _One()
