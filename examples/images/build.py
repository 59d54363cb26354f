#!/usr/bin/env python3
"""Make the images of the examples: root file system by mmdebstrap, wheels by pip, SIF by Apptainer.

    python3 build.py openmpi mpich        # into the shared folder of the sandbox

Where this machine has no Apptainer, the last step runs on the login node of the sandbox, as the
job's user. Images are kept by a hash of their recipe, so that a second call takes a second. Does
not start a sandbox, and needs no root.
"""

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.append(str(CHECKOUT))  # for a Python in which hpcrun is not installed

from hpcrun.sandbox.cache import SCRATCH, find_scratch  # noqa: E402
from hpcrun.sandbox.places import state_root  # noqa: E402
from hpcrun.sandbox.rootfs import (  # noqa: E402
    mmdebstrap_environment,
    read_apt_proxies,
    read_mirror,
)
from hpcrun.sandbox.wheels import find_pip  # noqa: E402

AT_A_TIME = 2  # each has stretches of one thread, and of waiting for the archive
HPCRUN = (sys.executable, "-m", "hpcrun")
PLACE_OF_WHEELS = "/usr/local/lib/python{python}"
WHEELS = "dist-packages"  # where Debian's Python looks for what Debian did not bring
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}
OLDEST_GLIBC_MINOR, NEWEST_GLIBC_MINOR = 17, 41  # what wheels are built for; what trixie has

# Where Apptainer is, the job's user may be another than the caller: so the one works in folders
# that the other cannot change, and only bytes pass between them.
# Device nodes cannot be made by an ordinary user, and a runtime mounts its own. The options for apt
# that mmdebstrap leaves are proxies, with passwords perhaps.
PACK = """
set -eu
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
mkdir "$work/root"
tar -x -C "$work/root" --exclude='./dev/*' --exclude='./etc/apt/apt.conf.d/99mmdebstrap'
apptainer --quiet build "$work/image.sif" "$work/root" >&2
cat "$work/image.sif"
"""
PLACE = """
set -eu
part=$1.part-$$
trap 'rm -f "$part"' EXIT
cat >"$part"
touch -d "@$2" "$part"
mv -f "$part" "$1"
"""


def main():
    os.umask(0o022)  # what a job reads in the image must be readable to it
    arguments = parse_arguments()
    rows = read_rows((HERE / "images.toml").read_text())
    for name in set(arguments.names) - set(rows):
        sys.exit(f"error: there is no image `{name}`; there are {', '.join(rows)}")
    via = shlex.split(arguments.via) if arguments.via is not None else find_apptainer(arguments)
    target = (arguments.to or read_share(arguments.sandbox) / "images").absolute()
    cache = (arguments.cache or state_root() / "cache" / "images").absolute()
    cache.mkdir(parents=True, exist_ok=True)
    if not target.is_dir():
        run([*via, "mkdir", "-p", str(target)])  # by the job's user, who will write there

    def provide(name):
        kept = cache / f"{name}-{recipe_key(rows[name])}.sif"
        if not kept.exists():
            build(name, rows[name], kept, via)
        return copy(kept, target / f"{name}.sif", via)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for image in pool.map(provide, arguments.names):
            print(image)


def copy(kept, image, via):
    """Copy an image, unless it is there already; a job may be reading an older one."""
    old, new = image.lstat() if os.path.lexists(image) else None, kept.stat()
    if old is None or (old.st_size, old.st_mtime_ns) != (new.st_size, new.st_mtime_ns):
        seconds, nanoseconds = divmod(new.st_mtime_ns, 10**9)
        moment = f"{seconds}.{nanoseconds:09}"
        with kept.open("rb") as source:
            run([*via, "sh", "-c", PLACE, "place", str(image), moment], stdin=source)
    return image


def read_rows(text):
    """Return the recipe of each image by name: what all have in common, and what it says itself."""
    table = tomllib.loads(text)
    common = {key: value for key, value in table.items() if not isinstance(value, dict)}
    return {key: common | row for key, row in table.items() if isinstance(row, dict)}


