"""Would programs run on a host MPI: every measured cell of the bind tables, and its traps."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.compat.mpi_abi import check_mpi_abi
from hpcrun.compat.need import find_mpi_need
from hpcrun.model.api_names import ApiNames
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.model.site import MpiStack
from hpcrun.model.verdict import Answer, Verdict
from tests.unit.planner.measured import CHOOSER, IMAGES, LIB, image, library, mpich_image, user

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN


def stack(family: str, version: str) -> tuple[MpiStack, StackFacts]:
    sonames = {"openmpi": ["libmpi.so.40"], "mpich": ["libmpi.so.12"]}[family]
    libraries = [library(family, version, soname) for soname in sonames]
    if family == "mpich" and version in ("5.0.2", "2021.19"):
        libraries.append(library("mpi-abi", version, "libmpi_abi.so.1"))
    prefix = Path(f"/opt/{family}-{version}")
    described = MpiStack.model_validate({"family": family, "version": version, "prefix": prefix})
    return described, StackFacts(prefix=prefix, libraries=tuple(libraries))


def check(facts: ImageFacts, family: str, version: str) -> Verdict:
    described, stack_facts = stack(family, version)
    need = find_mpi_need(facts)
    return check_mpi_abi(facts, need, name="host", stack=described, stack_facts=stack_facts)


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


OPENMPI_CELLS = {
    # image, host: is the host's library the older one?
    ("debian11-openmpi-4.1.0", "4.1.8"): False,
    ("debian11-openmpi-4.1.0", "5.0.11"): False,
    ("debian12-openmpi-4.1.4", "4.1.8"): False,
    ("debian12-openmpi-4.1.4", "5.0.11"): False,
    ("debian13-openmpi-5.0.7", "4.1.8"): True,
    ("debian13-openmpi-5.0.7", "5.0.11"): False,
}


@pytest.mark.parametrize(
    ("cell", "is_backward"),
    OPENMPI_CELLS.items(),
    ids=[f"{image}-host{host}" for image, host in OPENMPI_CELLS],
)
def test_bind_openmpi_program_runs_on_host_openmpi(
    cell: tuple[str, str], is_backward: bool
) -> None:
    image_name, host = cell
    verdict = check(IMAGES[image_name], "openmpi", host)
    assert verdict.answer is OK
    assert codes(verdict) == (["HPR302"] if is_backward else [])


MPICH_VERSIONS = ("3.4.3", "4.1.3", "4.3.2", "5.0.2")


@pytest.mark.parametrize("built_for", MPICH_VERSIONS)
@pytest.mark.parametrize("host", MPICH_VERSIONS)
def test_bind_mpich_program_runs_on_every_host_mpich(built_for: str, host: str) -> None:
    verdict = check(mpich_image(built_for, soname="libmpi.so.12"), "mpich", host)
    assert verdict.answer is OK
    assert codes(verdict) == (["HPR302"] if host < built_for else [])


@pytest.mark.parametrize("image_name", ["debian12-mpich-4.0.2", "debian13-mpich-4.2.1"])
def test_bind_debian_mpich_under_upstream_name_would_do_nothing(image_name: str) -> None:
    verdict = check(IMAGES[image_name], "mpich", "4.3.2")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR306"])
    assert "silently" in verdict.reasons[0].message


def test_bind_mpich_under_openmpi_program_is_refused() -> None:
    verdict = check(IMAGES["debian13-openmpi-5.0.7"], "mpich", "4.3.2")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR301"])


@pytest.mark.parametrize(
    ("host", "answer"),
    [("3.4.3", NO), ("4.3.2", NO), ("5.0.2", OK), ("2021.19", OK)],
    ids=["mpich3", "mpich4", "mpich5", "intel2021.19"],
)
def test_bind_standard_abi_program_needs_the_standard_library(host: str, answer: Answer) -> None:
    facts = image(users=(user("libmpi_abi.so.1"),))
    verdict = check(facts, "mpich", host)
    assert verdict.answer is answer


def test_bind_same_soname_of_another_family_is_refused() -> None:
    """Open MPI 1.10 and the MPICH ABI share the name libmpi.so.12."""
    lib = library("openmpi", "1.10.7", "libmpi.so.12")
    verdict = check(image(lib, users=(user("libmpi.so.12"),)), "mpich", "4.3.2")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR301"])


def test_bind_program_of_an_image_without_mpi_runs_where_the_soname_is() -> None:
    assert check(IMAGES["no-mpi-needs-libmpi.so.40"], "openmpi", "5.0.11").answer is OK


def test_bind_program_of_an_image_without_mpi_cannot_run_on_another_soname() -> None:
    """Not a matter of family: Open MPI 1.10 carries that name too."""
    verdict = check(IMAGES["no-mpi-needs-libmpi.so.12"], "openmpi", "5.0.11")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR305"])


def test_bind_program_of_an_image_without_mpi_cannot_run_on_another_family() -> None:
    verdict = check(IMAGES["no-mpi-needs-libmpi.so.40"], "mpich", "4.3.2")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR301"])


def test_bind_missing_soname_of_the_family_is_refused() -> None:
    verdict = check(image(users=(user("libmpich.so.12"),)), "mpich", "4.3.2")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR305"])


def at(path: str) -> MpiLibrary:
    return library("mpich", "4.3.2", "libmpi.so.12", path=f"{path}/libmpi.so.12")


RPATHS = {
    "rpath-holds-the-library": ({"rpath": ("/opt/mpi/lib",)}, NO),
    "rpath-by-origin": ({"rpath": ("$ORIGIN/../../opt/mpi/lib",)}, NO),
    "rpath-elsewhere": ({"rpath": ("/usr/lib",)}, OK),
    "runpath-holds-the-library": ({"runpath": ("/opt/mpi/lib",)}, OK),
    "rpath-and-runpath": ({"rpath": ("/opt/mpi/lib",), "runpath": ("/opt/mpi/lib",)}, OK),
}


@pytest.mark.parametrize(("paths", "answer"), RPATHS.values(), ids=RPATHS)
def test_bind_rpath_defeats_the_library_path(paths: dict[str, Any], answer: Answer) -> None:
    facts = image(at("/opt/mpi/lib"), users=(user("libmpi.so.12", **paths),))
    verdict = check(facts, "mpich", "4.3.2")
    assert verdict.answer is answer
    assert codes(verdict) == (["HPR306"] if answer is NO else [])


def with_python(users: tuple[object, ...]) -> ImageFacts:
    program = {"argv0": "python3", "path": "/usr/bin/python3", "arch": "x86_64", "kind": "elf"}
    return image(users=users, program=program)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["openmpi", "mpich"])
def test_bind_module_that_chooses_at_run_time_runs_on_its_families(family: str) -> None:
    assert check(with_python((CHOOSER,)), family, "5.0.2").answer is OK


def test_bind_module_without_the_family_is_refused() -> None:
    only_mpich = CHOOSER.model_copy(update={"families": ("mpich",)})
    verdict = check(with_python((only_mpich,)), "openmpi", "5.0.11")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR301"])


def test_bind_module_of_unknown_kind_is_unknown() -> None:
    stranger = CHOOSER.model_copy(update={"path": f"{LIB}/other/MPI"})
    verdict = check(with_python((stranger,)), "openmpi", "5.0.11")
    assert (verdict.answer, codes(verdict)) == (UNKNOWN, ["HPR303"])


def test_bind_stack_without_passport_is_unknown() -> None:
    facts = IMAGES["no-mpi-needs-libmpi.so.40"]
    described, _ = stack("openmpi", "5.0.11")
    need = find_mpi_need(facts)
    verdict = check_mpi_abi(facts, need, name="host", stack=described, stack_facts=None)
    assert (verdict.answer, codes(verdict)) == (UNKNOWN, ["HPR303"])


def test_bind_without_a_program_that_needs_mpi_makes_no_sense() -> None:
    verdict = check(IMAGES["no-mpi"], "openmpi", "5.0.11")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR404"])


def test_bind_image_that_was_not_read_whole_is_unknown() -> None:
    verdict = check(image(is_complete=False, unread=("lzo",)), "openmpi", "5.0.11")
    assert (verdict.answer, codes(verdict)) == (UNKNOWN, ["HPR303"])


def test_bind_unknown_version_of_either_side_is_unknown() -> None:
    lib = library("openmpi", "unknown", "libmpi.so.40")
    verdict = check(image(lib, users=(user("libmpi.so.40"),)), "openmpi", "5.0.11")
    assert (verdict.answer, codes(verdict)) == (UNKNOWN, ["HPR303"])


VERSIONS = ("4.0.3", "4.1.4", "4.1.8", "5.0.7", "5.0.11")


def answer_of(built_for: str, host: str) -> tuple[Answer, list[str]]:
    lib = library("openmpi", built_for, "libmpi.so.40")
    verdict = check(image(lib, users=(user("libmpi.so.40"),)), "openmpi", host)
    return verdict.answer, codes(verdict)


@pytest.mark.parametrize("version", VERSIONS)
def test_replacement_of_a_library_by_itself_is_compatible(version: str) -> None:
    assert answer_of(version, version) == (OK, [])


def test_replacement_forward_is_transitive_inside_the_family() -> None:
    forward = {(a, b) for a in VERSIONS for b in VERSIONS if answer_of(a, b) == (OK, [])}
    chains = {(a, d) for a, b in forward for c, d in forward if b == c}
    assert chains <= forward


MAKES = {"cray-mpich": "8.1.29", "mvapich": "2.3.7", "mpich": "4.2.1", "intel-mpi": "2021.15"}


@pytest.mark.parametrize("host", ["cray-mpich", "mvapich"])
@pytest.mark.parametrize("built_for", MAKES)
def test_bind_to_a_vendors_build_of_the_mpich_abi(built_for: str, host: str) -> None:
    own = library("mpich", MAKES[built_for], "libmpi.so.12", implementation=built_for)
    verdict = check(image(own, users=(user("libmpi.so.12"),)), "mpich", MAKES[host])
    assert (verdict.answer, codes(verdict)) == (OK, [])


def vendors_soname(*names: str, offered: str = "libmpi_gnu_123.so.12") -> Verdict:
    """Judge a program that was built on the host, against the stack that it was built with."""
    symbols = ApiNames.of(["MPI_Init", "MPI_Session_init"]) if names else "unknown"
    built = image(users=(user("libmpi_gnu_123.so.12", symbols=symbols),))
    described, stack_facts = stack("mpich", "8.1.29")
    exports = ApiNames.of(names) if names else None
    lib = stack_facts.libraries[0].model_copy(update={"soname": offered, "exports": exports})
    stack_facts = stack_facts.model_copy(update={"libraries": (lib,)})
    need = find_mpi_need(built)
    return check_mpi_abi(built, need, name="host", stack=described, stack_facts=stack_facts)


def test_bind_by_a_vendors_own_soname_is_settled_by_the_symbols_alone() -> None:
    verdict = vendors_soname("MPI_Init", "MPI_Session_init")
    assert (verdict.answer, codes(verdict)) == (OK, [])
    assert codes(vendors_soname("MPI_Init")) == ["HPR307"]
    untold = vendors_soname()
    assert (untold.answer, codes(untold)) == (UNKNOWN, ["HPR303"])


def test_bind_by_a_vendors_own_soname_that_the_host_lacks_says_just_that() -> None:
    verdict = vendors_soname(offered="libmpi.so.12")
    assert (verdict.answer, codes(verdict)) == (NO, ["HPR305"])
    assert "has no `libmpi_gnu_123.so.12`" in verdict.reasons[0].message
