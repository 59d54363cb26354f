"""Cases of the rules about processors, the C library, the container runtime and emulation."""

from typing import Any

from hpcrun.model.command import CommandFacts, VersionNeed
from hpcrun.model.container import ContainerFacts
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.mpi import ClosureFile
from hpcrun.model.seen import Certainty
from hpcrun.model.system import CxxLibrary, LevelSign, OsRelease, SystemFacts
from tests.unit.planner.measured import STACKS, image, mpich_image, site
from tests.unit.rules.given import ARM, NEEDS_OPENMPI, OPENMPI, Case, Given, nodes, runtime, stacks


def _based_on(os_id: str, version: str, level: str) -> ImageFacts:
    release = OsRelease(id=os_id, version=version, path="/etc/os-release")
    sign = LevelSign(
        level=level,
        is_needed=True,
        evidence=f"what {os_id} {version} builds for (/etc/os-release)",
        certainty=Certainty.LIKELY,
    )
    return OPENMPI.model_copy(update={"system": SystemFacts(os=release, levels=(sign,))})


def _compiled_with(flags: str) -> ImageFacts:
    definition = f"%post\n    gcc -O3 {flags} -o /opt/solver solver.c\n"
    return OPENMPI.model_copy(update={"container": ContainerFacts(definition=definition)})


def _two_classes(**features: Any) -> dict[str, Any]:
    compute = site().node_classes["compute"].to_json()
    return {
        "node_classes": {
            "old": compute | {"microarch": "ivybridge", "features": ["ivy"]},
            "new": compute | {"microarch": "zen3", "features": ["zen"]},
        },
        "partitions": {"main": {"node_classes": ["old", "new"], "default": True}},
    } | features


def _closure(**file: Any) -> dict[str, StackFacts]:
    name = "openmpi-5.0.11"
    folder = STACKS[name].prefix / "lib"
    row = {"soname": "libucs.so.0", "path": str(folder / "libucs.so.0"), "is_inside": True} | file
    facts = STACKS[name].model_copy(update={"closure": (ClosureFile.model_validate(row),)})
    return {name: facts}


def _needs_cxx(version: str) -> dict[str, StackFacts]:
    return _closure(versions_needed={"libstdc++.so.6": ["CXXABI_1.3", f"GLIBCXX_{version}"]})


def _brings_cxx(version: str) -> dict[str, StackFacts]:
    path = str(STACKS["openmpi-5.0.11"].prefix / "lib" / "libstdc++.so.6")
    return _closure(soname="libstdc++.so.6", path=path, versions_defined=[f"GLIBCXX_{version}"])


_CXX = CxxLibrary(path="/usr/lib/libstdc++.so.6", glibcxx="3.4.28", cxxabi="1.3.12", evidence="x")
_HAS_CXX = image(
    users=NEEDS_OPENMPI.mpi_users,
    sonames=("libstdc++.so.6",),
    system=SystemFacts(libstdcxx=_CXX),
)
_NEEDS_CXX = VersionNeed(
    kind="GLIBCXX",
    version="3.4.30",
    path="/usr/bin/app",
    library="libstdc++.so.6",
    evidence="verneed",
)
_CXX_PROGRAM = image(
    users=NEEDS_OPENMPI.mpi_users,
    command=CommandFacts(
        argv=("/usr/bin/app",), steps=(), mpi_users=NEEDS_OPENMPI.mpi_users, needs=(_NEEDS_CXX,)
    ),
)
_ONE_BIND = stacks("openmpi-5.0.11")


def _emulating(
    emulator: str, version: str, *, network: str = "unknown", gpus: int = 0
) -> dict[str, Any]:
    handler = {"arch": "aarch64", "emulator": emulator, "version": version, "flags": "F"}
    models = [{"model": "H200", "count": gpus, "vendor": "nvidia"}] if gpus else []
    return nodes(emulation=[handler], fabric={"kind": network}, gpus=models)


