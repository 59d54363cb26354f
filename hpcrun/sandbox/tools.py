"""Programs for the nodes of every version, with the C library that they need; runs none of them."""

import shlex
from pathlib import Path

from hpcrun.sandbox import rootfs, versions
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.progress import Progress

PLACE_INSIDE = "/opt/tools"
PYTHON_INSIDE = f"{PLACE_INSIDE}/usr/bin/python3"
_SCRIPTS = ("recipe-sid.sh", "recipe-tools.sh")


def recipe() -> tuple[object, ...]:
    """Return everything that the result depends on, except when and from where it is fetched."""
    texts = [(rootfs.inside_folder() / name).read_text() for name in _SCRIPTS]
    return (*tools_command(Path("/target"), mirror=None, scripts=Path("/scripts")), *texts)


def build_tools(maps: IdMaps, target: Path, progress: Progress, *, mirror: str | None) -> None:
    """Make the folder that all nodes see as `PLACE_INSIDE`."""
    progress.step("making Apptainer and Python for the nodes with mmdebstrap")
    scripts, proxies = rootfs.inside_folder(), rootfs.read_apt_proxies()
    argv = tools_command(target, mirror=mirror, scripts=scripts, apt_options=proxies)
    rootfs.run_mmdebstrap(argv, maps, progress, mirror=mirror)


def tools_command(
    target: Path, *, mirror: str | None, scripts: Path, apt_options: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Compose the command line; packages are unpacked only, as nothing runs in this folder."""
    row = versions.tools()
    sid, finish = (shlex.join(["sh", str(scripts / name)]) for name in _SCRIPTS)
    return (
        *rootfs.common_options(apt_options),
        "--variant=extract",
        f"--include={','.join((*row.packages, *row.from_sid))}",
        f'--setup-hook={sid} "$1" {shlex.join(row.from_sid)}',
        f'--extract-hook={finish} "$1" {PLACE_INSIDE} python{row.python} '
        + shlex.join(row.from_sid),
        row.suite,
        str(target),
        *([mirror] if mirror else []),
    )
