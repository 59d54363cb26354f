"""The profiles that a sandbox writes load as site profiles and say what differs."""

import sys
from pathlib import Path

import pytest

from hpcrun import resources
from hpcrun.loading.site_file import load_site
from hpcrun.model.base import known
from hpcrun.sandbox.cluster_files import Cluster
from hpcrun.sandbox.emulation import Emulation, Emulator
from hpcrun.sandbox.hardware import Hardware
from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.profile import access_from_outside, format_profile
from hpcrun.sandbox.shape import plan_shape
from hpcrun.sandbox.versions import default_version, find_version, known_versions

# A kernel version that YAML would take for a number, and a path that YAML would take for more.
HARDWARE = Hardware("x86_64", 4, 8000, "6.10", 15000)
PACKAGES = {"slurmctld": "24.10", "apptainer": "1.4.5", "libpmix2t64": "5.0.7"}
SHARE = "/srv/a: #b 'c' \"d\""


def write_profile(
    folder: Path,
    access: str | dict[str, list[str]],
    emulation: Emulation | None = None,
    slurm: str = "24.11",
) -> Path:
    user = JobUser("ada", 1000, 1000, 1001, 1001)
    cluster = Cluster(
        "box", plan_shape(None, 3, HARDWARE), HARDWARE, user, SHARE, find_version(slurm), emulation
    )
    file = folder / "box.yaml"
    text = format_profile(cluster, access, packages=PACKAGES)
    file.write_text(text)
    return file


def test_profile_loads_on_top_of_the_shipped_one(tmp_path: Path) -> None:
    file = write_profile(tmp_path, access_from_outside("box"))
    site = load_site(file, search=[resources.site_profiles_folder()])
    compute = site.node_classes["compute"]
    assert (site.name, site.which.cluster_name) == ("box", "box")
    assert (compute.arch, compute.cores, compute.memory_mib) == ("x86_64", 4, 8000)
    assert (compute.os.kernel, compute.os.glibc) == ("6.10", default_version().glibc)
    assert site.partitions["main"].nodes == 3
    assert site.partitions["main"].default
    assert site.filesystems.shared == (Path(SHARE), Path("/home/ada"))
    assert (site.scheduler.version, site.runtime.version) == ("24.10", "1.4.5")
    assert site.scheduler.pmix is not None
    assert site.scheduler.pmix.server == "5.0.7"
    assert site.scheduler.mpi_types == default_version().mpi_types
    assert site.access.prefix is not None
    assert site.access.prefix[-5:] == ("sandbox", "exec", "--name", "box", "--")


EMULATOR = Emulator("aarch64", "qemu-user", "10.10", "F", ":x:", Path("/cache/emulator"))


def test_profile_says_which_emulator_all_nodes_have(tmp_path: Path) -> None:
    site = load_site(
        write_profile(tmp_path, "local", Emulation(EMULATOR, ("n1", "n2", "n3"))),
        search=[resources.site_profiles_folder()],
    )
    handlers = known(site.node_classes["compute"].emulation)
    assert handlers is not None
    (handler,) = handlers
    assert (handler.arch, handler.emulator, handler.version) == ("aarch64", "qemu-user", "10.10")
    assert handler.flags == "F"
    assert site.partitions["main"].node_classes == ("compute",)


def test_profile_has_two_node_classes_where_only_some_emulate(tmp_path: Path) -> None:
    site = load_site(
        write_profile(tmp_path, "local", Emulation(EMULATOR, ("n1",))),
        search=[resources.site_profiles_folder()],
    )
    plain, emulating = (site.node_classes[name] for name in ("compute", "compute-emulating"))
    assert plain.emulation == ()
    assert plain.model_copy(update={"emulation": emulating.emulation}) == emulating
    assert site.partitions["main"].node_classes == ("compute", "compute-emulating")


@pytest.mark.parametrize("slurm", [version.slurm for version in known_versions()])
def test_shipped_profile_says_what_the_table_of_versions_says(tmp_path: Path, slurm: str) -> None:
    site = load_site(
        write_profile(tmp_path, "local", slurm=slurm), search=[resources.site_profiles_folder()]
    )
    version = find_version(slurm)
    assert site.scheduler.mpi_types != "unknown"
    assert set(site.scheduler.mpi_types) == set(version.mpi_types)
    assert site.node_classes["compute"].os.glibc == version.glibc
    folder = resources.site_profiles_folder()
    assert all((folder / str(stack.passport)).is_file() for stack in site.mpi_stacks.values())


def test_profile_of_the_inside_is_local(tmp_path: Path) -> None:
    file = write_profile(tmp_path, "local")
    site = load_site(file, search=[resources.site_profiles_folder()])
    assert site.access.is_local


def test_prefix_starts_this_very_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "hpcrun"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [str(program), "sandbox", "up"])
        assert access_from_outside("box")["prefix"][0] == str(program)
