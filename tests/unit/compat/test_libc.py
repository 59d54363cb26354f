"""Do host libraries run on the image's C library: the ladder, musl, and what lies outside."""

from typing import Any

import pytest

from hpcrun.compat.libc import check_bound_files, check_libc, image_glibc
from hpcrun.compat.libc_untold import check_libc_untold
from hpcrun.model.fabric import FabricLibrary
from hpcrun.model.image import ImageFacts, LibC, StackFacts
from hpcrun.model.mpi import ClosureFile
from hpcrun.model.system import CxxLibrary, OsRelease, SystemFacts
from hpcrun.model.verdict import Answer, Verdict
from hpcrun.tables.distributions import distribution_libraries
from tests.unit.planner.measured import STACKS, image, site

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
STACK = STACKS["openmpi-5.0.11"]


def check(facts: ImageFacts, needed: str | None = "2.17", **more: tuple[str, ...]) -> Verdict:
    library = STACK.libraries[0].model_copy(update={"glibc_needed": needed})
    stack_facts = StackFacts.model_validate(STACK.to_json() | more)
    return Verdict.worst_of(
        check_libc(facts, name="host", library=library, stack_facts=stack_facts)
    )


LADDER = ("2.17", "2.31", "2.34", "2.36", "2.38", "2.41")


@pytest.mark.parametrize("has", LADDER)
@pytest.mark.parametrize("needs", LADDER)
def test_glibc_need_is_met_by_the_same_or_a_newer_one(has: str, needs: str) -> None:
    verdict = check(image(glibc=has), needed=needs)
    assert verdict.answer is (OK if LADDER.index(needs) <= LADDER.index(has) else NO)


def test_glibc_need_in_the_words_of_the_symbol_versions_is_understood() -> None:
    assert check(image(glibc="2.9"), needed="GLIBC_2.17").answer is NO


def test_libc_musl_is_refused() -> None:
    verdict = check(image(libc=LibC(kind="musl", version="1.2.4")))
    assert (verdict.answer, verdict.reasons[0].code) == (NO, "HPR311")


@pytest.mark.parametrize("libc", [LibC(), LibC(kind="glibc")], ids=["none-found", "no-version"])
def test_libc_unknown_is_unknown(libc: LibC) -> None:
    assert check(image(libc=libc)).answer is UNKNOWN


def test_libc_unknown_need_of_the_stack_is_unknown() -> None:
    assert check(image(), needed=None).answer is UNKNOWN


OUTSIDE = "/usr/lib/x86_64-linux-gnu/libz.so.1"


def test_closure_outside_the_prefix_is_met_by_the_image() -> None:
    verdict = check(image(sonames=("libz.so.1",)), closure_outside=(OUTSIDE,))
    assert verdict.answer is OK


def test_closure_that_the_image_lacks_is_refused() -> None:
    verdict = check(image(sonames=("libm.so.6",)), closure_outside=(OUTSIDE,))
    assert (verdict.answer, verdict.reasons[0].code) == (NO, "HPR312")
    assert (
        verdict.reasons[0].message == "the image lacks `libz.so.1`, which host stack `host` needs"
    )


def test_closure_against_an_image_whose_libraries_are_not_known_is_unknown() -> None:
    assert check(image(), closure_missing=("libnl-3.so.200",)).answer is UNKNOWN


def cxx(glibcxx: str, cxxabi: str = "1.3.13") -> SystemFacts:
    path = "/usr/lib/libstdc++.so.6"
    made = CxxLibrary(path=path, glibcxx=glibcxx, cxxabi=cxxabi, evidence="verdef")
    return SystemFacts(libstdcxx=made)


def bound(needed: dict[str, tuple[str, ...]], **more: Any) -> ClosureFile:
    values = {"soname": "libucs.so.0", "path": f"{PREFIX}/lib/libucs.so.0", "is_inside": True}
    return ClosureFile.model_validate(values | {"versions_needed": needed} | more)


PREFIX = "/opt/hpc/openmpi-5.0.11"
CXX = "libstdc++.so.6"
CXX_LADDER = ("3.4.19", "3.4.25", "3.4.28", "3.4.30", "3.4.33")


@pytest.mark.parametrize("has", CXX_LADDER)
@pytest.mark.parametrize("needs", CXX_LADDER)
def test_libstdcxx_need_is_met_by_the_same_or_a_newer_one(has: str, needs: str) -> None:
    facts = image(sonames=(CXX,), system=cxx(has))
    verdict = check_bound_files(facts, "host", [bound({CXX: ("GLIBCXX_3.4", f"GLIBCXX_{needs}")})])
    expected = OK if CXX_LADDER.index(needs) <= CXX_LADDER.index(has) else NO
    assert verdict.answer is expected
    assert [r.code for r in verdict.reasons] == ([] if expected is OK else ["HPR313"])


BOUND = {
    "cxxabi-too-old": (image(sonames=(CXX,), system=cxx("3.4.30", "1.3.9")), "refuses"),
    "cxxabi-fits": (image(sonames=(CXX,), system=cxx("3.4.30", "1.3.11")), None),
    "not-read": (image(sonames=(CXX,)), "skips"),
    # What the image lacks altogether is HPR312's.
    "not-there": (image(), None),
}


