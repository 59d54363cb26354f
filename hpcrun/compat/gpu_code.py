"""Does device code in an image run on the nodes' GPUs; does not look at drivers' versions."""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from hpcrun.compat.evidence import asked, fits, in_image, incompatible, unknown
from hpcrun.compat.gpu_driver import cuda_in, driver_told, newest_cuda
from hpcrun.compat.gpu_nodes import GpuNodes
from hpcrun.model.base import is_known
from hpcrun.model.gpu import DeviceCode
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.gpu_versions import compute_of, gpu_versions, vendor_of
from hpcrun.tables.versions import version_key

_ROW = asked("gpu-code")
_TARGET = re.compile(r"(?:sm|compute)_([0-9]{1,9})([0-9])([af]?)")
_NAMED = 3
"""Files that evidence names; there may be many."""


class _Cuda(NamedTuple):
    major: int
    minor: int
    suffix: str


@cache
def _cuda(target: str) -> _Cuda | None:
    match = _TARGET.fullmatch(target)
    return _Cuda(int(match[1]), int(match[2]), match[3]) if match else None


@cache
def runs_compiled(target: str, compute: str) -> bool:
    """Whether compiled code for a target runs on a GPU: `sm_80` on 8.0 and 8.6, not on 9.0.

    With the suffix `a` it runs on that very GPU alone; with `f` on the family, as without.
    AMD's code runs on its own processor, or on those that a generic target stands for.
    """
    if target.startswith("gfx"):
        return compute in gpu_versions().processors_of(target.split(":", maxsplit=1)[0])
    own, gpu = _cuda(target), version_key(compute)
    if own is None or not gpu:
        return False
    major, minor = gpu[0], gpu[1] if len(gpu) > 1 else 0
    if own.suffix == "a":
        return (major, minor) == (own.major, own.minor)
    return major == own.major and minor >= own.minor


@cache
def runs_portable(target: str, compute: str) -> bool:
    """Whether the driver can compile code for a GPU: `compute_70` for 7.0 and all later ones."""
    own, gpu = _cuda(target), version_key(compute)
    if own is None or not gpu:
        return False
    if own.suffix:
        return runs_compiled(target, compute)
    major, minor = gpu[0], gpu[1] if len(gpu) > 1 else 0
    return (own.major, own.minor) <= (major, minor)


def check_code(facts: ImageFacts, nodes: GpuNodes, env: Mapping[str, str]) -> Verdict:
    """Judge the device code of an image on the GPUs of some nodes.

    Where the job's own program holds code it decides; else what lies in the image is a sign, for
    nobody knows which of it is run.
    """
    computes = tuple(dict.fromkeys(compute_of(gpu) for gpu in nodes.gpus))
    known = tuple(filter(is_known, computes))
    codes = [code for code in facts.gpu.code if _is_for(code, nodes)]
    if not codes or "HSA_OVERRIDE_GFX_VERSION" in env:
        return fits(_ROW, nodes.models, f"{len(codes)} files hold code for them that is judged")
    if not known:
        reason = Reason(
            code="HPR708",
            message="cannot tell whether the image's device code runs on the nodes' GPUs",
            evidence=(nodes.models, "their compute capability is not known"),
            table_row=_ROW,
        )
        return unknown(reason, force=Force.SKIPS)
    own = [code for code in codes if facts.program and code.path == facts.program.path]
    judged = own or codes
    bare = [code for code in judged if not any(_runs(code, compute) for compute in known)]
    if not bare:
        return _check_compiling(facts, nodes, judged, known)
    return _no_code(facts, nodes, bare, known, is_own=bool(own))


def _is_for(code: DeviceCode, nodes: GpuNodes) -> bool:
    """Whether code is for GPUs of the nodes' makers, and its targets can be told."""
    vendors = frozenset(map(vendor_of, nodes.gpus))
    targets = (*code.targets, *code.portable)
    if not targets or "compressed" in targets or code.certainty is not Certainty.SURE:
        return False
    is_amd = targets[0].startswith("gfx")
    return ("amd" if is_amd else "nvidia") in vendors


def _runs(code: DeviceCode, compute: str) -> bool:
    return any(runs_compiled(target, compute) for target in code.targets) or any(
        runs_portable(target, compute) for target in code.portable
    )


def _no_code(
    facts: ImageFacts,
    nodes: GpuNodes,
    bare: list[DeviceCode],
    computes: tuple[str, ...],
    *,
    is_own: bool,
) -> Verdict:
    whose = "the program" if is_own else f"`{bare[0].path.rpartition('/')[2]}` of the image"
    reason = Reason(
        code="HPR708",
        message=f"{whose} has no code for the nodes' GPUs ({', '.join(computes)})",
        evidence=(*(_told(facts, code) for code in bare[:_NAMED]), nodes.models),
        table_row=_ROW,
    )
    return incompatible(reason, force=Force.REFUSES if is_own else Force.WARNS)


def _told(facts: ImageFacts, code: DeviceCode) -> str:
    targets = ", ".join((*code.targets, *code.portable)[:8])
    return f"{in_image(facts, code.path)} has code for {targets}"


def _check_compiling(
    facts: ImageFacts, nodes: GpuNodes, codes: list[DeviceCode], computes: tuple[str, ...]
) -> Verdict:
    """Judge code that only the driver can compile: it does so for CUDA up to its own."""
    newest = newest_cuda(nodes)
    late = [code for code in codes if not _is_compiled(code, computes)]
    newer = [version for version in cuda_in(facts) if newest and _is_newer(version, newest)]
    if not late or not newer or "nvidia" not in nodes.vendors:
        return fits(_ROW, _told(facts, codes[0]), nodes.models, f"of {len(codes)} files judged")
    reason = Reason(
        code="HPR708",
        message=f"the nodes' driver may not compile code of CUDA {newer[0]} for its GPUs",
        evidence=(
            *(_told(facts, code) for code in late[:_NAMED]),
            nodes.models,
            f"{driver_told(nodes)} compiles what CUDA {newest} and older wrote",
        ),
        table_row=_ROW,
    )
    return incompatible(reason, force=Force.WARNS)


def _is_compiled(code: DeviceCode, computes: tuple[str, ...]) -> bool:
    return any(runs_compiled(target, each) for target in code.targets for each in computes)


def _is_newer(version: str, newest: str) -> bool:
    key = version_key(version)[:2]
    return len(key) > 1 and key > version_key(newest)[:2]