def _allowing_namespaces(number: int) -> dict[str, Any]:
    return nodes(os={"user_namespaces_max": number})


_FOLDER = OPENMPI.model_copy(update={"kind": "folder"})
_SETUID = runtime(mode="setuid")
_MVAPICH = mpich_image("3.0", soname="libmpi.so.12")
_MVAPICH = _MVAPICH.model_copy(
    update={"mpi": (_MVAPICH.mpi[0].model_copy(update={"implementation": "mvapich"}),)}
)
_RHEL_10 = _based_on("rhel", "10.0", "x86_64_v3")

MACHINE: dict[str, Case] = {
    "HPR217": Case(
        fires=Given(image=_RHEL_10, site=nodes(microarch="ivybridge")),
        silent=Given(image=_RHEL_10, site=nodes(microarch="haswell")),
    ),
    "HPR218": Case(
        fires=Given(image=_RHEL_10, site=_two_classes()),
        silent=Given(image=_RHEL_10, site=_two_classes()),
        silent_job="submit: {partition: main, constraint: zen}",
    ),
    "HPR219": Case(
        fires=Given(image=_compiled_with("-march=native")),
        silent=Given(image=_compiled_with("-march=x86-64-v2 -mtune=native")),
    ),
    "HPR313": Case(
        fires=Given(image=_HAS_CXX, site=_ONE_BIND, stacks=_needs_cxx("3.4.30")),
        silent=Given(image=_HAS_CXX, site=_ONE_BIND, stacks=_needs_cxx("3.4.28")),
    ),
    "HPR314": Case(
        fires=Given(image=_CXX_PROGRAM, site=_ONE_BIND, stacks=_brings_cxx("3.4.25")),
        silent=Given(image=_CXX_PROGRAM, site=_ONE_BIND, stacks=_brings_cxx("3.4.30")),
    ),
    "HPR513": Case(
        fires=Given(site=_allowing_namespaces(1)), silent=Given(site=_allowing_namespaces(4))
    ),
    "HPR514": Case(
        fires=Given(image=_FOLDER, site=runtime(image_kinds=["sif", "squashfs"])),
        silent=Given(image=_FOLDER, site=runtime(image_kinds=["sif", "folder"])),
    ),
    "HPR515": Case(
        fires=Given(image=_FOLDER, site={"images": {"unpacked": False}}),
        silent=Given(image=_FOLDER, site={"images": {"unpacked": "unknown"}}),
    ),
    "HPR516": Case(
        fires=Given(site=nodes(cores=128)), silent=Given(site=nodes(cores=128) | _SETUID)
    ),
    "HPR517": Case(
        fires=Given(image=_MVAPICH, site=stacks()),
        silent=Given(image=_MVAPICH, site=stacks()),
        silent_job="resources: {nodes: 2, tasks: 4}\nenv: {MV2_SMP_USE_CMA: '0'}",
    ),
    "HPR518": Case(
        fires=Given(site=runtime(makes_targets=False)),
        silent=Given(site=runtime(makes_targets="unknown")),
    ),
    "HPR605": Case(
        fires=Given(image=ARM, site=_emulating("qemu-user", "7.2", network="infiniband")),
        silent=Given(image=ARM, site=_emulating("qemu-user", "7.2", network="ethernet")),
    ),
    "HPR606": Case(
        fires=Given(image=ARM, site=_emulating("qemu-user", "7.2", gpus=1)),
        silent=Given(image=ARM, site=_emulating("qemu-user", "7.2", gpus=1)),
        silent_job="execution: emulated\nresources: {nodes: 2, tasks: 4}",
        fires_too=("HPR702",),
    ),
    "HPR607": Case(
        fires=Given(image=ARM, site=_emulating("fex", "2605")),
        silent=Given(image=ARM, site=_emulating("fex", "2605") | runtime(version="1.5.3")),
    ),
}
