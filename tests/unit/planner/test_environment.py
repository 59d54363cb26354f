"""Variables, mounts and paths: what a plan sets and why, and what it refuses of the job's own."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.model.command import CommandFacts, Step
from hpcrun.model.diagnostic import Severity
from hpcrun.model.image import ImageFacts, Program
from hpcrun.model.plan import Plan
from hpcrun.model.seen import Certainty
from hpcrun.planner import plan_job
from hpcrun.planner.candidates import Shape
from hpcrun.planner.environment import plan_environment
from hpcrun.planner.judge import Judge
from hpcrun.planner.layout import plan_layout
from hpcrun.planner.question import gather
from tests.unit.planner.measured import (
    CHOOSER,
    IMAGES,
    SERIAL,
    SHARE,
    STACKS,
    job,
    mpich_image,
    openmpi_image,
    site,
)

OPENMPI_5 = IMAGES["debian13-openmpi-5.0.7"]
CMA = "OMPI_MCA_btl_vader_single_copy_mechanism"
UCX = "UCX_POSIX_USE_PROC_LINK"


def plan(facts: ImageFacts, here: dict[str, Any] | None = None, **wishes: Any) -> Plan:
    return plan_job(job(**wishes), site(**(here or {})), {"amd64": facts}, STACKS)


def variables(made: Plan) -> dict[str, str]:
    return {name: item.value for name, item in made.environment.items()}


def codes(made: Plan) -> list[str]:
    return sorted(diagnostic.code for diagnostic in made.diagnostics)


SETTINGS = {
    "openmpi-5-same-pmix": (OPENMPI_5, {}, {"PMIX_MCA_psec": "native", UCX: "n"}),
    "openmpi-4-other-pmix": (
        IMAGES["debian12-openmpi-4.1.4"],
        {},
        {"PMIX_MCA_psec": "native", "PMIX_MCA_gds": "hash", UCX: "n", CMA: "none"},
    ),
    "mpich": (IMAGES["debian12-mpich-4.0.2"], {}, {UCX: "n"}),
    "setuid-shares-memory": (
        IMAGES["debian12-openmpi-4.1.4"],
        {"runtime": {"version": "1.4.5", "mode": "setuid", "user_bind": True}},
        {"PMIX_MCA_psec": "native", "PMIX_MCA_gds": "hash"},
    ),
    "munge-alone": (
        OPENMPI_5,
        {
            "scheduler": {
                "mpi_types": ["pmix"],
                "pmix": {"server": "5.0.7", "psec": ["munge"]},
            }
        },
        {UCX: "n"},
    ),
}


@pytest.mark.parametrize(("facts", "here", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_environment_of_the_hybrid_model(
    facts: ImageFacts, here: dict[str, Any], expected: dict[str, str]
) -> None:
    made = plan(facts, here)
    assert variables(made) == expected
    assert all(item.why for item in made.environment.values())


def test_environment_ranks_on_nodes_of_their_own_need_no_shared_memory_settings() -> None:
    made = plan(IMAGES["debian12-openmpi-4.1.4"], resources={"nodes": 2, "tasks": 2})
    assert {CMA, UCX} & set(variables(made)) == set()


def test_environment_mpich_with_pmix_alone_is_told_to_speak_it() -> None:
    facts = openmpi_image("4.2.1", "5.0.7")
    mpich = facts.mpi[0].model_copy(update={"family": "mpich"})
    made = plan(facts.model_copy(update={"mpi": (mpich,)}))
    assert variables(made)["MPIR_CVAR_PMI_VERSION"] == "x"


def test_environment_mpich_of_these_days_reads_no_other_ranks_memory() -> None:
    made = plan(mpich_image("5.0.2"))
    assert variables(made)["MPIR_CVAR_CH4_CMA_ENABLE"] == "0"
    alone = plan(mpich_image("5.0.2"), resources={"nodes": 2, "tasks": 2})
    assert "MPIR_CVAR_CH4_CMA_ENABLE" not in variables(alone)


def test_environment_python_takes_the_images_mpi4py_and_not_one_of_the_home_folder() -> None:
    program = {"argv0": "python3", "path": "/usr/bin/python3", "arch": "x86_64", "kind": "elf"}
    facts = IMAGES["no-mpi-mpi4py-wheel"].model_copy(
        update={"program": Program.model_validate(program)}
    )
    assert variables(plan(facts))["PYTHONNOUSERSITE"] == "1"
    undone = plan(facts, env={"PYTHONNOUSERSITE": ""})
    assert (variables(undone)["PYTHONNOUSERSITE"], codes(undone)) == ("", [])


def test_environment_of_a_serial_job_is_the_jobs_own() -> None:
    made = plan(IMAGES["no-mpi"], resources=SERIAL, env={"OMP_NUM_THREADS": "4"})
    assert variables(made) == {"OMP_NUM_THREADS": "4"}


def test_environment_the_jobs_own_value_counts() -> None:
    made = plan(OPENMPI_5, env={"PMIX_MCA_psec": "munge"})
    assert variables(made)["PMIX_MCA_psec"] == "munge"


def test_environment_a_library_path_of_the_job_comes_after_the_host_stack() -> None:
    facts = IMAGES["no-mpi-needs-libmpi.so.40"]
    made = plan(facts, env={"LD_LIBRARY_PATH": "/opt/solver/lib"})
    assert variables(made)["LD_LIBRARY_PATH"] == "/opt/hpc/openmpi-5.0.11/lib:/opt/solver/lib"
    assert not made.is_refused


def test_environment_host_library_read_elsewhere_is_named_by_its_place_on_the_nodes() -> None:
    read_at = "/build/rootfs/opt/hpc/openmpi-5.0.11"
    facts = STACKS["openmpi-5.0.11"]
    lib = facts.libraries[0].model_copy(update={"path": f"{read_at}/lib/libmpi.so.40"})
    moved = facts.model_copy(update={"prefix": Path(read_at), "libraries": (lib,)})
    needs = IMAGES["no-mpi-needs-libmpi.so.40"]
    made = plan_job(job(), site(), {"amd64": needs}, {"openmpi-5.0.11": moved})
    assert variables(made)["LD_LIBRARY_PATH"] == "/opt/hpc/openmpi-5.0.11/lib"


def test_mounts_are_the_working_folder_the_stack_and_the_jobs_own() -> None:
    mounts = ({"host": SHARE / "brains", "container": "/data", "mode": "ro"},)
    made = plan(IMAGES["no-mpi-needs-libmpi.so.40"], mounts=mounts)
    found = [(str(m.host), str(m.container), m.mode) for m in made.mounts]
    assert found == [
        ("/home/share/brains", "/data", "ro"),
        ("/home/share", "/home/share", "rw"),
        ("/opt/hpc/openmpi-5.0.11", "/opt/hpc/openmpi-5.0.11", "ro"),
    ]


def test_mounts_of_the_job_come_before_those_that_lie_deeper() -> None:
    mounts = ({"host": "/home/share/a", "container": "/home/share/run/in"},)
    outer = ({"host": "/home/share/b", "container": "/home"},)
    made = plan(OPENMPI_5, workdir="/home/share/run", mounts=(*mounts, *outer))
    found = [str(mount.container) for mount in made.mounts]
    assert found == ["/home", "/home/share/run", "/home/share/run/in"]


def test_mount_of_the_working_folder_by_the_job_itself_counts() -> None:
    own = ({"host": SHARE, "container": SHARE, "mode": "ro"},)
    made = plan(OPENMPI_5, mounts=own)
    assert [(str(m.container), m.mode) for m in made.mounts] == [("/home/share", "ro")]


def mounted(container: str, host: Path = SHARE / "brains") -> Plan:
    return plan(OPENMPI_5, mounts=({"host": host, "container": container},))


SHADOWS = {
    "/": ["HPR501"],
    "/usr": ["HPR501"],
    "/etc": ["HPR501"],
    "/usr/bin": ["HPR501"],
    "/usr/lib/x86_64-linux-gnu": ["HPR501"],
    "/data": [],
    "/mnt": [],
    "/usr/share/data": [],
    "/opt/data": [],
}


@pytest.mark.parametrize(("container", "expected"), SHADOWS.items(), ids=SHADOWS)
def test_mount_over_what_the_program_needs_is_reported(container: str, expected: list[str]) -> None:
    assert codes(mounted(container)) == expected


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("/usr", ["HPR501"]),
        ("/sw:/usr/bin", ["HPR501"]),
        ("/usr/share", []),
        ("/scratch", []),
        ("$HOME", []),
        ("/tmp", []),
    ],
)
def test_what_the_site_mounts_over_the_image_is_reported(bind: str, expected: list[str]) -> None:
    runtime = site().runtime.to_json() | {"default_binds": [bind]}
    here = site(runtime=runtime)
    made = plan_job(job(), here, {"amd64": OPENMPI_5}, STACKS)
    assert codes(made) == expected


def test_two_mounts_at_one_path_are_refused() -> None:
    two = tuple({"host": SHARE / name, "container": "/data"} for name in ("a", "b"))
    assert plan(OPENMPI_5, mounts=two).is_refused


def test_paths_off_the_shared_file_systems_are_refused_each_with_its_rule() -> None:
    facts = OPENMPI_5.model_copy(update={"path": Path("/tmp/app.sif")})
    mounts = ({"host": "/data", "container": "/data"},)
    made = plan(facts, workdir="/tmp/run", mounts=mounts)
    assert codes(made) == ["HPR503", "HPR508", "HPR509"]


def test_paths_where_nobody_says_what_is_shared_get_one_warning() -> None:
    made = plan(OPENMPI_5, {"filesystems": {}}, workdir="/tmp/run")
    assert codes(made) == ["HPR503"]
    assert not made.is_refused


@pytest.mark.parametrize(
    "launcher", ["mpirun", "/usr/bin/mpiexec", "srun", "mpiexec.hydra", "mpirun.openmpi"]
)
def test_command_that_starts_ranks_itself_is_refused(launcher: str) -> None:
    assert "HPR406" in codes(plan(OPENMPI_5, command=(launcher, "-n", "4", "app")))


@pytest.mark.parametrize("launcher", ["mpirun", "/usr/bin/mpiexec.openmpi"])
def test_command_whose_script_starts_ranks_is_refused(launcher: str) -> None:
    steps = (
        Step(name="run.sh", path="/opt/run.sh", kind="script", through="the command"),
        Step(name=launcher, path="/usr/bin/orterun", kind="elf", through="line 3 of /opt/run.sh"),
    )
    command = CommandFacts(argv=("run.sh",), steps=steps)
    image = OPENMPI_5.model_copy(update={"command": command})
    refused = [
        each for each in plan(image, command=("run.sh",)).diagnostics if each.code == "HPR406"
    ]
    assert [each.found for each in refused] == [(f"line 3 of /opt/run.sh calls `{launcher}`",)]
    assert "HPR406" not in codes(plan(image, command=("run.sh",), resources=SERIAL))


def test_command_whose_script_may_start_ranks_is_warned_of() -> None:
    def step(name: str, line: int, certainty: Certainty) -> Step:
        through = f"line {line} of run.sh"
        return Step(name=name, path=None, kind="unknown", through=through, certainty=certainty)

    steps = (step("srun", 4, Certainty.HINT), step("solver", 5, Certainty.SURE))
    command = CommandFacts(argv=("run.sh",), steps=steps, doubts=("line 3 of run.sh: `ml`",))
    image = OPENMPI_5.model_copy(update={"command": command})
    told = [d for d in plan(image, command=("run.sh",)).diagnostics if d.code == "HPR406"]
    assert [(each.severity, each.message) for each in told] == [
        (Severity.WARNING, "`srun` may start ranks inside each of the 4 tasks")
    ]
    sure = step("mpirun", 6, Certainty.SURE)
    both = command.model_copy(update={"steps": (*steps, sure)})
    image = OPENMPI_5.model_copy(update={"command": both})
    told = [d for d in plan(image, command=("run.sh",)).diagnostics if d.code == "HPR406"]
    assert [(each.severity, each.found) for each in told] == [
        (Severity.ERROR, ("line 6 of run.sh calls `mpirun`",))
    ]


def test_command_that_starts_ranks_itself_in_one_task_is_the_jobs_own_affair() -> None:
    assert "HPR406" not in codes(plan(OPENMPI_5, command=("mpirun", "app"), resources=SERIAL))


LIBMPI = {
    "the-planned-one": ("/usr/lib/x86_64-linux-gnu/libmpi.so.40", []),
    "its-bare-name": ("libmpi.so.40", []),
    "another-one": ("/opt/other/libmpich.so.12", ["HPR504"]),
}


@pytest.mark.parametrize(("value", "expected"), LIBMPI.values(), ids=LIBMPI)
def test_environment_a_library_of_the_jobs_own_choice_must_be_the_judged_one(
    value: str, expected: list[str]
) -> None:
    program = {"argv0": "python3", "path": "/usr/bin/python3", "kind": "elf"}
    chooser = {"mpi_users": (CHOOSER,), "program": Program.model_validate(program)}
    facts = OPENMPI_5.model_copy(update=chooser)
    assert codes(plan(facts, env={"MPI4PY_LIBMPI": value})) == expected


@pytest.mark.parametrize(
    ("image_version", "pmix", "expected"),
    [("5.0.11", "5.0.11", None), ("5.0.7", "5.0.7", "hash")],
)
def test_environment_of_ranks_that_mpirun_starts_is_for_its_own_pmix(
    image_version: str, pmix: str, expected: str | None
) -> None:
    stacks = {n: s.to_json() | {"launchers": ["mpirun"]} for n, s in site().mpi_stacks.items()}
    facts = openmpi_image(image_version, pmix)
    question = gather(job(), site(mpi_stacks=stacks), {"amd64": facts}, STACKS)
    shape = Shape("hybrid", "mpirun", None, "openmpi-5.0.11", "native", "amd64")
    judgement = Judge(question).judge(shape)
    planned = plan_environment(question, plan_layout(question), shape, judgement)
    found = planned.get("PMIX_MCA_gds")
    assert (found.value if found else None) == expected
    assert "PMIX_MCA_psec" not in planned
