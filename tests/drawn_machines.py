"""Processors, C libraries, runtimes and handlers that nobody has, for tests/drawn_facts.py."""

from random import Random
from typing import Any

from hpcrun.model.container import ContainerFacts
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Emulation, NodeClass, NodeOs
from hpcrun.model.seen import Certainty
from hpcrun.model.site import RuntimeFacts
from hpcrun.model.system import LevelSign, OsRelease

_NODES = {
    "x86_64": ("ivybridge", "haswell", "zen3", "zen5", "icelake", "x86_64_v2", "unknown"),
    "aarch64": ("a64fx", "neoverse_n1", "grace", "graviton3", "unknown"),
}
_TARGETS = {
    "x86_64": ("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "zen4", "nobody"),
    "aarch64": ("aarch64", "neoverse_v1", "a64fx", "nobody"),
}
_RELEASES = (("rhel", "10.1"), ("debian", "12"), ("ubuntu", "24.04"), ("own", "1"))
_SIGNS = (
    ("GNU_PROPERTY_X86_ISA_1_NEEDED in /usr/bin/app", Certainty.SURE),
    ("what it builds for (/etc/os-release)", Certainty.LIKELY),
    ("folder of /opt/software/app", Certainty.HINT),
    ("compiler flag recorded in /usr/lib/libx.so", Certainty.HINT),
)


def draw_machine_side(rng: Random, facts: ImageFacts) -> dict[str, Any]:
    """Draw what an image was built for, with what and as what."""
    name, version = rng.choice(_RELEASES)
    targets = _TARGETS.get(facts.arch, ("nobody",))
    signs = tuple(
        LevelSign(level=rng.choice(targets), is_needed=True, evidence=evidence, certainty=certainty)
        for evidence, certainty in _SIGNS
        if rng.random() < 0.15
    )
    os = OsRelease(id=name, version=version, like=("rhel",), path="/etc/os-release")
    flags = rng.choice(("", "-march=native", "-march=skylake-avx512", "-O2"))
    return {
        "kind": rng.choice(("sif", "squashfs", "folder")),
        "system": facts.system.model_copy(update={"levels": signs, "os": os}),
        "container": ContainerFacts(definition=f"%post\n    make CFLAGS='{flags}'\n"),
    }


def draw_node(rng: Random, node: NodeClass, *, namespaces_max: object) -> NodeClass:
    """Draw the processor, the system and the handlers of nodes."""
    name, version = rng.choice(_RELEASES)
    os = {
        "id": name,
        "version": version,
        "glibc": rng.choice(("2.28", "2.34", "2.41", "unknown")),
        "kernel": rng.choice(("4.18", "6.1", "6.12", "unknown")),
        "user_namespaces": rng.choice((True, False, "unknown")),
        "user_namespaces_max": namespaces_max,
    }
    handlers = tuple(_handler(rng, arch) for arch in ("x86_64", "aarch64") if rng.random() < 0.7)
    return node.model_copy(
        update={
            "microarch": rng.choice(_NODES.get(node.arch, ("unknown",))),
            "os": NodeOs.model_validate(os),
            "emulation": rng.choice((handlers, "unknown")),
        }
    )


def _handler(rng: Random, arch: str) -> Emulation:
    values = {
        "arch": arch,
        "emulator": rng.choice(("qemu-user", "fex", "box64", "rosetta", "qemu-system", "own")),
        "version": rng.choice(("5.2", "7.0", "7.2.22", "10.0.13", "unknown")),
        "flags": rng.choice(("F", "POCF", "OC")),
        "enabled": rng.choice((True, "unknown", False)),
        "magic": rng.choice(("unknown", "7f454c4602010100000000000000000002003e00")),
    }
    return Emulation.model_validate(values)


def draw_runtime(rng: Random, runtime: RuntimeFacts, index: int) -> RuntimeFacts:
    """Draw what the runtime is and takes; few forbid much."""
    changes: dict[str, Any] = {
        "version": rng.choice((f"1.{rng.randint(0, 6)}.{index}", "unknown")),
        "mode": rng.choice(("userns", "setuid", "unknown")),
        "user_bind": rng.random() < 0.8,
        "makes_targets": rng.choice((True, False, "unknown")),
    }
    if rng.random() < 0.1:
        changes |= {"image_kinds": ("sif",), "signed_images": rng.choice((True, "unknown"))}
    return runtime.model_copy(update=changes)
