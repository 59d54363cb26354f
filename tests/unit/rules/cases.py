"""For each rule of the planner: what makes it fire (with its page's job), and the nearest miss."""

from pathlib import Path
from typing import Any

from hpcrun.model.api_names import ApiNames
from hpcrun.model.command import CommandFacts
from hpcrun.model.image import ImageFacts, Program
from tests.unit.planner.measured import (
    IMAGES,
    ability,
    image,
    library,
    mpich_image,
    openmpi_image,
    user,
)
from tests.unit.rules.cases_gpu import GPU
from tests.unit.rules.cases_launch import LAUNCH
from tests.unit.rules.cases_machine import MACHINE
from tests.unit.rules.cases_network import NETWORK
from tests.unit.rules.given import ARM, MPICH, NEEDS_OPENMPI, OPENMPI, Case, Given
from tests.unit.rules.given import described as _described
from tests.unit.rules.given import handler as _handler
from tests.unit.rules.given import network as _network
from tests.unit.rules.given import nodes as _nodes
from tests.unit.rules.given import outside as _outside
from tests.unit.rules.given import partition as _partition
from tests.unit.rules.given import read as _read
from tests.unit.rules.given import recorded as _recorded
from tests.unit.rules.given import runtime as _runtime
from tests.unit.rules.given import scheduler as _scheduler
from tests.unit.rules.given import stacks as _stacks

_CALLS_LARGE_COUNT = image(
    users=(user("libmpi.so.12", symbols=ApiNames.of(["MPI_Allreduce_c", "MPI_Init"])),)
)
_MISSING = Program(argv0="/opt/solver", path=None, kind="missing")
_SPEAKS_UNKNOWN = image(library("openmpi", "5.0.7", "libmpi.so.40"), users=(user("libmpi.so.40"),))


def _followed(**found: Any) -> ImageFacts:
    """Make an image whose command was followed to /opt/solver."""
    step = {"name": "/opt/solver", "path": "/opt/solver", "kind": "elf", "through": "the command"}
    command = {"argv": ["/opt/solver"], "steps": [step], "mpi_users": OPENMPI.mpi_users} | found
    program = {"argv0": "/opt/solver", "path": "/opt/solver", "arch": "x86_64", "kind": "elf"}
    made = {"command": CommandFacts.model_validate(command), "program": Program(**program)}
    return OPENMPI.model_copy(update=made)


def _lacks(name: str) -> dict[str, Any]:
    why = "found in none of the loader's folders"
    return {"name": name, "path": None, "needed_by": "/opt/solver", "evidence": why}


def _needs(version: str, *, is_met: bool) -> dict[str, Any]:
    return {
        "kind": "GLIBC",
        "version": version,
        "path": "/opt/solver",
        "library": "libc.so.6",
        "is_met": is_met,
        "offered": "2.36",
        "evidence": "verneed",
    }


_STATIC = image(
    library("openmpi", "5.0.7", "static", ability("pmix", "5.0.7"), path="/usr/bin/app"),
    users=(user("static", library="/usr/bin/app"),),
)
_ONE_BIND = _stacks("openmpi-5.0.11")
_DIGEST = f"sha256:{'0' * 64}"

_OTHERS = MACHINE | LAUNCH

