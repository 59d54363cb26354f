"""Slurm's variables of the caller do not reach Slurm's commands."""

from hpcrun.store.command_environment import (
    local_environment,
    prefix_environment,
    ssh_environment,
)

CALLER = {
    "PATH": "/bin",
    "HOME": "/home/anna",
    "SLURM_CONF": "/etc/slurm.conf",
    "SBATCH_ACCOUNT": "other",
    "SLURM_JOB_ID": "7",
    "SQUEUE_FORMAT": "%i",
    "LD_PRELOAD": "/tmp/x.so",
    "HPCRUN_SANDBOX_DIR": "/data/sandbox",
}


def test_local_environment_is_a_short_list() -> None:
    assert local_environment(CALLER) == {
        "PATH": "/bin",
        "HOME": "/home/anna",
        "SLURM_CONF": "/etc/slurm.conf",
        "LC_ALL": "C",
    }


def test_prefix_environment_loses_only_slurms_variables() -> None:
    kept = prefix_environment(CALLER)
    assert set(CALLER) - set(kept) == {"SBATCH_ACCOUNT", "SLURM_JOB_ID", "SQUEUE_FORMAT"}


def test_ssh_environment_holds_nothing_that_a_site_could_be_sent() -> None:
    caller = {**CALLER, "SSH_AUTH_SOCK": "/run/agent", "LC_ALL": "de_DE", "TOKEN": "secret"}
    assert ssh_environment(caller) == {
        "PATH": "/bin",
        "HOME": "/home/anna",
        "SSH_AUTH_SOCK": "/run/agent",
        "LC_ALL": "C",
    }
