"""What the cluster in a folder is: nodes apart from each other, jobs as the user, one folder."""

from pathlib import Path

import pytest

from hpcrun.site import find_site
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

MPI_PROGRAM = CHECKOUT / "tests/integration/sandbox/who_am_i.py"


def test_job_step_on_two_nodes_runs_on_both_as_the_job_user(sandbox: Sandbox) -> None:
    done = sandbox.exec("srun", "-N2", "sh", "-c", "echo $(hostname) $(id -u)")
    assert (0, [f"n1 {sandbox.uid}", f"n2 {sandbox.uid}"]) == (
        done.returncode,
        sorted(done.stdout.splitlines()),
    )


def test_job_as_root_is_refused(sandbox: Sandbox) -> None:
    done = sandbox.exec("srun", "-N1", "id", "-u", user="root")
    assert done.returncode != 0
    assert "0" not in done.stdout.split()


def test_nodes_have_their_own_boot_id_names_and_temporary_files(sandbox: Sandbox) -> None:
    files = "/proc/sys/kernel/random/boot_id /etc/machine-id /etc/hostname"
    script = f"cat {files}; readlink /proc/self/ns/*"
    seen = [
        sandbox.exec("sh", "-c", script, node=node).stdout.split()
        for node in ("login", *sandbox.nodes)
    ]
    private = [(lines[0], lines[1], lines[2], *_namespaces(lines)) for lines in seen]
    for values in zip(*private, strict=True):
        assert len(set(values)) == len(values), values

    sandbox.exec("touch", "/tmp/only-here", "/dev/shm/only-here", node="n1")
    other = sandbox.exec("sh", "-c", "ls /tmp /dev/shm", node="n2")
    assert "only-here" not in other.stdout


def _namespaces(lines: list[str]) -> list[str]:
    kinds = ("ipc:", "mnt:", "net:", "pid:", "uts:")
    return sorted(line for line in lines if line.startswith(kinds))


def test_file_of_a_job_has_the_same_path_outside_and_belongs_to_the_job_user(
    sandbox: Sandbox, shared_folder: Path
) -> None:
    done = sandbox.exec("srun", "-N2", "sh", "-c", f"hostname > {shared_folder}/$(hostname)")
    assert done.returncode == 0, done.stderr
    found = {file.name: (file.read_text(), file.stat().st_uid) for file in shared_folder.iterdir()}
    assert {
        "n1": ("n1\n", sandbox.uid_outside),
        "n2": ("n2\n", sandbox.uid_outside),
    } == found


def test_home_folder_is_the_same_on_all_nodes(sandbox: Sandbox) -> None:
    sandbox.exec("sh", "-c", "echo seen > ~/mark", node="n1")
    assert sandbox.exec("sh", "-c", "cat ~/mark; rm ~/mark", node="n2").stdout == "seen\n"


def test_batch_job_gets_an_id_that_grows(sandbox: Sandbox, shared_folder: Path) -> None:
    ids = []
    for _ in range(2):
        done = sandbox.exec("sbatch", "--parsable", "--wrap=true", folder=shared_folder)
        assert done.returncode == 0, done.stderr
        ids.append(int(done.stdout))
    assert ids[0] < ids[1]


def test_program_without_the_users_right_cannot_write_the_nodes_system(sandbox: Sandbox) -> None:
    for place in ("/usr/x", "/opt/hpc/x", "/etc/x"):
        assert sandbox.exec("touch", place).returncode != 0
    assert sandbox.exec("touch", "/usr/x", user="root").returncode != 0


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("stack", "pmi", "version"),
    [
        ("openmpi-5.0.11", "pmix", "Open MPI v5.0.11"),
        ("mpich-4.3.2", "pmi2", "MPICH Version: 4.3.2"),
    ],
)
def test_host_stack_started_by_srun_sees_all_ranks(
    sandbox: Sandbox, shared_folder: Path, stack: str, pmi: str, version: str
) -> None:
    program = shared_folder / "who.py"
    program.write_bytes(MPI_PROGRAM.read_bytes())
    path = f"/opt/hpc/{stack}/lib/libmpi.so"
    argv = ("srun", "-N2", "-n4", "--ntasks-per-node=2", f"--mpi={pmi}", "python3", str(program))
    done = sandbox.exec(*argv, path)
    assert done.returncode == 0, done.stderr
    seen = sorted(done.stdout.splitlines())
    expected = [f"{rank} of 4 on n{rank // 2 + 1}: {version}" for rank in range(4)]
    assert expected == seen


@pytest.mark.mpi
@pytest.mark.parametrize("stack", ["openmpi-5.0.11", "mpich-4.3.2"])
def test_host_stack_s_own_launcher_starts_on_both_nodes(sandbox: Sandbox, stack: str) -> None:
    launch = ("salloc", "--quiet", "-N2", "-n2", f"/opt/hpc/{stack}/bin/mpirun", "hostname")
    done = sandbox.exec(*launch)
    assert done.returncode == 0, done.stderr
    seen = sorted(done.stdout.split())
    assert seen == ["n1", "n2"]


def test_hpcrun_on_the_login_node_is_the_one_that_runs_here(sandbox: Sandbox) -> None:
    assert sandbox.hpcrun("--version").stdout == run_hpcrun("--version").stdout
    assert sandbox.exec("hpcrun", "--version", node="n1").returncode == 127


def test_profile_outside_is_valid_and_names_what_the_cluster_is(sandbox: Sandbox) -> None:
    site = find_site(str(sandbox.profile), environment={})
    types = sandbox.exec("srun", "--mpi=list").stdout.replace(":", " ").split()
    prefix = site.access.prefix
    assert prefix is not None
    assert prefix[-5:] == ("sandbox", "exec", "--name", sandbox.name, "--")
    assert site.scheduler.mpi_types != "unknown"
    for kind in site.scheduler.mpi_types:
        assert kind in types
    assert site.partitions["main"].nodes == len(sandbox.nodes)
    assert site.filesystems.shared == (sandbox.share, Path("/home", sandbox.user))
    slurm = sandbox.exec("srun", "--version").stdout.split()[1]
    apptainer = sandbox.exec("apptainer", "--version").stdout.split()[2]
    assert site.scheduler.version == slurm
    assert site.runtime.version == apptainer.partition("-")[0]
    for stack in site.mpi_stacks.values():
        assert sandbox.exec("test", "-d", f"{stack.prefix}/lib", node="n1").returncode == 0


def test_profile_inside_says_that_one_is_there(sandbox: Sandbox) -> None:
    text = sandbox.exec("sh", "-c", "cat /etc/hpcrun/sites/$HPCRUN_SITE.yaml").stdout
    assert "access: local\n" in text
    assert f"name: {sandbox.name}\n" in text
