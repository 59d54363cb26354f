"""Are the nodes' processors new enough: levels, distributions, hints, mixed partitions."""

from typing import Any

import pytest

from hpcrun.compat.microarchitecture import check_processor
from hpcrun.model.container import ContainerFacts
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import NodeClass
from hpcrun.model.seen import Certainty
from hpcrun.model.system import LevelSign, OsRelease, SystemFacts
from hpcrun.model.verdict import Answer, Force, Verdict
from hpcrun.tables.processors import processor
from tests.unit.planner.measured import image, site

LEVELS = ("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4")
RUNS = {
    "core2": 0,
    "nehalem": 1,
    "sandybridge": 1,
    "ivybridge": 1,
    "bulldozer": 1,
    "haswell": 2,
    "zen2": 2,
    "zen3": 2,
    "alderlake": 2,
    "mic_knl": 2,
    "skylake_avx512": 3,
    "icelake": 3,
    "sapphirerapids": 3,
    "zen4": 3,
    "zen5": 3,
    "x86_64_v3": 2,
}
"""The highest level that each processor has, as their makers say."""


def sign(
    level: str, evidence: str = "GNU_PROPERTY_X86_ISA_1_NEEDED in /usr/bin/app", **more: Any
) -> LevelSign:
    return LevelSign.model_validate(
        {"level": level, "is_needed": True, "evidence": evidence} | more
    )


def built(*levels: LevelSign, arch: str = "x86_64", **more: Any) -> ImageFacts:
    return image(arch=arch, system=SystemFacts(levels=levels), **more)


def nodes(*names: str, arch: str = "x86_64") -> dict[str, NodeClass]:
    return {f"class-{name}": NodeClass(arch=arch, microarch=name) for name in names}


def check(facts: ImageFacts, *names: str, arch: str = "x86_64") -> Verdict:
    return Verdict.worst_of(check_processor(facts, site(), nodes(*names, arch=arch)))


def outcome(verdict: Verdict) -> str:
    return verdict.answer if verdict.answer is Answer.COMPATIBLE else verdict.force


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", RUNS)
def test_level_that_a_program_needs_against_each_processor(level: str, name: str) -> None:
    runs = LEVELS.index(level) <= RUNS[name]
    verdict = check(built(sign(level)), name)
    assert verdict.answer is (Answer.COMPATIBLE if runs else Answer.INCOMPATIBLE)
    assert [reason.code for reason in verdict.reasons] == ([] if runs else ["HPR217"])


ARM = {
    ("neoverse_v1", "neoverse_n1"): False,
    ("neoverse_n1", "neoverse_v1"): True,
    ("a64fx", "neoverse_n1"): False,
    ("a64fx", "grace"): True,
    ("neoverse_v1", "graviton3"): True,
    ("neoverse_v1", "Graviton2"): False,
    ("neoverse_n1", "cortex_a72"): False,
    ("aarch64", "thunderx2"): True,
}


@pytest.mark.parametrize(("pair", "runs"), ARM.items(), ids=["-on-".join(pair) for pair in ARM])
def test_targets_of_arm(pair: tuple[str, str], *, runs: bool) -> None:
    target, node = pair
    hint = sign(target, f"folder of /opt/{target}/bin/app", certainty=Certainty.HINT)
    verdict = check(built(hint, arch="aarch64"), node, arch="aarch64")
    assert outcome(verdict) == ("compatible" if runs else "warns")


@pytest.mark.parametrize(("node", "runs"), [("power8le", False), ("power9le", True)])
def test_generation_of_power(node: str, *, runs: bool) -> None:
    verdict = check(built(sign("power9le"), arch="ppc64le"), node, arch="ppc64le")
    assert verdict.answer is (Answer.COMPATIBLE if runs else Answer.INCOMPATIBLE)


FORCES = {
    "note of the program": (sign("x86_64_v4"), "refuses"),
    "note of the C library": (
        sign("x86_64_v4", "GNU_PROPERTY_X86_ISA_1_NEEDED in /usr/lib64/libc.so.6"),
        "refuses",
    ),
    "note of a file beside": (
        sign("x86_64_v4", "GNU_PROPERTY_X86_ISA_1_NEEDED in /opt/other"),
        "warns",
    ),
    "its folder": (
        sign("skylake_avx512", "folder of /opt/app", certainty=Certainty.HINT),
        "warns",
    ),
    "flag of the program": (
        sign("icelake", "compiler flag recorded in /usr/bin/app", certainty=Certainty.HINT),
        "warns",
    ),
    # Libraries such as OpenBLAS hold code for several processors and choose at run time.
    "flag of a library": (
        sign("icelake", "compiler flag recorded in /usr/lib/x.so", certainty=Certainty.HINT),
        "skips",
    ),
    "copies for newer processors": (
        sign("x86_64_v4", "/usr/lib/x.so", is_needed=False),
        "compatible",
    ),
    "a target that nobody knows": (sign("x86_64_v9"), "compatible"),
    "a target of another architecture": (sign("neoverse_v1"), "compatible"),
}


