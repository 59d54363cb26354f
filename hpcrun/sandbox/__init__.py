"""A real Slurm cluster in a folder, without root; plans, renders and submits no jobs.

The names are loaded when they are used: `hpcrun sandbox exec` is on the way of every action at the
site and needs few of them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpcrun.sandbox.down import down, purge
    from hpcrun.sandbox.status import NodeStatus, SandboxStatus, status
    from hpcrun.sandbox.up import up

__all__ = ["NodeStatus", "SandboxStatus", "down", "purge", "status", "up"]

_MODULES = {"NodeStatus": "status", "SandboxStatus": "status", "purge": "down"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, name)}"), name)