CASES: dict[str, Case] = _OTHERS | {
    "HPR004": Case(
        silent_job="resources: {nodes: 2, tasks: 3}\n"
        "allow: [{rule: HPR403, because: tried by hand}]"
    ),
    "HPR101": Case(silent_job="submit: {partition: main}"),
    "HPR102": Case(silent_job="resources: {nodes: 2, tasks: 4, walltime: 24:00:00}"),
    "HPR103": Case(silent_job="resources: {nodes: 2, tasks: 4, memory_per_node: 4000 MiB}"),
    "HPR104": Case(
        fires=Given(site={"as_of": "2025-01-01"}), silent=Given(site={"as_of": "2025-11-21"})
    ),
    "HPR105": Case(
        fires=Given(site=_scheduler(required={"account": True})),
        silent=Given(site=_scheduler(required={"account": True})),
        silent_job="submit: {account: neuro}",
    ),
    "HPR106": Case(silent_job="resources: {nodes: 2, tasks: 4}"),
    "HPR107": Case(silent_job="resources: {nodes: 2, tasks: 4, cpus_per_task: 2}"),
    "HPR108": Case(
        silent=Given(site=_nodes(gpus=[{"model": "H200", "count": 1, "vendor": "nvidia"}])),
        fires_too=("HPR702",),
    ),
    "HPR109": Case(silent_job="resources: {nodes: 2, tasks: 2}"),
    "HPR110": Case(fires=Given(site=_scheduler(kind="pbs"))),
    "HPR111": Case(
        fires=Given(site=_nodes(features=["cpu", "small"])),
        silent=Given(site=_nodes(features=["cpu", "small"])),
        silent_job="submit: {constraint: cpu&small}",
    ),
    "HPR112": Case(
        fires=Given(site={"life": {"ends": "2026-11-01"}}),
        silent=Given(site={"life": {"ends": "2027-11-01"}}),
    ),
    "HPR113": Case(
        fires=Given(site=_partition(gpus_required=True)),
        silent=Given(site=_partition(gpus_required="unknown")),
    ),
    "HPR114": Case(
        fires=Given(site=_partition(open=False)), silent=Given(site=_partition(open=True))
    ),
    "HPR115": Case(
        fires=Given(site=_partition(nodes_min=33)), silent=Given(site=_partition(nodes_min=2))
    ),
    "HPR116": Case(
        fires=Given(site=_partition(account_ending="a")),
        silent=Given(site=_partition(account_ending="a")),
        silent_job="submit: {account: braina}",
    ),
    "HPR117": Case(
        fires=Given(site={"qos": {"debug": {"partitions": ["other"]}}}),
        silent=Given(site={"qos": {"debug": {"partitions": ["other", "main"]}}}),
    ),
    "HPR202": Case(fires=Given(image=ARM)),
    "HPR203": Case(
        fires=Given(image=_STATIC, site=_ONE_BIND),
        silent=Given(image=_STATIC, site=_ONE_BIND),
        silent_job="mpi: {model: hybrid}",
    ),
    "HPR204": Case(
        fires=Given(image=IMAGES["no-mpi"]),
        silent=Given(image=IMAGES["no-mpi"]),
        silent_job="mpi: none",
    ),
    "HPR206": Case(
        fires=Given(image=OPENMPI.model_copy(update={"declared_arch": "aarch64"})),
    ),
    "HPR208": Case(
        fires=Given(image=OPENMPI.model_copy(update={"program": _MISSING})),
        silent=Given(image=OPENMPI.model_copy(update={"program": _MISSING})),
        silent_job="command: [/opt/solver]\nmounts: [{host: /home/share/tools, container: /opt}]",
    ),
    "HPR209": Case(silent=Given(image=OPENMPI.model_copy(update={"digest": _DIGEST}))),
    "HPR211": Case(
        fires=Given(image=OPENMPI.model_copy(update={"kind": "docker-archive"})),
        silent=Given(image=OPENMPI.model_copy(update={"kind": "squashfs"})),
    ),
    "HPR215": Case(
        fires=Given(image=_followed(closure=[_lacks("libnetcdf.so.19")])),
        silent=Given(image=_followed(closure=[_lacks("libmpi_mpifh.so.40")])),
    ),
    "HPR216": Case(
        fires=Given(image=_followed(needs=[_needs("2.38", is_met=False)])),
        silent=Given(image=_followed(needs=[_needs("2.36", is_met=True)])),
    ),
    "HPR301": Case(
        fires=Given(site=_stacks("mpich-4.3.2")), silent=Given(site=_stacks("openmpi-5.0.11"))
    ),
    "HPR302": Case(fires=Given(site=_stacks("openmpi-4.1.8")), silent=Given(site=_ONE_BIND)),
    "HPR303": Case(fires=Given(site=_ONE_BIND, stacks={}), silent=Given(site=_ONE_BIND)),
    "HPR305": Case(
        fires=Given(image=image(users=(user("libmpich.so.12"),)), site=_stacks("mpich-4.3.2")),
        silent=Given(image=image(users=(user("libmpi.so.12"),))),
    ),
    "HPR306": Case(
        fires=Given(image=MPICH, site=_stacks("mpich-4.3.2")),
        silent=Given(image=mpich_image("4.0.2", soname="libmpi.so.12")),
    ),
    "HPR307": Case(
        fires=Given(
            image=_CALLS_LARGE_COUNT, site=_described("mpich-3.4.3"), stacks=_read("mpich-3.4.3")
        ),
        silent=Given(
            image=_CALLS_LARGE_COUNT, site=_described("mpich-4.3.2"), stacks=_read("mpich-4.3.2")
        ),
    ),
    "HPR311": Case(
        fires=Given(image=image(users=NEEDS_OPENMPI.mpi_users, glibc="2.12")),
        silent=Given(image=image(users=NEEDS_OPENMPI.mpi_users, glibc="2.17")),
    ),
    "HPR312": Case(
        fires=Given(
            image=image(users=NEEDS_OPENMPI.mpi_users, sonames=("libm.so.6",)),
            site=_ONE_BIND,
            stacks=_outside("libz.so.1"),
        ),
        silent=Given(
            image=image(users=NEEDS_OPENMPI.mpi_users, sonames=("libm.so.6", "libz.so.1")),
            site=_ONE_BIND,
            stacks=_outside("libz.so.1"),
        ),
    ),
    "HPR321": Case(
        fires=Given(image=_recorded("mpich-3.4.1"), site=_network("infiniband")),
        silent=Given(image=_recorded("mpich-4.2.1"), site=_network("infiniband")),
    ),
    "HPR401": Case(
        fires=Given(image=MPICH, site=_scheduler(mpi_types=["none", "pmix"]) | _stacks()),
        silent=Given(image=MPICH, site=_scheduler(mpi_types=["none", "pmi2", "pmix"])),
    ),
    "HPR402": Case(fires=Given(image=_SPEAKS_UNKNOWN, site=_stacks()), silent=Given()),
    "HPR403": Case(silent_job="resources: {nodes: 2, tasks: 4}"),
    "HPR404": Case(silent_job="mpi: none"),
    "HPR405": Case(
        fires=Given(image=openmpi_image("6.0.0", "6.1.0"), site=_stacks()),
        silent=Given(image=openmpi_image("5.0.7", "5.0.7"), site=_stacks()),
    ),
    "HPR406": Case(silent_job="command: [/usr/bin/app]"),
    "HPR407": Case(silent_job="mpi: {launcher: srun}"),
    "HPR408": Case(fires=Given(site=_stacks()), silent=Given(site=_ONE_BIND)),
    "HPR409": Case(silent_job="gate: auto"),
    "HPR501": Case(silent_job="mounts: [{host: /home/share/data, container: /data}]"),
    "HPR502": Case(fires=Given(missing=(Path("/home/share/scans"),))),
    "HPR503": Case(silent_job="workdir: /home/share/brain"),
    "HPR504": Case(
        fires=Given(image=NEEDS_OPENMPI, site=_ONE_BIND),
        silent=Given(image=NEEDS_OPENMPI, site=_ONE_BIND),
        silent_job="env: {OPAL_PREFIX: /opt/hpc/openmpi-5.0.11}",
    ),
    "HPR505": Case(
        fires=Given(site=_runtime(version="unknown", mode="unknown")),
        silent=Given(site=_runtime(version="unknown")),
    ),
    "HPR506": Case(fires=Given(site=_runtime(user_bind=False))),
    "HPR507": Case(fires=Given(site=_runtime(available_on=["login"]))),
    "HPR508": Case(
        fires=Given(image=OPENMPI.model_copy(update={"path": Path("/tmp/app.sif")})),
    ),
    "HPR509": Case(silent_job="mounts: [{host: /home/share/brains, container: /data}]"),
    "HPR510": Case(fires=Given(site=_runtime(group="container"))),
    "HPR511": Case(
        fires=Given(site=_runtime(kind="podman-hpc")),
        silent=Given(site=_runtime(kind="singularity-ce")),
    ),
    "HPR512": Case(
        fires=Given(site=_runtime(version="1.0.3")), silent=Given(site=_runtime(version="1.1.6"))
    ),
    "HPR601": Case(fires=Given(image=ARM), silent=Given(image=ARM, site=_handler("qemu-user"))),
    "HPR602": Case(
        fires=Given(image=ARM, site=_handler("qemu-user")),
        silent=Given(image=ARM, site=_handler("qemu-user")),
        silent_job="mpi: {model: hybrid}\nexecution: emulated",
    ),
    "HPR603": Case(silent_job="execution: native"),
    "HPR604": Case(
        fires=Given(image=ARM, site=_handler("box64")),
        silent=Given(image=ARM, site=_handler("qemu-user")),
    ),
    "HPR702": Case(
        fires=Given(site=_nodes(gpus=[{"model": "H200", "count": 1, "vendor": "nvidia"}])),
        silent_job="resources: {nodes: 2, tasks: 4, gpus_per_node: 0}",
    ),
}
CASES |= NETWORK | GPU
