"""Can the nodes run the image's programs: label, programs, the program itself, handlers."""

from typing import Any

import pytest

from hpcrun.compat.architecture import check_native
from hpcrun.compat.handlers import check_emulated
from hpcrun.model.image import ImageFacts, Program
from hpcrun.model.nodes import NodeClass
from hpcrun.model.verdict import Answer, Verdict
from tests.unit.planner.measured import image, site

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN


def classes(*archs: str, **more: Any) -> dict[str, NodeClass]:
    return {
        f"class{number}": NodeClass.model_validate({"arch": arch, **more})
        for number, arch in enumerate(archs)
    }


def built(declared: str, inside: dict[str, int], program: str = "unknown") -> ImageFacts:
    return image(
        declared_arch=declared,
        program_archs=inside,
        program=Program(argv0="app", path="/usr/bin/app", arch=program, kind="elf"),
    )


NATIVE = {
    "all-agree": (built("x86_64", {"x86_64": 9}), OK, None),
    "no-label": (built("unknown", {"x86_64": 9}), OK, None),
    "no-programs-read": (built("x86_64", {}), OK, None),
    "32-bit-programs": (built("i686", {"i686": 9}), OK, None),
    "some-foreign-programs-beside": (built("x86_64", {"x86_64": 9, "aarch64": 2}), OK, None),
    "foreign": (built("aarch64", {"aarch64": 9}), NO, "HPR202"),
    "foreign-without-label": (built("unknown", {"aarch64": 9}), NO, "HPR202"),
    "foreign-by-label-alone": (built("aarch64", {}), NO, "HPR202"),
    "labelled-arm-holds-x86": (built("aarch64", {"x86_64": 9}), NO, "HPR206"),
    "labelled-x86-holds-arm": (built("x86_64", {"aarch64": 9}), NO, "HPR206"),
    "program-is-foreign": (built("x86_64", {"x86_64": 9}, "aarch64"), NO, "HPR206"),
    "nothing-known": (built("unknown", {}), UNKNOWN, "HPR202"),
}


def code(verdict: Verdict) -> str | None:
    return verdict.reasons[0].code if verdict.reasons else None


@pytest.mark.parametrize(("facts", "answer", "expected"), NATIVE.values(), ids=NATIVE)
def test_native_on_x86_64_nodes(facts: ImageFacts, answer: Answer, expected: str | None) -> None:
    verdict = check_native(facts, site(), classes("x86_64"))
    assert (verdict.answer, code(verdict)) == (answer, expected)


def test_native_mislabelled_image_is_named_with_both_processors() -> None:
    verdict = check_native(built("aarch64", {"x86_64": 9}), site(), classes("aarch64"))
    assert verdict.reasons[0].message == "image is labelled aarch64, but holds x86_64 programs"


def test_native_foreign_program_in_a_fitting_image_is_named() -> None:
    verdict = check_native(built("x86_64", {"x86_64": 9}, "aarch64"), site(), classes("x86_64"))
    assert verdict.reasons[0].message == "the job's program is for aarch64, the image for x86_64"


def test_native_on_nodes_of_unknown_processor_is_unknown() -> None:
    assert check_native(image(), site(), classes("unknown")).answer is UNKNOWN


def test_native_where_only_some_node_classes_fit_is_unknown() -> None:
    assert check_native(image(), site(), classes("x86_64", "aarch64")).answer is UNKNOWN


def handler(**changes: str) -> dict[str, Any]:
    values = {"arch": "aarch64", "emulator": "qemu-user", "version": "7.2", "flags": "F"}
    return {"emulation": (values | changes,)}


FOREIGN = built("aarch64", {"aarch64": 9})
EMULATED = {
    "handler-with-flag-F": (FOREIGN, handler(), OK, None),
    "handler-with-more-flags": (FOREIGN, handler(flags="POCF"), OK, None),
    "debian-name": (FOREIGN, handler(emulator="qemu-aarch64-static"), OK, None),
    "handler-without-F": (FOREIGN, handler(flags="OC"), NO, "HPR601"),
    "no-handler": (FOREIGN, {"emulation": ()}, NO, "HPR601"),
    "other-handler": (FOREIGN, handler(arch="riscv64"), NO, "HPR601"),
    "handlers-unknown": (FOREIGN, {}, UNKNOWN, "HPR601"),
    "old-qemu": (FOREIGN, handler(version="5.2"), NO, "HPR604"),
    "inexact-emulator": (FOREIGN, handler(emulator="box64", version="0.3"), NO, "HPR604"),
    "unknown-emulator": (FOREIGN, handler(emulator="other"), UNKNOWN, "HPR604"),
    "unknown-version": (FOREIGN, handler(version="unknown"), UNKNOWN, "HPR604"),
    "native-image": (image(), handler(), NO, "HPR603"),
}


@pytest.mark.parametrize(("facts", "node", "answer", "expected"), EMULATED.values(), ids=EMULATED)
def test_emulated_on_x86_64_nodes(
    facts: ImageFacts, node: dict[str, Any], answer: Answer, expected: str | None
) -> None:
    verdict = check_emulated(facts, site(), classes("x86_64", **node))
    assert (verdict.answer, code(verdict)) == (answer, expected)


def test_emulated_needs_a_handler_on_every_node_class() -> None:
    nodes = classes("x86_64", **handler()) | {"bare": NodeClass(arch="x86_64", emulation=())}
    assert check_emulated(FOREIGN, site(), nodes).answer is NO
