"""The shape of a sandbox: the usual one, and that of a site's profile, as Slurm is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from hpcrun.errors import InputError, UsageError
from hpcrun.loading.site_file import load_site
from hpcrun.model.nodes import Gpu, NodeClass, Partition
from hpcrun.model.site import RequiredOptions, Site
from hpcrun.sandbox.cluster_files import Cluster, format_slurm_conf
from hpcrun.sandbox.hardware import Hardware
from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.imitation import find_gaps
from hpcrun.sandbox.options import Options
from hpcrun.sandbox.rootfs import inside_folder
from hpcrun.sandbox.shape import plan_shape
from hpcrun.sandbox.shape_files import (
    fake_gpus,
    fold,
    format_gres_conf,
    format_job_submit,
    slurm_lines,
)
from hpcrun.sandbox.versions import check_mpi_default, default_version, find_like, find_version

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "two-classes" / "site.yaml"
HARDWARE = Hardware("x86_64", 4, 8000, "6.10", 15000)
USER = JobUser("ada", 1000, 1000, 1001, 1001)


def site(**changes: object) -> Site:
    return load_site(EXAMPLE).model_copy(update=changes)


def cluster_like(like: Site, options: Options | None = None) -> Cluster:
    shape = plan_shape(like, None, HARDWARE)
    made = Cluster("box", shape, HARDWARE, USER, "/srv/share", default_version())
    return replace(made, options=options or Options())


def test_usual_shape_is_one_class_and_one_partition() -> None:
    assert slurm_lines(plan_shape(None, 2, HARDWARE)) == (
        "NodeName=n[1-2] Sockets=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=8000 State=UNKNOWN",
        "PartitionName=main Nodes=n[1-2] Default=YES MaxTime=24:00:00 DefMemPerCPU=2000 State=UP",
    )


def test_shape_of_a_site_is_told_to_slurm() -> None:
    assert slurm_lines(plan_shape(site(), None, HARDWARE)) == (
        "EnforcePartLimits=ALL",
        "GresTypes=gpu",
        "JobSubmitPlugins=lua",
        "NodeName=standard[1-2] Sockets=2 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=16000 "
        "Feature=cpu,small State=UNKNOWN",
        "NodeName=large[1-2] Sockets=2 CoresPerSocket=8 ThreadsPerCore=2 RealMemory=64000 "
        "Feature=cpu,large State=UNKNOWN",
        "NodeName=accelera[1-2] Sockets=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=32000 "
        "Feature=gpu Gres=gpu:h200:4 State=UNKNOWN",
        "PartitionName=cpu Nodes=standard1,large1,standard2,large2 Default=YES MaxTime=24:00:00 "
        "DefMemPerCPU=2000 State=UP",
        "PartitionName=bigmem Nodes=large[1-2] Default=NO MaxTime=4:00:00 DefMemPerCPU=2000 "
        "State=UP",
        "PartitionName=gpu Nodes=accelera[1-2] Default=NO MaxTime=2:00:00 DefMemPerCPU=4000 "
        "State=UP",
    )


def test_mpi_default_is_the_one_asked_for_else_the_site_s_where_slurm_has_it() -> None:
    common = (inside_folder() / "slurm.conf").read_text()
    here, elsewhere = site(), site(scheduler=site().scheduler.model_copy())
    elsewhere = site(scheduler=here.scheduler.model_copy(update={"mpi_default": "pspmix"}))
    for like, options, expected in (
        (here, Options(), "pmix"),
        (here, Options(mpi_default="pmi2"), "pmi2"),
        (elsewhere, Options(), "none"),
    ):
        text = format_slurm_conf(cluster_like(like, options), common)
        lines = [line for line in text.splitlines() if line.startswith("MpiDefault")]
        assert lines == [f"MpiDefault={expected}"]


def test_each_gpu_has_a_device_of_its_own() -> None:
    gpus = (Gpu(model="A100 SXM4", count=2), Gpu(model="T4", count=1))
    node = NodeClass(gpus=gpus)
    like = site(
        node_classes={"mixed": node}, partitions={"all-gpus": Partition(node_classes=("mixed",))}
    )
    shape = plan_shape(like, 1, HARDWARE)
    assert format_gres_conf(shape).splitlines() == [
        "NodeName=mixed1 Name=gpu Type=a100-sxm4 File=/dev/fake-gpu[0-1]",
        "NodeName=mixed1 Name=gpu Type=t4 File=/dev/fake-gpu[2-2]",
    ]
    assert fake_gpus(shape) == {"mixed1": 3}


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, (2, 2, 2)), (1, (1, 1, 1)), (5, (5, 5, 5)), (9, (9, 9, 8))]
)
def test_classes_have_two_nodes_or_as_asked_but_no_more_than_the_site(
    asked: int | None, expected: tuple[int, ...]
) -> None:
    shape = plan_shape(site(), asked, HARDWARE)
    assert tuple(len(one.nodes) for one in shape.classes) == expected


def test_partition_with_few_nodes_has_one_of_each_class() -> None:
    partitions = {
        "debug": Partition(node_classes=("standard", "large"), nodes=1, default=True),
        "cpu": Partition(node_classes=("standard", "large")),
    }
    debug, cpu = plan_shape(site(partitions=partitions), None, HARDWARE).partitions
    assert debug.nodes == ("standard1", "large1")
    assert len(cpu.nodes) == 4
    assert cpu.walltime_max_min is None


def test_node_names_are_short_and_apart_whatever_the_classes_are_called() -> None:
    names = ("cpu", "cpu1", "CPU", "a.very_long-class.name-1", "a.very_long-class.name-2", "x64")
    like = site(
        node_classes={name: NodeClass() for name in names},
        partitions={"p": Partition(node_classes=names)},
    )
    nodes = plan_shape(like, 12, HARDWARE).nodes
    assert len(set(nodes)) == len(nodes) == 72
    # A link `v-NODE` has at most 15 letters.
    assert max(map(len, nodes)) <= 13
    assert {node.strip("abcdefghijklmnopqrstuvwxyz0123456789-") for node in nodes} == {""}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"partitions": {}}, "no partition with nodes"),
        (
            {"partitions": {"default": Partition(node_classes=("large",))}},
            "cannot have a partition",
        ),
    ],
)
def test_profile_without_a_shape_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        plan_shape(site(**changes), None, HARDWARE)


@pytest.mark.parametrize(("n_nodes", "like"), [(0, None), (201, None), (150, "site")])
def test_too_many_nodes_are_refused(n_nodes: int, like: str | None) -> None:
    partitions = {"p": Partition(node_classes=("standard", "large"))}
    chosen = site(partitions=partitions) if like else None
    with pytest.raises(UsageError, match="1 to 200 nodes"):
        plan_shape(chosen, n_nodes, HARDWARE)


def test_uneven_sockets_become_one() -> None:
    like = site(
        node_classes={"odd": NodeClass(sockets=2, cores=7, memory_mib=100)},
        partitions={"p": Partition(node_classes=("odd",))},
    )
    (odd,) = plan_shape(like, None, HARDWARE).classes
    assert (odd.sockets, odd.cores) == (1, 7)


def test_changed_profile_is_another_shape_and_more_nodes_are_not() -> None:
    first = plan_shape(site(), None, HARDWARE)
    assert plan_shape(site(), 5, HARDWARE).like == first.like
    required = site().scheduler.model_copy(update={"required": RequiredOptions(qos=True)})
    assert plan_shape(site(scheduler=required), None, HARDWARE).like != first.like


def test_what_the_site_insists_on_is_checked_by_slurm() -> None:
    options = {"time": 'give "it" \\ plainly', "mail-user": "somebody"}
    required = RequiredOptions(account=True, options=options)
    scheduler = site().scheduler.model_copy(update={"required": required})
    text = format_job_submit(plan_shape(site(scheduler=scheduler), None, HARDWARE))
    assert text.count("return slurm.ERROR") == 2
    assert '"this site insists on --account")' in text
    assert r'"this site insists on --time: give \"it\" \\ plainly")' in text
    assert "mail" not in text
    gaps = find_gaps(site(scheduler=scheduler), cluster_like(site(scheduler=scheduler)))
    assert "jobs may do without `--mail-user`" in gaps


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        (("n1",), "n1"),
        (("n1", "n2", "n3"), "n[1-3]"),
        (("n1", "n3"), "n1,n3"),
        (("a-1", "a-2"), "a-[1-2]"),
        (("n9", "n10"), "n[9-10]"),
        (("a1", "b2"), "a1,b2"),
    ],
)
def test_fold_writes_rows_of_numbers_short(nodes: tuple[str, ...], text: str) -> None:
    assert fold(nodes) == text


def test_everything_that_differs_from_the_site_is_said() -> None:
    gaps = find_gaps(site(), cluster_like(site()))
    assert gaps == (
        "srun has `--mpi=cray_shasta` too, which the site lacks; the sandbox's profile leaves it "
        "out",
        "partition `cpu` has 4 nodes, not 24",
        "partition `bigmem` has 2 nodes, not 4",
        "partition `gpu` has 2 nodes, not 8",
        "node class `standard`: the fabric is ethernet between virtual links, as the profile does "
        "not say",
        "node class `large`: the fabric is ethernet between virtual links, as the profile does not "
        "say",
        "node class `accelerated`: GPU H200 can be asked for, but there is no device behind",
        "node class `accelerated`: the fabric is ethernet between virtual links, as the profile "
        "does not say",
        "4 cores and 8000 MiB are shared by all nodes, whatever Slurm is told",
        "nodes run Debian trixie with glibc 2.41, as the profile does not say which",
        "images are run by the sandbox's Apptainer in mode userns, not by apptainer",
    )


def test_unknown_values_are_filled_in_and_told() -> None:
    like = site(
        node_classes={"plain": NodeClass()}, partitions={"p": Partition(node_classes=("plain",))}
    )
    gaps = find_gaps(like, cluster_like(like))
    for told in (
        "partition `p` has 2 nodes, as the profile does not say",
        "partition `p` has no limit of walltime, as the profile knows none",
        "node class `plain`: 4 cores, as the profile does not say",
        "node class `plain`: 8000 MiB of memory, as the profile does not say",
        "node class `plain`: the processor is x86_64, as the profile does not say",
        "node class `plain`: no GPUs, as the profile does not say which",
        "node class `plain`: no features, as the profile knows none",
    ):
        assert told in gaps


def test_version_is_the_site_s_where_there_is_such_a_sandbox() -> None:
    for version, expected in (("22.05.8", "22.05"), ("24.11", "24.11"), ("2.05", None)):
        scheduler = site().scheduler.model_copy(update={"version": version})
        found = find_like(site(scheduler=scheduler))
        assert (found.slurm if found else None) == expected


def test_mpi_default_that_slurm_does_not_have_is_refused() -> None:
    check_mpi_default(find_version("26.05"), "pmi2")
    check_mpi_default(find_version("26.05"), None)
    with pytest.raises(UsageError, match="no `--mpi=pmix`") as refused:
        check_mpi_default(find_version("26.05"), "pmix")
    assert refused.value.help == ("--mpi-default takes cray_shasta, none, pmi2",)


def test_more_gpus_than_any_node_has_are_refused() -> None:
    node = NodeClass(gpus=(Gpu(model="T4", count=40), Gpu(model="L4", count=40)))
    like = site(node_classes={"a": node}, partitions={"p": Partition(node_classes=("a",))})
    with pytest.raises(InputError, match="more than 64 GPUs"):
        plan_shape(like, 1, HARDWARE)
