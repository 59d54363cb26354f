"""What a question raises about the network between nodes; does not judge it, nor choose."""

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from hpcrun.compat.emulation import check_emulated_network
from hpcrun.compat.fabric import check_fabric, check_network_known, check_unread_stack
from hpcrun.compat.fabric_choice import check_choice, check_collectives
from hpcrun.compat.fabric_parts import MpiHolder, check_libfabric, check_ucx
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.model.verdict import Verdict
from hpcrun.planner.judge_gpu_mpi import judge_gpu_mpi
from hpcrun.planner.question import Question

_PATHS = frozenset({"LD_LIBRARY_PATH", "FI_PROVIDER_PATH", "LD_PRELOAD"})
"""Variables by which a job makes its MPI find network libraries that the image does not have."""
_SYSTEM_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
"""Where ld.so looks by itself, and distributions besides (ld.so(8), ld.so.conf)."""
_PLUGIN_PATHS = frozenset({*_PATHS, "NCCL_NET_PLUGIN"})


def judge_image_network(
    question: Question, arch: str, library: MpiLibrary, execution: str
) -> Iterator[Verdict]:
    """Judge one MPI library of an image on the nodes' network."""
    holder = MpiHolder(question.images[arch], library)
    yield check_libfabric(holder)
    yield from judge_gpu_mpi(question, holder)
    if _is_on_one_node(question):
        return
    yield check_network_known(question.site, question.classes)
    if execution == "emulated":
        yield check_emulated_network(question.site, question.classes)
        return
    yield check_fabric(
        holder,
        question.site,
        question.classes,
        may_be_brought=_may_be_brought(question, arch),
        env=question.job.env,
    )
    yield check_ucx(holder)
    yield _check_choice(question, arch)


def judge_stack_network(
    question: Question,
    arch: str,
    name: str,
    library: MpiLibrary | None,
    stack: StackFacts | None,
) -> Iterator[Verdict]:
    """Judge a host stack on the nodes' network; of its own site it is not refused."""
    if library is None or stack is None:
        if not _is_on_one_node(question):
            yield check_unread_stack(name, question.site, question.classes)
        return
    holder = MpiHolder(question.images[arch], library, name, stack)
    yield check_libfabric(holder)
    yield from judge_gpu_mpi(question, holder)
    if _is_on_one_node(question):
        return
    yield check_network_known(question.site, question.classes)
    yield check_fabric(
        holder, question.site, question.classes, may_be_brought=True, env=question.job.env
    )
    yield _check_choice(question, arch)


def judge_collectives(question: Question, arch: str) -> Iterator[Verdict]:
    """Judge what GPUs of different nodes talk over, where there are any."""
    if _is_on_one_node(question) or not question.job.resources.gpus_per_node:
        return
    facts = question.images[arch]
    is_brought = _may_be_brought(question, arch) or bool(_PLUGIN_PATHS & set(question.job.env))
    yield check_collectives(facts, question.site, question.classes, may_be_brought=is_brought)


def _check_choice(question: Question, arch: str) -> Verdict:
    environments = (question.job.env, question.images[arch].container.environment)
    if not question.job.resources.gpus_per_node:
        environments = (_without_gpus(environments[0]), _without_gpus(environments[1]))
    return check_choice(*environments, question.site, question.classes)


def _without_gpus(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what only GPUs' collectives read."""
    return {name: value for name, value in environment.items() if not name.startswith("NCCL_")}


def _is_on_one_node(question: Question) -> bool:
    return question.job.resources.nodes < 2  # noqa: PLR2004


def _may_be_brought(question: Question, arch: str) -> bool:
    """Whether something beside what was read may bring libraries that seem to lack.

    A mount does so only where libraries are looked for: data beside them changes nothing.
    """
    job, facts = question.job, question.images[arch]
    if not facts.is_complete or _PATHS & set(job.env):
        return True
    if not job.mounts:
        return False
    folders = [PurePosixPath(folder) for folder in _library_folders(facts)]
    return any(
        mount.container.is_relative_to(folder) or folder.is_relative_to(mount.container)
        for mount in job.mounts
        for folder in folders
    )


def _library_folders(facts: ImageFacts) -> Iterator[str]:
    """Yield where the image's programs look for libraries."""
    yield from _SYSTEM_FOLDERS
    for library in facts.mpi:
        yield posixpath.dirname(library.path)
        yield from (path for path in (*library.rpath, *library.runpath) if path.startswith("/"))
    for user in facts.mpi_users:
        yield from (path for path in (*user.rpath, *user.runpath) if path.startswith("/"))
    paths = facts.container.environment.get("LD_LIBRARY_PATH", "")
    yield from (path for path in paths.split(":") if path.startswith("/"))
