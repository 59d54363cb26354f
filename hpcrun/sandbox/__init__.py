"""A real Slurm cluster in a folder, without root; plans, renders and submits no jobs.

The names are loaded when they are used: `hpcrun sandbox exec` is on the way of every action at the
site and needs few of them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpcrun.sandbox.end import down, purge
    from hpcrun.sandbox.look import NodeStatus, SandboxStatus, status
    from hpcrun.sandbox.start import up

__all__ = ["NodeStatus", "SandboxStatus", "down", "purge", "status", "up"]

_MODULES = {
    "NodeStatus": "look",
    "SandboxStatus": "look",
    "down": "end",
    "purge": "end",
    "status": "look",
    "up": "start",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
