"""Handlers as Apptainer asks for them, own ones, and what emulated programs cannot have."""

from typing import Any

import pytest

from hpcrun.compat.emulation import check_emulated_gpu, check_emulated_network
from hpcrun.compat.handlers import check_emulated, check_own_handler
from hpcrun.model.image import ImageFacts, Program
from hpcrun.model.nodes import NodeClass
from hpcrun.model.system import LevelSign, SystemFacts
from hpcrun.model.verdict import Verdict
from tests.unit.planner.measured import image, site

ARM_MAGIC = "7f454c460201010000000000000000000200b700"
X86_MAGIC = "7f454c4602010100000000000000000002003e00"


def foreign(arch: str = "aarch64", **more: Any) -> ImageFacts:
    program = Program(argv0="app", path="/usr/bin/app", arch=arch, kind="elf")
    return image(arch=arch, program=program, **more)


def check(
    *, facts: ImageFacts | None = None, node: str = "x86_64", apptainer: str = "1.4.5", **row: Any
) -> str:
    """Return the code and force of the verdict on one handler, or `compatible`."""
    values = {"arch": "aarch64", "emulator": "qemu-user", "version": "7.2", "flags": "F"} | row
    classes = {"c": NodeClass.model_validate({"arch": node, "emulation": (values,)})}
    here = site(runtime={"kind": "apptainer", "version": apptainer})
    return told(check_emulated(facts or foreign(), here, classes))


def told(verdict: Verdict) -> str:
    if not verdict.weight:
        return verdict.answer
    return f"{verdict.reasons[0].code} {verdict.answer} {verdict.force}"


MISSING = "HPR601 incompatible refuses"
UNFIT = "HPR604 incompatible refuses"
HANDLERS = {
    "as Debian registers it": (check(flags="POCF", magic=ARM_MAGIC), "compatible"),
    "enabled": (check(enabled=True), "compatible"),
    "switched off": (check(enabled=False), MISSING),
    "without F": (check(flags="OC"), MISSING),
    "with another magic": (check(magic=X86_MAGIC), MISSING),
    "with a shorter magic": (check(magic=ARM_MAGIC[:-4]), MISSING),
    "qemu before shared memory was right": (check(version="6.0"), UNFIT),
    "qemu since": (check(version="6.1"), "compatible"),
    "box64": (check(emulator="box64", version="0.3.8"), UNFIT),
    "a whole machine": (check(emulator="qemu-system-aarch64"), MISSING),
    "proot": (check(emulator="proot", version="5.4"), MISSING),
    "fex with an old Apptainer": (
        check(emulator="FEX", version="2605"),
        "HPR607 incompatible refuses",
    ),
    "fex with a new Apptainer": (check(emulator="FEX", apptainer="1.5.3"), "compatible"),
    "fex with an unknown Apptainer": (
        check(emulator="FEX", apptainer="unknown"),
        "HPR607 unknown skips",
    ),
    "fex with Apptainer's magic": (check(emulator="FEX", magic=ARM_MAGIC), "compatible"),
    "rosetta": (
        check(facts=foreign("x86_64"), node="aarch64", arch="x86_64", emulator="rosetta"),
        "compatible",
    ),
}


@pytest.mark.parametrize(("seen", "expected"), HANDLERS.values(), ids=HANDLERS)
def test_handler_of_a_node(seen: str, expected: str) -> None:
    assert seen == expected


def needing(level: str) -> ImageFacts:
    note = LevelSign(
        level=level, is_needed=True, evidence="GNU_PROPERTY_X86_ISA_1_NEEDED in /usr/bin/app"
    )
    return foreign("x86_64", system=SystemFacts(levels=(note,)))


LEVELS = {
    ("x86_64_v2", "7.0"): "HPR217 unknown skips",
    ("x86_64_v2", "7.2.22"): "compatible",
    ("x86_64_v3", "7.2.22"): "compatible",
    ("x86_64_v3", "11.1.3"): "compatible",
    ("x86_64_v4", "7.2.22"): "HPR217 incompatible refuses",
    ("x86_64_v4", "10.0"): "HPR217 incompatible refuses",
    ("x86_64", "6.1"): "compatible",
    # Version 5.2 is too old for MPI besides.
    ("x86_64_v2", "5.2"): "HPR604 incompatible refuses",
}
"""Measured with programs that were linked with `-z x86-64-v2` to `v4`."""


@pytest.mark.parametrize(("pair", "expected"), LEVELS.items(), ids=["-".join(p) for p in LEVELS])
def test_processor_that_qemu_imitates(pair: tuple[str, str], expected: str) -> None:
    level, version = pair
    seen = check(facts=needing(level), node="aarch64", arch="x86_64", version=version)
    assert seen == expected


OWN = {
    "new-enough": ({"kernel": "6.7", "user_namespaces_max": 96365}, "compatible"),
    "allowed": ({"kernel": "6.18.0-1", "user_namespaces": True}, "compatible"),
    "old-kernel": ({"kernel": "6.1", "user_namespaces": True}, MISSING),
    "none-allowed": ({"kernel": "6.12", "user_namespaces_max": 0}, MISSING),
    "forbidden-by-apparmor": (
        {"kernel": "6.8", "user_namespaces": False, "user_namespaces_max": 96365},
        MISSING,
    ),
    "kernel-unknown": ({"user_namespaces": True}, "HPR601 unknown refuses"),
    "namespaces-unknown": ({"kernel": "6.12"}, "HPR601 unknown refuses"),
}


@pytest.mark.parametrize(("os", "expected"), OWN.values(), ids=OWN)
def test_own_handler_in_a_user_namespace(os: dict[str, Any], expected: str) -> None:
    classes = {"c": NodeClass.model_validate({"os": os})}
    assert told(check_own_handler(site(), classes)) == expected


def test_missing_handler_says_where_one_of_ones_own_is_possible() -> None:
    os = {"kernel": "6.18", "user_namespaces": True}
    here = site(node_classes={"c": {"arch": "x86_64", "emulation": (), "os": os}})
    verdict = check_emulated(foreign(), here, here.node_classes)
    own = "a handler of one's own would be possible: `node_classes.c.os.kernel` of profile `box`"
    assert verdict.reasons[0].evidence[1].startswith(own)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("infiniband", "HPR605 incompatible warns"),
        ("slingshot", "HPR605 incompatible warns"),
        ("ethernet", "compatible"),
        ("unknown", "compatible"),
    ],
)
def test_network_of_emulated_ranks(network: str, expected: str) -> None:
    here = site(node_classes={"c": {"fabric": {"kind": network}}})
    assert told(check_emulated_network(here, here.node_classes)) == expected


def test_gpus_are_nothing_for_emulated_programs() -> None:
    assert told(check_emulated_gpu(foreign(), gpus_per_node=1)) == "HPR606 incompatible refuses"
    assert told(check_emulated_gpu(foreign(), gpus_per_node=0)) == "compatible"
