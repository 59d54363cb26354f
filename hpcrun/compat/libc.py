"""Do host libraries that would be bound run on the image's C and C++ libraries; no MPI here.

Only this direction is asked: libraries of the host run on the image's C library, never the other
way round, for the image's programs keep theirs. What is compared are symbol versions.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from hpcrun.compat.evidence import asked, fits, in_image, incompatible, unknown
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.model.mpi import ClosureFile
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.distributions import distribution_libraries
from hpcrun.tables.versions import version_key

_ROW = asked("c-library")
_CXX = "libstdc++.so.6"
_SHOWN = 3


def check_libc(
    facts: ImageFacts, *, name: str, library: MpiLibrary, stack_facts: StackFacts
) -> tuple[Verdict, ...]:
    """Judge one host MPI library and its closure on one image's C and C++ libraries."""
    inside = tuple(file for file in stack_facts.closure if file.is_inside)
    return (
        _check_glibc(facts, name, library, inside),
        _check_closure(facts, name, stack_facts),
        check_bound_files(facts, name, inside),
        _check_own_needs(facts, name, library, inside),
    )


def image_glibc(facts: ImageFacts) -> tuple[str, str] | None:
    """Return the version of an image's glibc and where it was seen; None where nobody knows."""
    libc = facts.libc
    if libc.kind == "glibc" and is_known(libc.version):
        return libc.version, libc.evidence or facts.path.name
    os = facts.system.os
    if libc.kind == "musl" or os is None or not is_known(os.id) or not is_known(os.version):
        return None
    row = distribution_libraries(os.id, os.version)
    return (row.glibc, f"{os.path} says {os.id} {os.version}") if row else None


def refuse_musl(facts: ImageFacts, name: str, what: str) -> Verdict | None:
    """Return the verdict on an image without glibc, for which no host library is made."""
    if facts.libc.kind != "musl":
        return None
    return incompatible(
        Reason(
            code="HPR311",
            message=f"host stack `{name}` needs glibc, but the image's C library is musl",
            evidence=(facts.libc.evidence or facts.path.name, what),
            table_row=_ROW,
        )
    )


def _check_glibc(
    facts: ImageFacts, name: str, library: MpiLibrary, inside: Sequence[ClosureFile]
) -> Verdict:
    what = f"`{library.path}` of `{name}`"
    if (musl := refuse_musl(facts, name, what)) is not None:
        return musl
    offered = image_glibc(facts)
    version, where = offered or ("unknown", f"no C library found in {facts.path.name}")
    needed = library.glibc_needed
    seen = [
        f"image: glibc {version} ({where})",
        f"{what} and its closure need glibc {needed}",
    ]
    if offered is None or needed is None:
        return unknown(
            Reason(
                code="HPR311",
                message=f"cannot tell whether host stack `{name}` runs on the image's glibc",
                evidence=tuple(seen),
                table_row=_ROW,
            )
        )
    if _key(needed) <= version_key(version):
        return fits(_ROW, *seen)
    for file in inside:
        if file.glibc_needed is not None and _key(file.glibc_needed) > version_key(version):
            seen.append(f"`{file.path}` needs glibc {file.glibc_needed}")
    return incompatible(
        Reason(
            code="HPR311",
            message=f"host stack `{name}` needs a newer glibc than the image has",
            evidence=tuple(seen[: 2 + _SHOWN]),
            table_row=_ROW,
        )
    )


def _check_closure(facts: ImageFacts, name: str, stack_facts: StackFacts) -> Verdict:
    """Judge what the host's MPI needs beyond its prefix: only the image can supply it."""
    beyond = (*stack_facts.closure_missing, *stack_facts.closure_outside)
    names = dict.fromkeys(PurePosixPath(library).name for library in beyond)
    lacking = [soname for soname in names if soname not in facts.sonames]
    if not lacking:
        needs = ", ".join(f"`{soname}`" for soname in names) or "none"
        return fits(_ROW, f"what `{name}` needs beyond its prefix is in the image: {needs}")
    seen = tuple(
        f"`{name}` needs `{soname}`, which is not in its prefix" for soname in lacking[:_SHOWN]
    )
    if not facts.sonames or not facts.is_complete:
        return unknown(
            Reason(
                code="HPR312",
                message=f"cannot tell whether the image has what host stack `{name}` needs",
                evidence=(*seen, *facts.unread[:2]),
                table_row=_ROW,
            )
        )
    return incompatible(
        Reason(
            code="HPR312",
            message=f"the image lacks `{lacking[0]}`, which host stack `{name}` needs",
            evidence=(*seen, f"{facts.path.name} has {len(facts.sonames)} libraries, not this one"),
            table_row=_ROW,
        )
    )


