"""What the nodes are told: Slurm's configuration, addresses, settings, profile."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from hpcrun.errors import UsageError
from hpcrun.sandbox import accounting
from hpcrun.sandbox import places as places_module
from hpcrun.sandbox.cluster_files import (
    Cluster,
    format_cgroup_conf,
    format_hosts,
    format_settings,
    format_slurm_conf,
    login_environment,
)
from hpcrun.sandbox.hardware import Hardware
from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.options import Options
from hpcrun.sandbox.rootfs import inside_folder
from hpcrun.sandbox.shape import plan_shape
from hpcrun.sandbox.versions import find_version

COMMON = (inside_folder() / "slurm.conf").read_text()
HARDWARE = Hardware("x86_64", 4, 8000, "6.1.0-1-amd64", 15000)
USER = JobUser("ada", 1000, 1000, 1001, 1001)


def cluster(n_nodes: int = 2, share: str = "/srv/share", slurm: str = "24.11") -> Cluster:
    return Cluster(
        "box", plan_shape(None, n_nodes, HARDWARE), HARDWARE, USER, share, find_version(slurm)
    )


def test_slurm_conf_never_lets_jobs_run_as_root_nor_picks_an_mpi() -> None:
    lines = format_slurm_conf(cluster(), COMMON).splitlines()
    for line in ("ClusterName=box", "DisableRootJobs=YES", "MpiDefault=none", "JobRequeue=0"):
        assert line in lines
    assert lines[-2].startswith("NodeName=n[1-2] Sockets=1 CoresPerSocket=4 ")
    assert lines[-1].startswith("PartitionName=main Nodes=n[1-2] Default=YES ")


def test_short_timeouts_take_the_place_of_the_usual_ones() -> None:
    text = format_slurm_conf(replace(cluster(), options=Options(short_timeouts=True)), COMMON)
    lines = [line for line in text.splitlines() if line.startswith(("SlurmdTimeout", "MinJobAge"))]
    assert sorted(lines) == ["MinJobAge=30", "SlurmdTimeout=10"]
    assert "SlurmdTimeout=120\n" in format_slurm_conf(cluster(), COMMON)


@pytest.mark.parametrize(
    ("slurm", "auth", "cgroup"),
    [
        ("20.11", "munge", ""),
        ("22.05", "munge", "CgroupPlugin=cgroup/v1\n"),
        ("24.11", "slurm", "CgroupPlugin=disabled\n"),
        ("26.05", "slurm", "CgroupPlugin=disabled\n"),
    ],
)
def test_configuration_is_the_version_s(slurm: str, auth: str, cgroup: str) -> None:
    made = cluster(slurm=slurm)
    lines = format_slurm_conf(made, COMMON).splitlines()
    assert {f"AuthType=auth/{auth}", f"CredType=cred/{auth}"} <= set(lines)
    assert format_cgroup_conf(made) == cgroup
    assert format_settings(made).splitlines()[:2] == [f"BOX_SLURM={slurm}", f"BOX_AUTH={auth}"]


def test_one_node_has_a_plain_name() -> None:
    assert "NodeName=n1 " in format_slurm_conf(cluster(1), COMMON)


@pytest.mark.parametrize("n_nodes", [1, 2, 200])
def test_hosts_have_one_address_each(n_nodes: int) -> None:
    lines = [line.split() for line in format_hosts(cluster(n_nodes)).splitlines()[1:]]
    assert [name for _, name in lines] == ["login", *(f"n{i}" for i in range(1, n_nodes + 1))]
    addresses = [address for address, _ in lines]
    assert len(set(addresses)) == n_nodes + 1
    assert all(0 < int(part) < 255 for a in addresses for part in a.split(".")[3:])


def test_settings_survive_the_shell() -> None:
    hostile = '/srv/it\'s $HOME `x` "y"'
    words = dict(
        word.split("=", 1) for word in shlex.split(format_settings(cluster(share=hostile)))
    )
    assert words["BOX_SHARE"] == hostile
    assert words["BOX_NODES"] == "login n1 n2"


def test_environment_inside_is_short_and_names_the_site() -> None:
    assert login_environment("box", "ada")["HPCRUN_SITE"] == "box"


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a/b", "..", "cache", "a" * 32, "a\n"])
def test_name_that_cannot_be_a_cluster_s_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a sandbox"):
        places_module.places(name)


def test_state_folder_is_the_chosen_one_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with monkeypatch.context() as patch:
        patch.setenv("HPCRUN_SANDBOX_DIR", str(tmp_path / "link"))
        assert places_module.places("box").folder == tmp_path.resolve() / "real" / "box"


def test_accounting_is_asked_of_slurmdbd_on_the_login_node() -> None:
    text = format_slurm_conf(replace(cluster(), options=Options(accounting=True)), COMMON)
    lines = [line for line in text.splitlines() if line.startswith("AccountingStorage")]
    assert sorted(lines) == [
        "AccountingStorageHost=login",
        "AccountingStorageType=accounting_storage/slurmdbd",
    ]
    assert "AccountingStorageType=accounting_storage/none\n" in format_slurm_conf(cluster(), COMMON)


@pytest.mark.parametrize(("slurm", "auth"), [("22.05", "munge"), ("26.05", "slurm")])
def test_slurmdbd_vouches_by_what_the_version_has(slurm: str, auth: str) -> None:
    common = (inside_folder() / "slurmdbd.conf").read_text()
    text = accounting.format_slurmdbd_conf(find_version(slurm), common, host="login")
    assert f"AuthType=auth/{auth}\nDbdHost=login\n" in text
    assert "StoragePass" not in text


def test_packages_of_accounting_make_a_root_file_system_of_its_own() -> None:
    usual = find_version("24.11")
    more = accounting.add_packages(usual)
    assert set(more.packages) - set(usual.packages) == {"slurmdbd", "mariadb-server-core"}


UNIFIED_CONF = "CgroupPlugin=cgroup/v2\nIgnoreSystemd=yes\nConstrainSwapSpace=yes"


@pytest.mark.parametrize(
    ("slurm", "groups", "first"),
    [
        ("20.11", 1, "CgroupAutomount=no"),
        ("24.11", 1, "CgroupPlugin=cgroup/v1"),
        ("22.05", 2, UNIFIED_CONF),
        ("24.11", 2, UNIFIED_CONF),
        ("26.05", 2, UNIFIED_CONF),
    ],
)
def test_control_groups_take_the_place_of_none(slurm: str, groups: int, first: str) -> None:
    made = replace(cluster(slurm=slurm), options=Options(cgroup=True), groups=groups)
    assert format_cgroup_conf(made) == f"{first}\nConstrainRAMSpace=yes\n"
    assert ("BOX_UNIFIED=yes" in format_settings(made).splitlines()) == (groups == 2)
    text = format_slurm_conf(made, COMMON)
    found = [line for line in text.splitlines() if line.startswith(("Proctrack", "TaskPlugin"))]
    assert sorted(found) == ["ProctrackType=proctrack/cgroup", "TaskPlugin=task/cgroup"]
