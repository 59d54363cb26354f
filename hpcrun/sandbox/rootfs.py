"""The nodes' root file system: made by mmdebstrap, without root where need be; does not keep it."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hpcrun import resources
from hpcrun.errors import HpcrunError, MissingInputError, UnavailableError, WriteError
from hpcrun.sandbox import cache, linux, namespace, reach
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.packages import read_versions
from hpcrun.sandbox.progress import Progress, follow_lines
from hpcrun.sandbox.versions import SandboxVersion

_LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OUT_OF_REACH = re.compile(
    r"could not (connect|resolve|handshake)|temporary failure|unable to connect|failed to fetch"
    r"|connection (refused|failed|timed out)",
    re.IGNORECASE,
)
# Said of an archive that answers: it has no such suite, or no such package in it.
_GONE = re.compile(
    r"does not have a release file|unable to locate package|has no installation candidate"
    r"|unmet dependencies",
    re.IGNORECASE,
)


def inside_folder() -> Path:
    """Scripts that run inside, or make what is inside."""
    return resources.package_folder("sandbox") / "inside"


def recipe(version: SandboxVersion) -> tuple[str, ...]:
    """Return everything that the result depends on, except when and from where it is fetched."""
    return mmdebstrap_command(version, Path("/target"), mirror=None)


def build_root(
    version: SandboxVersion, maps: IdMaps, target: Path, progress: Progress, *, mirror: str | None
) -> None:
    """Make the root file system in `target`."""
    progress.step(f"making the nodes' root file system (Debian {version.suite}) with mmdebstrap")
    argv = mmdebstrap_command(version, target, mirror=mirror, apt_options=read_apt_proxies())
    try:
        run_mmdebstrap(argv, target, maps, progress, mirror=mirror)
    except MissingInputError as error:
        raise _no_longer(version, error.message, *error.help) from error
    check_slurm(version, read_versions(target))


def check_slurm(version: SandboxVersion, installed: Mapping[str, str]) -> None:
    """Refuse a suite that has moved on to another Slurm; all that is known is about this one."""
    found = installed.get("slurmctld", "none")
    if not f"{found}.".startswith(f"{version.slurm}."):
        raise _no_longer(version, f"Debian {version.suite} has Slurm {found} now")


def _no_longer(version: SandboxVersion, why: str, *said: str) -> MissingInputError:
    """Say that the row of this version names what is not there; trying again would not help."""
    return MissingInputError(
        f"a sandbox can no longer have Slurm {version.slurm}: {why}",
        help=[
            "choose another one with --slurm",
            f"row `{version.slurm}` of hpcrun's sandbox/versions.yaml names suite "
            f"`{version.suite}`: a newer hpcrun may name another",
            *said,
        ],
    )


def run_mmdebstrap(
    argv: tuple[str, ...], target: Path, maps: IdMaps, progress: Progress, *, mirror: str | None
) -> None:
    """Run mmdebstrap as the root of namespaces of its own."""
    scratch = cache.scratch(target)
    scratch.mkdir(exist_ok=True)
    maps.give(scratch)
    if maps.is_privileged:
        target.mkdir()
        maps.give(target)
    environment = mmdebstrap_environment(os.environ) | {"TMPDIR": str(scratch)}
    lines: list[str] = []
    reading, writing = os.pipe()

    def body() -> None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("proc", "/proc", kind="proc")
        os.umask(0o022)
        os.chdir("/")
        os.execvpe(argv[0], argv, environment)  # noqa: S606

    places = (target, scratch)
    flags = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC
    try:
        keeper, _ = namespace.start(maps, flags, body, prepare=lambda: reach.show(places))
    finally:
        os.close(writing)
    try:
        follow_lines(reading, progress, lines.append)
    except BaseException:
        namespace.stop(keeper)
        raise
    finally:
        os.close(reading)
    if namespace.wait(keeper) != 0:
        raise explain_failure(lines, mirror)


def mmdebstrap_command(
    version: SandboxVersion,
    target: Path,
    *,
    mirror: str | None,
    apt_options: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Compose the command line for the nodes of a version."""
    return (
        *common_options(apt_options),
        "--variant=minbase",
        f"--include={','.join(version.packages)}",
        *(f"--aptopt={option}" for option in version.apt_options),
        *([f"--setup-hook={hook('recipe-merged-usr.sh')}"] if version.merges_usr else []),
        f"--customize-hook={hook('recipe-finish.sh')}",
        version.suite,
        str(target),
        *([mirror] if mirror else []),
    )


