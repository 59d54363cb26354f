"""Is the nodes' driver new enough for an image's CUDA or ROCm; does not look at device code."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from hpcrun.compat.evidence import asked, fits, in_image, incompatible, unknown
from hpcrun.compat.gpu_nodes import GpuNodes
from hpcrun.model.base import is_known
from hpcrun.model.gpu import GpuLibrary
from hpcrun.model.image import ImageFacts
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.gpu_versions import gpu_versions, is_driver
from hpcrun.tables.versions import version_key

_ROW = asked("gpu-driver")
_ROCM = asked("rocm-driver")
_PATH = "LD_LIBRARY_PATH"


def cuda_in(facts: ImageFacts) -> dict[str, str]:
    """Return the CUDA versions that programs of an image run on, with what shows each."""
    return _toolkits_in(facts, "cuda")


def rocm_in(facts: ImageFacts) -> dict[str, str]:
    """Return the ROCm releases that programs of an image run on, with what shows each."""
    return _toolkits_in(facts, "rocm")


def _toolkits_in(facts: ImageFacts, kind: str) -> dict[str, str]:
    """Return versions of one maker's toolkit.

    The runtime's libraries tell best, then the toolkit, then what the image says of itself.
    """
    found = {
        _minor(library.version): f"{library.soname} at {in_image(facts, library.path)}"
        for library in facts.gpu.libraries
        if library.kind == f"{kind}-runtime" and _is_release(library.version, kind)
    }
    if not found:
        kits = (kit for kit in facts.gpu.toolkits if kit.kind == kind)
        found = {_minor(kit.version): f"{kit.evidence} of the image" for kit in kits}
    name = f"{kind.upper()}_VERSION"
    told = facts.gpu.environment.get(name)
    if not found and told:
        found = {_minor(told): f"the image sets `{name}={told}`"}
    return found


def _is_release(version: str, kind: str) -> bool:
    """Whether a runtime library's version is that of its toolkit; ROCm's may be the soname's."""
    return is_known(version) and (kind == "cuda" or len(version_key(version)) > 1)


def check_cuda(facts: ImageFacts, nodes: GpuNodes, env: Mapping[str, str]) -> Verdict:
    """Judge the driver of nodes with GPUs of NVIDIA for an image's CUDA."""
    versions = cuda_in(facts)
    if versions and not nodes.vendors:
        return _untold(min(versions), (nodes.models, "who makes them is not known"))
    if not versions or "nvidia" not in nodes.vendors:
        return fits(_ROW, nodes.models, f"{facts.path.name} has no CUDA runtime for them")
    misled = _check_misled(facts, nodes, env)
    if misled is not None:
        return misled
    judged = [_check_version(facts, nodes, env, *item) for item in versions.items()]
    if len(judged) > 1 and any(not verdict.weight for verdict in judged):
        # Which of several runtimes a program loads is not known: one works.
        return next(verdict for verdict in judged if not verdict.weight)
    return Verdict.worst_of(judged)


def driver_told(nodes: GpuNodes) -> str:
    """Say what a profile tells about a driver."""
    told = f"{nodes.told('gpu_driver')}: {nodes.driver}"
    return f"{told}, for {nodes.runtime}" if is_known(nodes.runtime) else told


def newest_cuda(nodes: GpuNodes) -> str | None:
    """Return the newest CUDA whose every feature the driver has; None where nobody knows."""
    if is_known(nodes.runtime):
        return nodes.runtime
    return gpu_versions().cuda_of(nodes.driver) if is_known(nodes.driver) else None


def _check_version(
    facts: ImageFacts, nodes: GpuNodes, env: Mapping[str, str], version: str, found: str
) -> Verdict:
    seen = (f"CUDA {version}: {found}", driver_told(nodes))
    newest, first = newest_cuda(nodes), gpu_versions().first_driver(version)
    if newest is not None and _at_most(version, newest):
        row = _row_of(newest)
        return fits(row, *seen, f"the driver has all of CUDA {newest}")
    if newest is None and not is_known(nodes.driver):
        return _untold(version, seen)
    if first is None:
        return _untold(version, (*seen, f"no row tells which driver CUDA {version} needs"))
    if is_known(nodes.driver):
        is_enough = is_driver(nodes.driver, first)
    else:
        is_enough = newest is not None and version_key(newest)[:1] == version_key(version)[:1]
    if is_enough:
        return fits(f"gpu_versions.yaml cuda_majors `{first}`", *seen, "by minor compatibility")
    return _check_forward(facts, nodes, env, version, (*seen, f"it needs driver {first}"))


def _untold(version: str, seen: tuple[str, ...]) -> Verdict:
    reason = Reason(
        code="HPR705",
        message=f"cannot tell whether the nodes' driver is new enough for CUDA {version}",
        evidence=seen,
        table_row=_ROW,
    )
    return unknown(reason, force=Force.SKIPS)