@pytest.mark.parametrize(("facts", "force"), BOUND.values(), ids=BOUND)
def test_symbol_versions_of_the_image_as_far_as_they_were_read(
    facts: ImageFacts, force: str | None
) -> None:
    verdict = check_bound_files(facts, "host", [bound({CXX: ("CXXABI_1.3.11",)})])
    assert (verdict.force if verdict.weight else None) == force


def test_library_that_the_prefix_brings_itself_is_not_asked_of_the_image() -> None:
    facts = image(sonames=(CXX,), system=cxx("3.4.19"))
    files = [bound({CXX: ("GLIBCXX_3.4.30",)}), bound({}, soname=CXX, path=f"{PREFIX}/lib/{CXX}")]
    assert check_bound_files(facts, "host", files).answer is OK


def test_network_library_of_the_image_is_compared_by_its_interface() -> None:
    fabric = FabricLibrary(
        kind="libfabric",
        path="/usr/lib/libfabric.so.1",
        soname="libfabric.so.1",
        interface="FABRIC_1.5",
        evidence="verdef",
    )
    facts = image(sonames=("libfabric.so.1",), fabrics=(fabric,))
    needs = bound({"libfabric.so.1": ("FABRIC_1.1", "FABRIC_1.7")})
    verdict = check_bound_files(facts, "host", [needs])
    assert verdict.reasons[0].evidence[1].endswith("has it up to FABRIC_1.5")


def test_newer_glibc_of_the_image_is_never_held_against_older_host_libraries() -> None:
    assert check(image(glibc="2.43"), needed="2.12").answer is OK


def test_file_of_the_closure_that_needs_most_is_named() -> None:
    library = STACK.libraries[0].model_copy(update={"glibc_needed": "2.38"})
    newest = bound({}, glibc_needed="2.38")
    facts = STACK.model_copy(update={"closure": (bound({}, glibc_needed="2.14"), newest)})
    verdict = check_libc(image(glibc="2.31"), name="h", library=library, stack_facts=facts)[0]
    assert verdict.reasons[0].evidence[2:] == (f"`{newest.path}` needs glibc 2.38",)


def test_libc_that_was_not_read_is_that_of_the_distribution() -> None:
    release = OsRelease(id="rocky", version="8.9", path="/etc/os-release")
    facts = image(libc=LibC(), system=SystemFacts(os=release))
    assert image_glibc(facts) == ("2.28", "/etc/os-release says rocky 8.9")
    assert check(facts, needed="2.28").answer is OK
    assert check(facts, needed="2.34").answer is NO


RELEASES = {
    ("rhel", "8.10"): "2.28",
    ("rocky", "9.4"): "2.34",
    ("debian", "12"): "2.36",
    ("ubuntu", "24.04"): "2.39",
    ("sles", "15.5"): "2.31",
    ("sles", "15.6"): "2.38",
    # A release that nobody compared has no row: nothing is concluded from its neighbours.
    ("ubuntu", "21.04"): None,
    ("rhel", "11.0"): None,
    ("sles", "15"): None,
    ("nobody", "1"): None,
}


@pytest.mark.parametrize(
    ("release", "glibc"), RELEASES.items(), ids=["-".join(r) for r in RELEASES]
)
def test_glibc_of_a_release(release: tuple[str, str], glibc: str | None) -> None:
    row = distribution_libraries(*release)
    assert (row.glibc if row else None) == glibc


def untold(has: str, *, least: str = "unknown", **os: str) -> Verdict:
    stack = {"family": "openmpi", "prefix": "/opt/x", "image_glibc_min": least}
    here = site(mpi_stacks={"x": stack}, node_classes={"c": {"os": os}})
    return check_libc_untold(image(glibc=has), here, here.node_classes, name="x")


UNTOLD = {
    "as-the-host": (untold("2.34", glibc="2.34"), "compatible"),
    "older-than-the-host": (untold("2.31", glibc="2.34"), "warns"),
    "by-the-release-of-the-host": (untold("2.31", id="rhel", version="9.4"), "warns"),
    "newer-than-the-release": (untold("2.39", id="rhel", version="9.4"), "compatible"),
    "nothing-known": (untold("2.31"), "skips"),
    "as-the-profile-asks": (untold("2.31", least="2.31", glibc="2.38"), "compatible"),
    "less-than-the-profile-asks": (untold("2.28", least="2.31", glibc="2.17"), "refuses"),
}


@pytest.mark.parametrize(("verdict", "expected"), UNTOLD.values(), ids=UNTOLD)
def test_stack_that_nobody_read_by_what_the_profile_tells(verdict: Verdict, expected: str) -> None:
    assert (verdict.force if verdict.weight else verdict.answer) == expected


def test_stack_that_nobody_read_is_not_for_musl() -> None:
    here = site()
    facts = image(libc=LibC(kind="musl", version="1.2.4"))
    verdict = check_libc_untold(facts, here, here.node_classes, name="openmpi-5.0.11")
    assert (verdict.refuses, verdict.reasons[0].code) == (True, "HPR311")
