"""Programs for the nodes of every version, with the C library that they need; runs none of them."""

from pathlib import Path

from hpcrun.sandbox import rootfs, versions
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.progress import Progress

PLACE_INSIDE = "/opt/tools"
PYTHON_INSIDE = f"{PLACE_INSIDE}/usr/bin/python3"


def recipe() -> tuple[str, ...]:
    """Return everything that the result depends on, except when and from where it is fetched."""
    return tools_command(Path("/target"), mirror=None)


def build_tools(maps: IdMaps, target: Path, progress: Progress, *, mirror: str | None) -> None:
    """Make the folder that all nodes see as `PLACE_INSIDE`."""
    progress.step("making Apptainer and Python for the nodes with mmdebstrap")
    argv = tools_command(target, mirror=mirror, apt_options=rootfs.read_apt_proxies())
    rootfs.run_mmdebstrap(argv, target, maps, progress, mirror=mirror)


def tools_command(
    target: Path, *, mirror: str | None, apt_options: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Compose the command line; packages are unpacked only, as nothing runs in this folder."""
    row = versions.tools()
    sid = rootfs.hook("recipe-sid.sh", *row.from_sid)
    finish = rootfs.hook("recipe-tools.sh", PLACE_INSIDE, f"python{row.python}", *row.from_sid)
    return (
        *rootfs.common_options(apt_options),
        "--variant=extract",
        f"--include={','.join((*row.packages, *row.from_sid))}",
        f"--setup-hook={sid}",
        f"--extract-hook={finish}",
        row.suite,
        str(target),
        *([mirror] if mirror else []),
    )