def _check_forward(
    facts: ImageFacts,
    nodes: GpuNodes,
    env: Mapping[str, str],
    version: str,
    seen: tuple[str, ...],
) -> Verdict:
    """Judge a driver that is too old by itself: the image may bring a newer user space of it."""
    compat = next((each for each in _compat(facts) if _has(each, version)), None)
    if compat is None:
        reason = Reason(
            code="HPR705",
            message=f"the nodes' driver is too old for CUDA {version} of the image",
            evidence=seen,
            table_row=_ROW,
        )
        return incompatible(reason)
    at = in_image(facts, compat.path)
    seen = (*seen, f"forward compatibility: libcuda {compat.version} at {at}")
    if nodes.is_data_center is False:
        reason = Reason(
            code="HPR706",
            message=f"the image's forward compatibility to CUDA {version} needs other GPUs",
            evidence=(*seen, nodes.models, "it works on GPUs for data centers"),
            table_row=_ROW,
        )
        return incompatible(reason)
    if _is_on_path(compat, env) or _is_on_path(compat, facts.container.environment):
        return _check_takers(nodes, version, (*seen, f"`{_PATH}` names its folder"))
    reason = Reason(
        code="HPR706",
        message=f"CUDA {version} runs by the image's forward compatibility, which is not on path",
        evidence=(*seen, f"neither job nor image puts its folder into `{_PATH}`"),
        table_row=_ROW,
    )
    return incompatible(reason, force=Force.WARNS)


def _check_takers(nodes: GpuNodes, version: str, seen: tuple[str, ...]) -> Verdict:
    """Judge GPUs by their names: some that are not for data centers take forward compatibility."""
    if nodes.is_data_center is True:
        return fits(_ROW, *seen)
    message = f"cannot tell whether these GPUs take forward compatibility to CUDA {version}"
    return unknown(Reason("HPR706", message, (*seen, nodes.models), _ROW), force=Force.WARNS)


def _check_misled(facts: ImageFacts, nodes: GpuNodes, env: Mapping[str, str]) -> Verdict | None:
    """Judge a driver that is newer than the user space which the library path puts before it."""
    if not is_known(nodes.driver):
        return None
    for compat in _compat(facts):
        is_newer = version_key(nodes.driver) > version_key(compat.version)
        if not is_newer or not _is_on_path(compat, env):
            continue
        reason = Reason(
            code="HPR706",
            message="the job puts a user space of the driver in front that is older than it",
            evidence=(
                f"libcuda {compat.version} at {in_image(facts, compat.path)}",
                f"the job sets `{_PATH}={env[_PATH]}`",
                driver_told(nodes),
            ),
            table_row=_ROW,
        )
        return incompatible(reason)
    return None


def _compat(facts: ImageFacts) -> Iterator[GpuLibrary]:
    libraries = (each for each in facts.gpu.libraries if each.kind == "cuda-compat")
    return (each for each in libraries if is_known(each.version))


def _has(compat: GpuLibrary, version: str) -> bool:
    """Whether a user space of the driver is new enough for a CUDA."""
    newest = gpu_versions().cuda_of(compat.version)
    return newest is not None and _at_most(version, newest)


def _is_on_path(library: GpuLibrary, env: Mapping[str, str]) -> bool:
    """Whether a library path names its folder; `cuda` is a link to `cuda-12.4`."""
    folder = PurePosixPath(library.path).parent
    named = (PurePosixPath(part) for part in env.get(_PATH, "").split(":") if part)
    return any(part == folder or "compat" in part.parts for part in named)


def check_rocm(facts: ImageFacts, nodes: GpuNodes) -> Verdict:
    """Judge the driver of nodes with GPUs of AMD for an image's ROCm."""
    versions = rocm_in(facts)
    if not versions or "amd" not in nodes.vendors:
        return fits(_ROCM, nodes.models, f"{facts.path.name} has no ROCm runtime for them")
    return Verdict.worst_of(_check_release(nodes, *item) for item in versions.items())


def _check_release(nodes: GpuNodes, version: str, found: str) -> Verdict:
    seen = (f"ROCm {version}: {found}", driver_told(nodes))
    row = gpu_versions().rocm_driver(nodes.driver) if is_known(nodes.driver) else None
    if is_known(nodes.runtime) and not _at_most(version, nodes.runtime):
        return _unsupported(version, seen, _ROCM)
    if row is None:
        reason = Reason(
            code="HPR709",
            message=f"cannot tell whether the nodes' driver supports ROCm {version}",
            evidence=seen,
            table_row=_ROCM,
        )
        return unknown(reason, force=Force.SKIPS)
    table = f"gpu_versions.yaml rocm `{row.driver}`"
    known = (*seen, f"driver {row.driver} is supported with ROCm {row.since} to {row.until}")
    if version_key(row.since) <= version_key(version)[:2] and _at_most(version, row.until):
        return fits(table, *known)
    return _unsupported(version, known, table)


def _unsupported(version: str, seen: tuple[str, ...], row: str) -> Verdict:
    reason = Reason(
        code="HPR709",
        message=f"ROCm {version} of the image is not supported with the nodes' driver",
        evidence=seen,
        table_row=row,
    )
    return incompatible(reason, force=Force.WARNS)


def _row_of(release: str) -> str:
    """Name the row of a release of CUDA; a profile may tell one that has none."""
    is_listed = any(row.release == release for row in gpu_versions().cuda)
    return f"gpu_versions.yaml cuda `{release}`" if is_listed else _ROW


def _at_most(version: str, newest: str) -> bool:
    """Whether a release is not above another, as far as both say; `12` may be any of them."""
    own, other = version_key(version)[:2], version_key(newest)[:2]
    return own <= other[: len(own)] if len(own) == 1 else own <= other


def _minor(version: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(version.split(".")[:2])
