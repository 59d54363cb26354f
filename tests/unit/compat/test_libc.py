"""Do host libraries run on the image's C library: the ladder, musl, and what lies outside."""

import pytest

from hpcrun.compat.libc import check_libc
from hpcrun.model.image import ImageFacts, LibC, StackFacts
from hpcrun.model.verdict import Answer, Verdict
from tests.unit.planner.measured import STACKS, image

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
STACK = STACKS["openmpi-5.0.11"]


def check(facts: ImageFacts, needed: str | None = "2.17", **more: tuple[str, ...]) -> Verdict:
    library = STACK.libraries[0].model_copy(update={"glibc_needed": needed})
    stack_facts = StackFacts.model_validate(STACK.to_json() | more)
    return check_libc(facts, name="host", library=library, stack_facts=stack_facts)


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
