"""Do job, image and nodes agree about GPUs at all; drivers and device code are judged elsewhere."""

from collections.abc import Iterable, Iterator

from hpcrun.compat.evidence import asked, fits, in_image, incompatible, unknown
from hpcrun.compat.gpu_nodes import GpuNodes
from hpcrun.model.image import ImageFacts
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.gpus import gpus

_SOFTWARE = asked("gpu-software")
_NAMES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
_TARGETS = {"sm_": "nvidia", "compute_": "nvidia", "gfx": "amd"}
_VARIABLES = {"CUDA_VERSION": "nvidia", "NVIDIA_REQUIRE_CUDA": "nvidia", "ROCM_VERSION": "amd"}
_TOOLKITS = {"cuda": "nvidia", "rocm": "amd"}


def vendors_in(facts: ImageFacts) -> dict[str, str]:
    """Return for whose GPUs an image has software, with what shows it first."""
    found: dict[str, str] = {}
    for vendor, evidence in _signs(facts):
        found.setdefault(vendor, evidence)
    return found


def _signs(facts: ImageFacts) -> Iterator[tuple[str, str]]:
    for library in facts.gpu.libraries:
        if vendor := gpus().vendors.get(library.kind):
            yield vendor, f"{library.kind} at {in_image(facts, library.path)}"
    for code in facts.gpu.code:
        for target in (*code.targets, *code.portable):
            vendors = (vendor for start, vendor in _TARGETS.items() if target.startswith(start))
            yield from (
                (vendor, f"code for {target} in {in_image(facts, code.path)}") for vendor in vendors
            )
    for kit in facts.gpu.toolkits:
        yield _TOOLKITS.get(kit.kind, kit.kind), f"{kit.kind} {kit.version}"
    for name, vendor in _VARIABLES.items():
        if told := facts.gpu.environment.get(name):
            yield vendor, f"the image sets `{name}={told}`"


def check_unasked(facts: ImageFacts) -> Verdict:
    """Judge a job that asks for no GPUs: its program should not be one for GPUs."""
    program = facts.program.path if facts.program else None
    code = next((each for each in facts.gpu.code if each.path == program), None)
    if code is None:
        return fits(_SOFTWARE, "the job asks for no GPUs, and its program holds no code for them")
    reason = Reason(
        code="HPR701",
        message="the program is made for GPUs, but the job asks for none",
        evidence=(
            f"{in_image(facts, code.path)} holds code for "
            f"{', '.join((*code.targets, *code.portable)[:4])}",
            "`gpus_per_node` of the job is 0",
        ),
        table_row=_SOFTWARE,
    )
    return incompatible(reason, force=Force.WARNS)


def check_software(facts: ImageFacts, *, gpus_per_node: int, may_be_brought: bool) -> Verdict:
    """Judge a job that asks for GPUs: its image should have software for them."""
    vendors = vendors_in(facts)
    if vendors:
        return fits(_SOFTWARE, *vendors.values())
    reason = Reason(
        code="HPR704",
        message="the job asks for GPUs, but the image has no software for them",
        evidence=(
            f"`gpus_per_node` of the job is {gpus_per_node}",
            f"no library, toolkit or device code for GPUs was found in {facts.path.name}",
        ),
        table_row=_SOFTWARE,
    )
    return unknown(reason, force=Force.SKIPS if may_be_brought else Force.WARNS)


def check_vendor(facts: ImageFacts, nodes: GpuNodes, *, may_be_brought: bool) -> Verdict:
    """Judge whose GPUs the nodes have against those that the image is made for."""
    wanted = vendors_in(facts)
    there = nodes.vendors
    if not wanted or not there or there & wanted.keys():
        who = ", ".join(_NAMES[vendor] for vendor in sorted(there)) or "an unknown maker"
        return fits(_SOFTWARE, nodes.models, f"made by {who}", *wanted.values())
    image, host = (_listed(names) for names in (wanted, there))
    reason = Reason(
        code="HPR703",
        message=f"the image is made for GPUs of {image}, the nodes have GPUs of {host}",
        evidence=(*wanted.values(), nodes.models),
        table_row=_SOFTWARE,
    )
    return incompatible(reason, force=Force.WARNS if may_be_brought else Force.REFUSES)


def _listed(vendors: Iterable[str]) -> str:
    return " and ".join(_NAMES.get(vendor, vendor) for vendor in sorted(vendors))
