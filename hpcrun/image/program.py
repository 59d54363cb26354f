"""The file that a command names first, out of the command as it was followed; reads nothing."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from hpcrun.image.command_facts import Gathered
from hpcrun.image.mounts import Surroundings
from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import Program


def read_program(
    followed: Gathered | None, command: Sequence[str] | None, around: Surroundings
) -> Program | None:
    """Describe the program that the command's first word names."""
    if not command:
        return None
    argv0 = command[0]
    if followed is None or not followed.facts.steps:
        return Program(argv0=argv0, path=None)
    first, *rest = followed.facts.steps
    if first.path is None:
        return Program.model_validate({"argv0": argv0, "path": None, "kind": first.kind})
    archs = {str(file.path): file.arch for file in followed.executed}
    elf = first if first.kind == "elf" else None
    if elf is None:
        elf = next((step for step in rest if step.kind == "elf" and not _is_env(step.path)), None)
    arch = archs.get(elf.path or "", UNKNOWN) if elf else UNKNOWN
    host_path = around.host_path(PurePosixPath(first.path))
    return Program.model_validate(
        {
            "argv0": argv0,
            "path": first.path,
            "arch": arch,
            "kind": first.kind,
            "interpreter": elf.path if elf and elf is not first else None,
            "host_path": host_path,
        }
    )


def _is_env(path: str | None) -> bool:
    """Whether a step only looks the interpreter up (`#!/usr/bin/env python3`)."""
    return PurePosixPath(path or "").name == "env"
