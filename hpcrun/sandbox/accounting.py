"""Slurm's accounting: what a sandbox that has it is made of and told; starts nothing.

slurmdbd and its database run on the login node (inside/accounting.sh); the records lie in the
folder of the sandbox.
"""

from hpcrun.sandbox.versions import SandboxVersion

FOLDER = "accounting"
"""Where the records lie in the folder of the sandbox."""

QUESTION = ("sacct", "--noheader", "--allocations")
"""What can be answered once the records can be read."""


def add_packages(version: SandboxVersion) -> SandboxVersion:
    """Return the version with what accounting needs, which makes a root file system of its own."""
    packages = (*version.packages, *version.accounting_packages)
    return version.model_copy(update={"packages": packages})


def slurm_settings(host: str) -> dict[str, str]:
    """Return what slurm.conf says in a sandbox whose slurmdbd runs on that node."""
    return {
        "AccountingStorageType": "accounting_storage/slurmdbd",
        "AccountingStorageHost": host,
    }


def format_slurmdbd_conf(version: SandboxVersion, common: str, *, host: str) -> str:
    """Write slurmdbd's configuration: what all sandboxes have in common, and this one's own."""
    return common + f"AuthType=auth/{version.auth}\nDbdHost={host}\n"
