"""Checks of the libraries that the job's program needs besides MPI; reads no files."""

from collections.abc import Iterator

from hpcrun.compat.evidence import in_image
from hpcrun.model.command import CommandFacts, LoadedLibrary, VersionNeed
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.planner.diagnose import diagnose
from hpcrun.planner.question import Question
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.mpi_parts import mpi_parts

_DRIVERS = ("libcuda.so", "libnvidia-", "libnvcuvid.so", "libdrm_amdgpu.so")
"""The host's, which a runtime shows with its GPUs (etc/nvliblist.conf, rocmliblist.conf of
Apptainer 1.4)."""
_OTHER_PROGRAMS = ("PATH", "PYTHONPATH", "PYTHONHOME")
_OTHER_LIBRARIES = ("LD_LIBRARY_PATH", "LD_PRELOAD")
_KINDS = {"GLIBC": "C library", "GLIBCXX": "libstdc++", "CXXABI": "libstdc++", "GCC": "libgcc"}


def check_libraries(
    question: Question, facts: ImageFacts, *, is_bind: bool
) -> Iterator[Diagnostic]:
    """Report libraries that the program needs and the image lacks, or has only in an older form.

    MPI libraries are judged with the candidates. Errors are only what nothing outside the image
    can mend: no mount of the job, no host stack (`is_bind`), no variable.
    """
    command, job = facts.command, question.job
    if command is None or any(name in job.env for name in _OTHER_PROGRAMS):
        return
    is_own = not (is_bind or job.mounts or any(name in job.env for name in _OTHER_LIBRARIES))
    is_own = is_own and facts.is_complete and command.is_sure
    is_own = is_own and (facts.program is None or facts.program.host_path is None)
    yield from _missing(facts, command, is_own=is_own)
    yield from _unmet(facts, command, is_own=is_own)


def _missing(facts: ImageFacts, command: CommandFacts, *, is_own: bool) -> Iterator[Diagnostic]:
    lacking = [library for library in command.missing if not _is_mpi(library)]
    if not lacking:
        return
    sure = [library for library in lacking if _is_sure(library)] if is_own else []
    first = (sure or lacking)[0]
    verb = "lacks" if sure else "seems to lack"
    found = tuple(
        f"{in_image(facts, library.needed_by)} needs `{library.name}`, {library.evidence}"
        for library in (sure or lacking)
    )
    yield diagnose(
        "HPR215",
        f"the image {verb} `{first.name}`, which the program needs",
        found=found[:4],
        severity=None if sure else Severity.WARNING,
    )


def _unmet(facts: ImageFacts, command: CommandFacts, *, is_own: bool) -> Iterator[Diagnostic]:
    for need in command.needs:
        if need.is_met is not False or need.offered is None:
            continue
        what = _KINDS[need.kind]
        yield diagnose(
            "HPR216",
            f"the program needs {need.kind}_{need.version}, the image's {what} ends before it",
            found=_found(facts, need),
            severity=None if is_own and need.certainty is Certainty.SURE else Severity.WARNING,
        )


def _found(facts: ImageFacts, need: VersionNeed) -> tuple[str, ...]:
    return (
        f"{in_image(facts, need.path)} needs `{need.kind}_{need.version}` of `{need.library}`",
        f"the `{need.library}` that is loaded defines up to `{need.kind}_{need.offered}`",
    )


def _is_sure(library: LoadedLibrary) -> bool:
    return library.certainty is Certainty.SURE and not library.name.startswith(_DRIVERS)


def _is_mpi(library: LoadedLibrary) -> bool:
    return bool(mpi_families().library(library.name) or mpi_parts().companion(library.name))