@pytest.mark.parametrize(("need", "expected"), FORCES.values(), ids=FORCES)
def test_what_a_sign_means_where_the_nodes_lack_it(need: LevelSign, expected: str) -> None:
    assert outcome(check(built(need), "zen3")) == expected


def test_folders_of_several_targets_are_variants() -> None:
    names = ("haswell", "skylake_avx512")
    hints = [sign(n, f"folder of /opt/{n}/app", certainty=Certainty.HINT) for n in names]
    assert check(built(*hints), "zen3").answer is Answer.COMPATIBLE


@pytest.mark.parametrize(("os_id", "expected"), [("rhel", "refuses"), ("derived", "warns")])
def test_baseline_counts_fully_for_the_distribution_itself(os_id: str, expected: str) -> None:
    release = OsRelease(id=os_id, version="10.1", like=("rhel",), path="/etc/os-release")
    level = sign("x86_64_v3", "what it builds for (/etc/os-release)", certainty=Certainty.LIKELY)
    facts = image(system=SystemFacts(os=release, levels=(level,)))
    assert outcome(check(facts, "ivybridge")) == expected


@pytest.mark.parametrize("name", ["unknown", "nobody-knows-it", "neoverse_n1"])
def test_nodes_of_a_processor_that_is_not_known_are_not_checked(name: str) -> None:
    verdict = check(built(sign("x86_64_v3")), name)
    assert (verdict.answer, verdict.force) == (Answer.UNKNOWN, Force.SKIPS)


def test_plain_image_asks_nothing_of_unknown_nodes() -> None:
    assert check(built(sign("x86_64")), "unknown").answer is Answer.COMPATIBLE


def test_mixed_partition_names_the_feature_of_the_nodes_that_fit() -> None:
    mixed = {
        "old": NodeClass(arch="x86_64", microarch="ivybridge", features=("any", "ivy")),
        "new": NodeClass(arch="x86_64", microarch="zen3", features=("any", "zen")),
    }
    (verdict,) = check_processor(built(sign("x86_64_v3")), site(), mixed)
    assert (verdict.refuses, verdict.reasons[0].code) == (True, "HPR218")
    assert verdict.reasons[0].message == "nodes of class `old` cannot run programs for x86_64_v3"
    assert verdict.reasons[0].evidence[-1] == "nodes of class `new` fit; they alone have `zen`"


DEFINITIONS = {
    "gcc -march=native x.c": ["HPR219"],
    "icc -xHost x.c": ["HPR219"],
    "gcc -O2 -mtune=native x.c": [],
    "gcc -march=skylake-avx512 x.c": ["HPR217"],
    "gcc -march=znver4 x.c": ["HPR217"],
    "gcc -march=core-avx2 x.c": [],
    "gcc -march=x86-64-v3 x.c": [],
    "spack install hdf5 target=zen4": ["HPR217"],
    "spack install hdf5 target=zen2": [],
    "make target=all": [],
    "gcc -march=armv8.2-a x.c": [],
}


@pytest.mark.parametrize(("text", "codes"), DEFINITIONS.items(), ids=DEFINITIONS)
def test_flags_in_the_definition_file(text: str, codes: list[str]) -> None:
    facts = image(container=ContainerFacts(definition=f"%post\n    {text}\n"))
    verdicts = check_processor(facts, site(), nodes("zen3"))
    assert [reason.code for v in verdicts for reason in v.reasons] == codes
    assert all(verdict.force is Force.WARNS for verdict in verdicts if verdict.reasons)


def test_label_names_the_target() -> None:
    facts = image(container=ContainerFacts(labels={"cflags": "-O3 -march=znver9 -mcpu=native"}))
    (verdict,) = (v for v in check_processor(facts, site(), nodes("zen3")) if v.reasons)
    assert "label `cflags`" in verdict.reasons[0].evidence[0]


def test_every_processor_runs_its_own_programs() -> None:
    row = processor("zen3")
    assert row is not None
    assert row.lacks(row) == ()