class Unpacked(NamedTuple):
    """Some files of a package, and of those that it needs; with the suite that has it."""

    suite: str
    package: str
    files: tuple[str, ...]


def unpack_command(
    wanted: Unpacked, target: Path, *, mirror: str | None, apt_options: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Compose the command line that unpacks files, and runs nothing of their package."""
    return (
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        "--variant=extract",
        f"--include={wanted.package}",
        '--aptopt=APT::Sandbox::User "root"',
        *(f"--aptopt={option}" for option in apt_options),
        "--dpkgopt=path-exclude=*",
        *(f"--dpkgopt=path-include=/{file}" for file in wanted.files),
        wanted.suite,
        str(target),
        *([mirror] if mirror else []),
    )


def hook(script: str, *arguments: str) -> str:
    """Compose a hook that has the script in it: root inside may not be able to read our files."""
    text = (inside_folder() / script).read_text()
    return f'{shlex.join(["sh", "-c", text, script])} "$1" {shlex.join(arguments)}'.rstrip()


def common_options(apt_options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the beginning of every command line: root inside the namespace, a folder, no texts."""
    return (
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        # The folder may lie below one that only its owner can enter, where user _apt cannot go.
        '--aptopt=APT::Sandbox::User "root"',
        *(f"--aptopt={option}" for option in apt_options),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT),
    )


def mmdebstrap_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Hand on the proxies and nothing else."""
    kept = {name: text for name, text in environment.items() if name.lower() in _PROXIES}
    return {"PATH": _PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **kept}


def read_mirror() -> str | None:
    """Address of the Debian archive in this machine's apt configuration, if it has one."""
    keys = ("REPO_URI", "RELEASE", "COMPONENT", "CREATED_BY", "ORIGIN", "LABEL")
    question = ("apt-get", "indextargets", "--format", "\t".join(f"$({key})" for key in keys))
    # Before the first `apt-get update` apt names only what does not depend on what it has fetched.
    text = _ask_apt(*question) or _ask_apt(*question, "--no-release-info")
    return choose_mirror(text, codename=_machine_codename())


def choose_mirror(index_targets: str, *, codename: str | None) -> str | None:
    """Pick the archive that carries Debian itself; None where that cannot be told.

    Where apt does not know origin and label the suite must bear the name of this machine's own.
    """
    unlabelled = None
    for line in index_targets.splitlines():
        address, suite, component, created_by, origin, label = (line.split("\t") + [""] * 6)[:6]
        if created_by != "Packages" or component != "main":
            continue
        if not address.startswith(("http://", "https://", "file:")):
            continue
        if (origin, label) == ("Debian", "Debian"):
            return address
        if origin in {"", "$(ORIGIN)"} and suite == codename:
            unlabelled = unlabelled or address
    return unlabelled


def read_apt_proxies() -> tuple[str, ...]:
    """Return the proxies of this machine's apt configuration, as apt options."""
    text = _ask_apt("apt-config", "dump", "--no-empty", "Acquire::http", "Acquire::https")
    return tuple(line.rstrip(";") for line in text.splitlines() if "proxy" in line.lower())


def _ask_apt(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _machine_codename() -> str | None:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return None
    facts = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return facts.get("VERSION_CODENAME") if facts.get("ID") == "debian" else None


def explain_failure(lines: list[str], mirror: str | None) -> HpcrunError:
    """Turn the last words of mmdebstrap into an error that says what to do."""
    text = "\n".join(lines)
    last = tuple(f"mmdebstrap said: {line}" for line in lines if line.startswith(("E:", "W:")))[-4:]
    archive = f"`{mirror}`" if mirror else "mmdebstrap's default archive"
    if "No space left on device" in text:
        return WriteError(
            "the disk is too full for the nodes' root file system",
            help=["make room, or set HPCRUN_SANDBOX_DIR to a folder on another disk", *last],
        )
    # What is out of reach is said first: behind a broken network everything seems to be gone.
    is_away = _OUT_OF_REACH.search(text) is not None
    if _GONE.search(text) and not is_away:
        return MissingInputError(
            f"the Debian archive ({archive}) answers, but has no such suite or packages", help=last
        )
    if is_away:
        return UnavailableError(
            f"the Debian archive ({archive}) is out of reach",
            help=[
                "check the network, the proxies (http_proxy, https_proxy) and the sources of apt",
                *last,
            ],
        )
    return UnavailableError(
        "mmdebstrap cannot make the nodes' root file system",
        help=last or tuple(f"mmdebstrap said: {line}" for line in lines[-4:]),
    )
