"""Would the driver's libraries, mounted into a container, be found and load; no CUDA versions."""

from collections.abc import Mapping

from hpcrun.compat.cuda_requirement import is_met
from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, unknown
from hpcrun.compat.gpu_driver import driver_told, newest_cuda
from hpcrun.compat.gpu_nodes import GpuNodes
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.gpu_versions import compute_of, gpu_versions
from hpcrun.tables.versions import version_key

_LIBC = asked("gpu-c-library")
_FOUND = asked("gpu-library-path")
_ASKS = asked("gpu-requirement")
_LIBRARIES = "/.singularity.d/libs"
_UNPACKED = ("folder", "squashfs")


def check_c_library(facts: ImageFacts, nodes: GpuNodes) -> Verdict:
    """Judge the host's libraries for GPUs on the image's C library."""
    libc = facts.libc
    where = f"image: {libc.kind} {libc.version} ({libc.evidence or facts.path.name})"
    if libc.kind == "musl":
        reason = Reason(
            code="HPR710",
            message="the driver's libraries need glibc, but the image's C library is musl",
            evidence=(where, nodes.models),
            table_row=_LIBC,
        )
        return incompatible(reason)
    host = nodes.node.os.glibc
    needs = [gpu_versions().glibc_of(vendor) for vendor in sorted(nodes.vendors)]
    if not is_known(libc.version) or not needs:
        return _untold(where, nodes)
    for need in needs:
        if need is None and not is_known(host):
            return _untold(where, nodes)
        jump = need if need is not None else gpu_versions().jump_between(libc.version, host)
        if jump is None or version_key(jump) <= version_key(libc.version):
            continue
        reason = Reason(
            code="HPR710",
            message=f"the host's libraries for GPUs may need glibc {jump}, newer than the image's",
            evidence=(where, nodes.models, f"{nodes.told('os.glibc')}: {host}"),
            table_row=_LIBC,
        )
        return incompatible(reason, force=Force.WARNS)
    return fits(_LIBC, where, nodes.models)


def _untold(where: str, nodes: GpuNodes) -> Verdict:
    reason = Reason(
        code="HPR710",
        message="cannot tell whether the host's libraries for GPUs run on the image's glibc",
        evidence=(where, f"{nodes.told('os.glibc')}: {nodes.node.os.glibc}", nodes.models),
        table_row=_LIBC,
    )
    return unknown(reason, force=Force.SKIPS)


def check_search_path(facts: ImageFacts, site: Site, env: Mapping[str, str]) -> Verdict:
    """Judge whether programs find the driver's libraries where the runtime mounts them."""
    built = facts.container.apptainer
    if built is not None:
        return fits(_FOUND, f"{facts.path.name} was built by Apptainer: {built.evidence}")
    if facts.kind not in _UNPACKED:
        return fits(_FOUND, f"{facts.path.name} is a {facts.kind}, whose scripts set the path")
    paths = env.get("LD_LIBRARY_PATH", "").split(":")
    if _LIBRARIES in paths:
        return fits(_FOUND, f"the job puts {_LIBRARIES} into `LD_LIBRARY_PATH`")
    reason = Reason(
        code="HPR711",
        message="programs in this unpacked image would not find the driver's libraries",
        evidence=(
            f"{facts.path.name} has no scripts of Apptainer, which set `LD_LIBRARY_PATH`",
            f"`{site.runtime.command}` mounts the libraries at {_LIBRARIES}",
            f"{in_profile(site, 'runtime.kind')}: {site.runtime.kind}",
        ),
        table_row=_FOUND,
    )
    return incompatible(reason, force=Force.WARNS)


def check_requirement(facts: ImageFacts, nodes: GpuNodes) -> Verdict:
    """Judge what an image asks of drivers in so many words."""
    told = facts.gpu.environment
    asks = {name: text for name, text in told.items() if name.startswith("NVIDIA_REQUIRE_")}
    is_off = told.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true", "yes")
    if not asks or is_off or "nvidia" not in nodes.vendors:
        return fits(_ASKS, f"{facts.path.name} asks nothing of the driver", nodes.models)
    properties = _properties(nodes)
    for name, text in asks.items():
        answer = is_met(text, properties)
        if answer:
            continue
        seen = (f"the image sets `{name}={text[:120]}`", driver_told(nodes), nodes.models)
        if answer is None:
            message = f"cannot tell whether the nodes' driver meets the image's `{name}`"
            reason = Reason(code="HPR707", message=message, evidence=seen, table_row=_ASKS)
            return unknown(reason, force=Force.SKIPS)
        message = f"the nodes' driver does not meet the image's `{name}`"
        reason = Reason(code="HPR707", message=message, evidence=seen, table_row=_ASKS)
        return incompatible(reason, force=Force.WARNS)
    return fits(_ASKS, *(f"{name}={text[:120]}" for name, text in asks.items()), driver_told(nodes))


def _properties(nodes: GpuNodes) -> dict[str, str]:
    """Return what is known of the nodes by the names that requirements use.

    A driver named by its branch alone is left out: it may be below or above a bound.
    """
    newest = newest_cuda(nodes)
    computes = {compute_of(gpu) for gpu in nodes.gpus}
    found = {"cuda": newest} if newest else {}
    if is_known(nodes.driver) and "." in nodes.driver:
        found["driver"] = nodes.driver
    if len(computes) == 1 and is_known(compute := computes.pop()):
        found["arch"] = compute
    return found
