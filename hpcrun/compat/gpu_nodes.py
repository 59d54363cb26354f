"""The GPUs of node classes, and how verdicts on several of them are joined."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from hpcrun.compat.evidence import alike, asked, fits, in_classes, listed, unknown
from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.nodes import Gpu, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.gpu_versions import gpu_versions, vendor_of

_ROW = asked("gpu-driver")


class GpuNodes(NamedTuple):
    """Node classes with the same GPUs, driver and C library."""

    site: Site
    names: tuple[str, ...]
    node: NodeClass
    gpus: tuple[Gpu, ...]

    def told(self, key: str) -> str:
        """Name a value of the classes."""
        return in_classes(self.site, self.names, key)

    @property
    def models(self) -> str:
        """What the GPUs are called, and where that stands."""
        return f"{self.told('gpus')}: {', '.join(gpu.model for gpu in self.gpus)}"

    @property
    def vendors(self) -> frozenset[str]:
        """Who makes the GPUs, as far as it is known."""
        return frozenset(filter(is_known, map(vendor_of, self.gpus)))

    @property
    def driver(self) -> str | Unknown:
        """The version of their driver."""
        return self.node.gpu_driver or UNKNOWN

    @property
    def runtime(self) -> str | Unknown:
        """The newest CUDA or ROCm that the driver takes."""
        return self.node.gpu_runtime or UNKNOWN

    @property
    def is_data_center(self) -> bool | Unknown:
        """Whether all are made for data centers, as far as their names tell."""
        rows = [gpu_versions().model(gpu.model) for gpu in self.gpus]
        known = [row.is_data_center for row in rows if row and row.is_data_center is not None]
        return all(known) if known and len(known) == len(rows) else UNKNOWN


def gpu_nodes(site: Site, classes: Mapping[str, NodeClass]) -> tuple[GpuNodes, ...]:
    """Return the node classes that are known to have GPUs, those that are alike together."""
    return tuple(
        GpuNodes(site, names, node, node.gpus)
        for names, node in alike(classes, _gpu_facts)
        if is_known(node.gpus) and node.gpus
    )


def check_known(site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge whether the profile tells the GPUs of all nodes; else much goes unchecked."""
    told = {name: is_known(node.gpus) for name, node in classes.items()}
    untold = [name for name, is_told in told.items() if not is_told]
    if not untold:
        return fits(_ROW, f"profile `{site.name}` tells the GPUs of {listed(told)}")
    reason = Reason(
        code="HPR705",
        message=f"cannot tell which GPUs and driver the nodes of class {listed(untold)} have",
        evidence=(f"{in_classes(site, untold, 'gpus')} is unknown",),
        table_row=_ROW,
    )
    return unknown(reason, force=Force.SKIPS)


def _gpu_facts(node: NodeClass) -> tuple[object, ...]:
    return (node.gpus, node.gpu_driver, node.gpu_runtime, node.os.glibc)


def join(judged: Iterable[tuple[GpuNodes, Verdict]]) -> Iterator[Verdict]:
    """Yield verdicts on nodes: what only some of them refuse is a warning, for the others do."""
    every = tuple(judged)
    fine = [nodes for nodes, verdict in every if not verdict.refuses]
    for _, verdict in every:
        if not verdict.refuses or not fine:
            yield verdict
            continue
        names = listed(name for nodes in fine for name in nodes.names)
        told = f"not so on nodes of class {names}"
        yield replace(
            verdict,
            force=Force.WARNS,
            reasons=tuple(
                replace(reason, evidence=(*reason.evidence, told)) for reason in verdict.reasons
            ),
        )