def check_bound_files(facts: ImageFacts, name: str, files: Sequence[ClosureFile]) -> Verdict:
    """Judge host files on the libraries that the image has for them: their symbol versions.

    What one of the files itself brings is not the image's to supply.
    """
    own = {file.soname for file in files}
    verdicts, untold = [], []
    for file in files:
        for soname, versions in file.versions_needed.items():
            if soname in own or soname not in facts.sonames:
                continue
            offered = dict(_offered(facts, soname))
            for kind, needed in _highest(versions).items():
                what = f"`{file.path}` needs {kind}_{needed} of `{soname}`"
                if kind not in offered:
                    untold.append(what)
                else:
                    verdicts.append(_compare(facts, name, (soname, kind), needed, what))
    if untold:
        verdicts.append(_untold(facts, name, untold))
    if not verdicts:
        return fits(_ROW, f"no bound file of `{name}` needs symbol versions of the image's others")
    return Verdict.worst_of(verdicts)


def _compare(
    facts: ImageFacts, name: str, whose: tuple[str, str], needed: str, what: str
) -> Verdict:
    soname, kind = whose
    version, path = dict(_offered(facts, soname))[kind]
    seen = (what, f"{in_image(facts, path)} has it up to {kind}_{version}")
    if version_key(needed) <= version_key(version):
        return fits(_ROW, *seen)
    return incompatible(
        Reason(
            code="HPR313",
            message=f"host stack `{name}` needs a newer `{soname}` than the image has",
            evidence=seen,
            table_row=_ROW,
        )
    )


def _offered(facts: ImageFacts, soname: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the kinds of symbol versions that a library of the image has, each to which end."""
    cxx = facts.system.libstdcxx
    if soname == _CXX and cxx is not None:
        for kind, version in (("GLIBCXX", cxx.glibcxx), ("CXXABI", cxx.cxxabi)):
            if is_known(version):
                yield kind, (version, cxx.path)
    for library in facts.fabrics:
        if library.soname == soname and library.interface is not None:
            kind, _, version = library.interface.rpartition("_")
            yield kind, (version, library.path)


def _highest(versions: Sequence[str]) -> dict[str, str]:
    """Return the highest number of each kind: GLIBCXX_3.4.21 is of kind GLIBCXX."""
    highest: dict[str, str] = {}
    for text in versions:
        kind, _, number = text.rpartition("_")
        if number[:1].isdigit() and version_key(number) > version_key(highest.get(kind, "")):
            highest[kind] = number
    return highest


def _untold(facts: ImageFacts, name: str, untold: Sequence[str]) -> Verdict:
    reason = Reason(
        code="HPR313",
        message=f"cannot tell which symbol versions the image has for host stack `{name}`",
        evidence=(*untold[:_SHOWN], f"what {facts.path.name} defines of them was not read"),
        table_row=_ROW,
    )
    return unknown(reason, force=Force.SKIPS)


def _check_own_needs(
    facts: ImageFacts, name: str, library: MpiLibrary, inside: Sequence[ClosureFile]
) -> Verdict:
    """Judge the program on libraries beside the host's MPI, which are found before the image's."""
    folder = PurePosixPath(library.path).parent
    brought = {
        file.soname: file
        for file in inside
        if file.path is not None and PurePosixPath(file.path).parent == folder
    }
    for need in facts.command.needs if facts.command is not None else ():
        file = brought.get(need.library)
        offered = _highest(file.versions_defined).get(need.kind) if file is not None else None
        if file is None or offered is None or version_key(need.version) <= version_key(offered):
            continue
        return incompatible(
            Reason(
                code="HPR314",
                message=f"`{need.library}` of host stack `{name}` is older than the program needs",
                evidence=(
                    f"{in_image(facts, need.path)} needs {need.kind}_{need.version}",
                    f"`{file.path}` ends at {need.kind}_{offered}, and is found before the image's",
                ),
                table_row=_ROW,
            )
        )
    return fits(_ROW, f"`{folder}` of `{name}` has nothing that is older than the program needs")


def _key(version: str) -> tuple[int, ...]:
    return version_key(version.removeprefix("GLIBC_"))
