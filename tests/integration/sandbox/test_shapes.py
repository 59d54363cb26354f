"""Sandboxes of another shape and with other options: what hpcrun and Slurm say, and the hello job.

The hello job in the usual sandbox is test_main_path.py, in other Slurm versions test_versions.py.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hpcrun.app.api import find_site, load_job, plan
from hpcrun.errors import HpcrunError
from hpcrun.sandbox import cgroups
from hpcrun.sandbox.versions import SandboxVersion, default_version, known_versions
from tests.hello_job import lay_out_hello, run_hello
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun, started

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

SITE = CHECKOUT / "examples" / "two-classes" / "site.yaml"
ACCOUNT = {"account": "neuro"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shaped_version" in metafunc.fixturenames:
        is_all = metafunc.config.getoption("--all-versions")
        rows = known_versions() if is_all else (default_version(),)
        metafunc.parametrize("shaped_version", rows, ids=lambda row: row.slurm, scope="module")


@pytest.fixture(scope="module")
def shaped(sandbox: Sandbox, shaped_version: SandboxVersion) -> Iterator[Sandbox]:
    """Return a sandbox like the example's site, with the images of the session's sandbox."""
    slurm = shaped_version.slurm
    options = ("--slurm", slurm, "--like", str(SITE), "--share", str(sandbox.share))
    name = f"like-{slurm.replace('.', '')}"
    with started(name, *options, "--emulation", "none") as found:
        yield found


STANDARD, LARGE, ACCELERATED = (
    {f"{stem}1", f"{stem}2"} for stem in ("standard", "large", "accelera")
)
LAYOUTS: dict[str, tuple[str, dict[str, object], set[str]]] = {
    "cpu": ("openmpi", {"submit": ACCOUNT}, STANDARD | LARGE),
    "bigmem": ("mpich", {"submit": {**ACCOUNT, "partition": "bigmem"}}, LARGE),
    "constraint": ("openmpi", {"submit": {**ACCOUNT, "constraint": "small"}}, STANDARD),
    "gpu": (
        "openmpi",
        {
            "submit": {**ACCOUNT, "partition": "gpu"},
            "resources": {"gpus_per_node": 2},
            "allow": [{"rule": "HPR702", "because": "the GPUs are names only"}],
        },
        ACCELERATED,
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hello_runs_in_each_partition(
    shaped: Sandbox, images: Mapping[str, Path], layout: str
) -> None:
    image, changes, allowed = LAYOUTS[layout]
    job_file = lay_out_hello(shaped, images[image], name=layout, changes=changes)
    nodes, _ = run_hello(shaped, job_file)
    assert (len(nodes), nodes - allowed) == (2, set())


LIMITS: dict[str, tuple[dict[str, object], str | None]] = {
    "fits": ({}, None),
    "fits-all-memory-of-the-largest": ({"memory_per_node": "64000 MiB"}, None),
    "memory-over-the-largest": ({"memory_per_node": "64001 MiB"}, "HPR103"),
    "longest": ({"walltime": "24:00:00"}, None),
    "walltime-over-the-limit": ({"walltime": "24:01:00"}, "HPR102"),
    "longest-in-another": ({"walltime": "04:00:00", "partition": "bigmem"}, None),
    "walltime-over-another-limit": ({"walltime": "04:01:00", "partition": "bigmem"}, "HPR102"),
    "nodes-over-the-partition": ({"nodes": 3, "tasks": 3, "partition": "bigmem"}, "HPR106"),
    "all-slurm-cpus-of-a-node": ({"tasks": 32, "partition": "bigmem"}, None),
    "more-than-a-node-s-slurm-cpus": ({"tasks": 33, "partition": "bigmem"}, "HPR107"),
    "all-gpus-of-a-node": ({"gpus_per_node": 4, "partition": "gpu"}, None),
    "more-than-a-node-s-gpus": ({"gpus_per_node": 5, "partition": "gpu"}, "HPR108"),
    "gpus-of-nodes-without": ({"gpus_per_node": 1}, "HPR108"),
    "no-such-partition": ({"partition": "huge"}, "HPR101"),
    "no-account": ({"account": ""}, "HPR105"),
    "no-such-feature": ({"constraint": "huge"}, "HPR111"),
    "feature-of-another-partition": ({"constraint": "gpu"}, "HPR111"),
    "feature": ({"constraint": "large"}, None),
}
_OPTIONS = {
    "nodes": "--nodes",
    "tasks": "--ntasks",
    "memory_per_node": "--mem",
    "walltime": "--time",
    "gpus_per_node": "--gpus-per-node",
    "partition": "--partition",
    "account": "--account",
    "constraint": "--constraint",
}


def _wish(case: str) -> dict[str, object]:
    usual = {"nodes": 1, "tasks": 1, "walltime": "00:01:00", "account": "neuro"}
    return usual | LIMITS[case][0]


@pytest.fixture(scope="module")
def slurm_says(shaped: Sandbox) -> dict[str, int]:
    """Return for each case whether sbatch takes it."""
    script = ""
    for case in LIMITS:
        wish = {_OPTIONS[key]: str(value) for key, value in _wish(case).items() if value}
        words = " ".join(f"'{key}={value.replace(' MiB', 'M')}'" for key, value in wish.items())
        script += f"sbatch --test-only {words} --wrap=true >&2; echo {case} $?\n"
    told = shaped.exec("sh", "-s", stdin=script)
    return {name: int(code) for name, code in map(str.split, told.stdout.splitlines())}


@pytest.mark.parametrize("case", LIMITS)
def test_slurm_takes_what_hpcrun_says_is_fine_and_nothing_else(
    *,
    shaped: Sandbox,
    images: Mapping[str, Path],
    slurm_says: Mapping[str, int],
    tmp_path: Path,
    case: str,
) -> None:
    code = LIMITS[case][1]
    wish, in_submit = _wish(case), {"partition", "account", "constraint"}
    job = {
        "image": str(images["nompi"]),
        "command": ["true"],
        "mpi": "none",
        "resources": {key: value for key, value in wish.items() if key not in in_submit},
        "submit": {key: value for key, value in wish.items() if key in in_submit},
        "workdir": str(shaped.share),
        "allow": [{"rule": "HPR702", "because": "the GPUs are names only"}],
    }
    file = tmp_path / "job.yaml"
    file.write_text(json.dumps({"version": 1, "name": "limits", **job}))
    site = find_site(str(shaped.profile), environment={})
    found = {one.code for one in plan(load_job(file), site).diagnostics if one.refuses}
    expected = set() if code is None else {code}
    assert (found, slurm_says[case] == 0) == (expected, code is None)


def test_gaps_are_counted_by_up_and_listed_by_status(shaped: Sandbox) -> None:
    status = ("sandbox", "status", "--name", shaped.name)
    told = json.loads(run_hpcrun(*status, "--json").stdout)
    assert told["like"].startswith("two-classes (")
    gap = "node class `accelerated`: GPU H200 can be asked for, but there is no device behind"
    assert gap in told["notes"]
    n_gaps = f"{len(told['notes'])} things"

    up = run_hpcrun("sandbox", "up", "--name", shaped.name)
    notes = [line for line in up.stderr.splitlines() if line.startswith("note: ")]
    list_them = f"list: hpcrun sandbox status --verbose --name {shaped.name}"
    assert notes == [f"note: it differs from the site in {n_gaps}; {list_them}"]
    shape = f"shape of:      {told['like']}, but for {n_gaps}"
    assert f"{shape} (list: --verbose)\n" in run_hpcrun(*status).stdout
    listed = "".join(f"  {note}\n" for note in told["notes"])
    assert f"{shape}\n{listed}" in run_hpcrun(*status, "--verbose").stdout


def test_other_shape_is_refused_while_it_runs(shaped: Sandbox, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SITE.read_text().replace("memory_mib: 16000", "memory_mib: 17000"))
    for options, told in (
        (("--like", str(other)), "has the shape of two-classes"),
        (("--nodes", "3"), "2 nodes, not 3"),
        (("--mpi-default", "pmi2"), ", not pmi2"),
    ):
        done = run_hpcrun("sandbox", "up", "--name", shaped.name, *options)
        assert done.returncode == 64
        assert told in done.stderr
    again = run_hpcrun("sandbox", "up", "--name", shaped.name, "--like", str(SITE))
    assert again.returncode == 0, again.stderr


def test_profile_that_is_not_there_is_told() -> None:
    done = run_hpcrun("sandbox", "up", "--name", "nosuch", "--like", "nosuch-site")
    assert done.returncode == 66
    assert "there is no site `nosuch-site`" in done.stderr


def _groups() -> tuple[str, ...]:
    """Return the option for control groups, where this machine has what they need."""
    try:
        cgroups.check_groups(cgroups.read_hierarchies(), is_root=os.geteuid() == 0)
    except HpcrunError:
        return ()
    return ("--cgroup",)


@pytest.fixture(scope="module")
def varied(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Return a sandbox with every other option at once, with the session's images."""
    options = ("--mpi-default", "pmi2", "--emulation", "none", "--accounting", "--ssh", *_groups())
    with started("varied", *options, "--share", str(sandbox.share)) as found:
        yield found


@pytest.mark.parametrize("by", ["exec", "ssh"])
@pytest.mark.parametrize("image", ["openmpi", "mpich"])
def test_hello_runs_whatever_the_options(
    varied: Sandbox, images: Mapping[str, Path], image: str, by: str
) -> None:
    job_file = lay_out_hello(varied, images[image], name=f"{image}-{by}")
    name = varied.profile.with_name(f"{varied.name}-ssh.yaml") if by == "ssh" else varied.profile
    nodes, libraries = run_hello(replace(varied, profile=name), job_file)
    assert (nodes, libraries) == (set(varied.nodes), {"Open" if image == "openmpi" else "MPICH"})
    known = varied.exec("sacct", "--noheader", "--allocations", "--format=state%20").stdout.split()
    assert set(known) == {"COMPLETED"}
