"""What is known about a running sandbox, and whether it still runs; starts and ends nothing."""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hpcrun.sandbox.options import USUAL, Options
from hpcrun.sandbox.places import Places, telling_whose

_FORMAT = 1


@dataclass(frozen=True)
class ProcessMark:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    start_ticks: int
    boot_id: str

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return self == read_process_mark(self.pid)


@dataclass(frozen=True)
class State:
    """A sandbox that was started."""

    name: str
    init: ProcessMark
    slurm: str
    nodes: tuple[str, ...]
    share: str
    user: str
    uid: int
    gid: int
    emulation: tuple[str, ...] = ()
    """Nodes that run programs for another processor."""
    options: Options = USUAL
    partitions: tuple[str, ...] = ("main",)
    n_nodes: int = 2
    """What `--nodes` says: of all nodes, or of each class where it has the shape of a site."""
    like: str | None = None
    """The profile whose shape it has."""
    notes: tuple[str, ...] = ()
    """What it has otherwise than that site."""
    warnings: tuple[str, ...] = field(default=())

    @property
    def is_running(self) -> bool:
        """Whether its first process still runs."""
        return self.init.is_alive


def read_process_mark(pid: int) -> ProcessMark | None:
    """Look at a process; None when there is none, or only its zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The name may hold blanks and brackets; the fields after its last bracket are counted from 3.
    fields = text.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return ProcessMark(pid, int(fields[19]), boot_id)


def read_state(places: Places) -> State | None:
    """Return what was started last, if that is known."""
    try:
        with telling_whose(places):
            data = json.loads(places.state_file.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    try:
        return _parse(data)
    except (AttributeError, KeyError, TypeError):
        return None


def _parse(data: dict[str, Any]) -> State | None:
    """Make the value of what was read; another format is that of another hpcrun."""
    if data.pop("version", None) != _FORMAT:
        return None
    mark = ProcessMark(**data.pop("init"))
    nodes = tuple(data.pop("nodes"))
    emulation = tuple(data.pop("emulation", ()))
    warnings = tuple(data.pop("warnings"))
    data |= {name: tuple(data[name]) for name in ("partitions", "notes") if name in data}
    # Another hpcrun may have started it, with options that this one has no more, or not yet.
    options = Options(**_known(data.pop("options", {}), Options))
    rest = _known(data, State)
    return State(
        init=mark, nodes=nodes, emulation=emulation, warnings=warnings, options=options, **rest
    )


def _known(data: dict[str, Any], kind: type[State | Options]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


def read_running(places: Places) -> State | None:
    """Return the sandbox if it runs."""
    state = read_state(places)
    return state if state is not None and state.is_running else None


def write_state(places: Places, state: State) -> None:
    """Note what was started, whole or not at all."""
    new = places.state_file.with_suffix(".new")
    new.write_text(json.dumps({"version": _FORMAT, **asdict(state)}, indent=1) + "\n")
    os.replace(new, places.state_file)  # noqa: PTH105 - the name says that it is one step