def recipe_key(row):
    """Short name for everything that an image depends on, this file too, except when it is made."""
    text = json.dumps([row, Path(__file__).read_text()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build(name, row, kept, via):
    """Make one image and keep it."""
    started_s = time.monotonic()
    remove_killed(kept.parent)
    # Another build of the same may run beside this one.
    folder = kept.with_suffix(f".{os.getpid()}")
    folder.mkdir()
    scratch = make_scratch()
    try:
        say(f"{name}: fetching wheels")
        fetch_wheels(row, folder / WHEELS, scratch)
        say(f"{name}: making the root file system with mmdebstrap (Debian {row['suite']})")
        run(
            [*apart(), *mmdebstrap_command(row, folder)],
            environment=mmdebstrap_environment(os.environ) | {"TMPDIR": str(scratch)},
        )
        say(f"{name}: packing the image with apptainer build")
        with (folder / "root.tar").open("rb") as tar, (folder / "image.sif").open("wb") as image:
            run([*via, "sh", "-c", PACK], stdin=tar, stdout=image)
        (folder / "image.sif").rename(kept)
    finally:
        for made in (folder, scratch):
            shutil.rmtree(made, ignore_errors=True)
    size_mb = kept.stat().st_size / 1e6
    say(f"{name}: {size_mb:.0f} MB in {time.monotonic() - started_s:.0f} s")


def remove_killed(cache):
    """Remove what builds have left that were killed, as far as it is the caller's."""
    left = [each for each in cache.glob("*.[0-9]*") if not Path("/proc", each.suffix[1:]).exists()]
    for folder in (*left, *find_scratch()):
        shutil.rmtree(folder, ignore_errors=True)


def make_scratch():
    """Make the folder for files of pip and mmdebstrap, whose users with few rights may pass it."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}."))
    scratch.chmod(0o755)
    return scratch


def apart():
    """Return the words before mmdebstrap for mounts that go with it, however it ends.

    An ordinary user's has them in namespaces of its own anyway, root's in those of the machine.
    """
    return ["unshare", "--mount", "--"] if os.geteuid() == 0 else []


def fetch_wheels(row, folder, scratch):
    """Lay the wheels out for the Python of the image, whatever Python runs here."""
    folder.mkdir()
    if not row["wheels"]:
        return
    machine = MACHINE[row["arch"]]
    minors = range(NEWEST_GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1)
    tags = [f"--platform=manylinux_2_{minor}_{machine}" for minor in minors]
    run([
        *find_pip(), "install", "--quiet", "--no-input", "--disable-pip-version-check",
        "--no-cache-dir", "--no-compile", "--no-deps", "--only-binary=:all:",
        f"--python-version={row['python']}", *tags, f"--platform=manylinux2014_{machine}",
        "--target", str(folder), *row["wheels"],
    ], environment={**os.environ, "TMPDIR": str(scratch)})  # fmt: skip
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for tests in list(folder.glob("**/tests")):
        shutil.rmtree(tests, ignore_errors=True)


def mmdebstrap_command(row, folder):
    """As root or not: a tar can be written by both, with the owners that the files shall have."""
    foreign = row["arch"] != "amd64"
    place = PLACE_OF_WHEELS.format(**row)
    # Packages for another processor are unpacked only: nothing of them could run here, and so no
    # customize hooks come, and no script has made the files of users, which Apptainer looks for.
    when = "extract" if foreign else "customize"
    hooks = [
        f'--{when}-hook=mkdir -p "$1"{place}',
        f"--{when}-hook=copy-in {shlex.quote(str(folder / WHEELS))} {place}",
        '--extract-hook=touch "$1/etc/passwd" "$1/etc/group"'
        if foreign
        else f'--customize-hook=chroot "$1" python3 -m compileall -q {place}/{WHEELS}',
    ]
    mirror = read_mirror()
    return [
        "mmdebstrap", "--quiet", f"--variant={'extract' if foreign else 'minbase'}",
        f"--architectures={row['arch']}", f"--include={','.join(row['packages'])}",
        *(f"--aptopt={option}" for option in read_apt_proxies()),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in row["leave_out"]),
        *hooks, row["suite"], str(folder / "root.tar"), *([mirror] if mirror else []),
    ]  # fmt: skip


def find_apptainer(arguments):
    """Return the words before a command that lead to where `apptainer` is."""
    if shutil.which("apptainer"):
        return []
    return [*HPCRUN, "sandbox", "exec", "--name", arguments.sandbox, "--"]


def read_share(sandbox):
    """Ask the sandbox for the folder that it shares with this machine."""
    question = [*HPCRUN, "sandbox", "status", "--name", sandbox, "--json"]
    answer = run(question, stdout=subprocess.PIPE)
    share = json.loads(answer)["share"]
    if share is None:
        sys.exit(f"error: sandbox `{sandbox}` does not run: hpcrun sandbox up --name {sandbox}")
    return Path(share)


def run(argv, *, stdin=subprocess.DEVNULL, stdout=sys.stderr, environment=None):
    """Run a command, or end here; its folder is the checkout, so that it finds hpcrun too."""
    try:
        done = subprocess.run(
            argv, check=True, text=True, stdin=stdin, stdout=stdout, cwd=CHECKOUT, env=environment
        )
    except FileNotFoundError:
        sys.exit(f"error: `{argv[0]}` is not on PATH")
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: `{shlex.join(argv[:4])} …` ended with code {error.returncode}")
    return done.stdout


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help="rows of images.toml")
    parser.add_argument(
        "--to", type=Path, help="folder for NAME.sif (default: images/ in the share)"
    )
    parser.add_argument("--cache", type=Path, help="folder where finished images are kept")
    parser.add_argument(
        "--sandbox", default="sandbox", help="name of the sandbox (default sandbox)"
    )
    parser.add_argument("--via", help="words before a command that lead to where apptainer is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
