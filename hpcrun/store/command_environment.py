"""Which variables of the caller a command at the site gets; does not run commands."""

from collections.abc import Mapping

LOCAL_NAMES = frozenset(
    {
        "HOME", "KRB5CCNAME", "LOGNAME", "PATH", "SHELL", "SLURM_CONF", "TMPDIR", "TZ", "USER",
        "XDG_RUNTIME_DIR",
    }
)  # fmt: skip
"""sbatch hands its environment to the batch shell (`--export=ALL`), so it gets a short list:
what finds programs, Slurm and the user. Above all no SBATCH_…, which would override the script
(src/sbatch/opt.c, Slurm 24.11), and no SLURM_… of a job in which hpcrun itself may run."""

_SSH_NAMES = (LOCAL_NAMES - {"SLURM_CONF", "TZ"}) | {"SSH_AUTH_SOCK"}
"""What ssh needs to find keys and agents; what is more, a person's `SendEnv` could pass on."""

_SLURM_PREFIXES = ("SBATCH_", "SLURM_", "SRUN_", "SQUEUE_", "SCANCEL_", "SACCT_", "SALLOC_")


def local_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command that runs here."""
    kept = {name: value for name, value in caller.items() if name in LOCAL_NAMES}
    return {**kept, "LC_ALL": "C"}


def prefix_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a site's command prefix, which may need anything but Slurm's."""
    kept = {
        name: value
        for name, value in caller.items()
        if name == "SLURM_CONF" or not name.startswith(_SLURM_PREFIXES)
    }
    return {**kept, "LC_ALL": "C"}


def ssh_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of ssh, of which nothing is for the site."""
    kept = {name: value for name, value in caller.items() if name in _SSH_NAMES}
    return {**kept, "LC_ALL": "C"}
