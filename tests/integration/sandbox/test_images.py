"""Apptainer in the sandbox: images are built and run by the job user, without root."""

from pathlib import Path

import pytest

from tests.sandbox_fixture import Sandbox

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

# A root file system of a few programs of the node itself, so that nothing has to be fetched.
MAKE_IMAGE = """
set -e
mkdir root && cd root
mkdir bin dev etc home proc sys tmp usr var
: > etc/passwd; : > etc/group
for program in sh cat hostname id; do cp -L "$(command -v $program)" bin/; done
for library in $(ldd bin/* | grep -o '/lib[^ ]*' | sort -u); do
    mkdir -p ".$(dirname $library)"; cp -L "$library" ".$library"
done
cd .. && apptainer build --force tiny.sif root
"""


def test_image_is_built_and_runs_on_both_nodes_as_the_job_user(
    sandbox: Sandbox, shared_folder: Path
) -> None:
    built = sandbox.exec("sh", "-c", MAKE_IMAGE, folder=shared_folder)
    assert built.returncode == 0, built.stderr
    image = shared_folder / "tiny.sif"
    assert image.stat().st_uid == sandbox.uid_outside

    script = "echo $(hostname) $(id -u); echo $(hostname) > made-on-$(hostname)"
    argv = ("srun", "-N2", "apptainer", "exec", "--bind", str(shared_folder))
    done = sandbox.exec(
        *argv,
        "--pwd",
        str(shared_folder),
        str(image),
        "/bin/sh",
        "-c",
        script,
        folder=shared_folder,
    )
    assert done.returncode == 0, done.stderr
    assert [f"n1 {sandbox.uid}", f"n2 {sandbox.uid}"] == sorted(done.stdout.splitlines())
    for node in sandbox.nodes:
        made = shared_folder / f"made-on-{node}"
        assert (f"{node}\n", sandbox.uid_outside) == (made.read_text(), made.stat().st_uid)


def test_image_may_have_a_pid_namespace_of_its_own(sandbox: Sandbox, shared_folder: Path) -> None:
    """Only where the node sees one /proc that nothing is mounted over (node.sh)."""
    built = sandbox.exec("sh", "-c", MAKE_IMAGE, folder=shared_folder)
    assert built.returncode == 0, built.stderr
    image = str(shared_folder / "tiny.sif")
    done = sandbox.exec("apptainer", "exec", "--pid", image, "/bin/sh", "-c", "echo $$")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50
