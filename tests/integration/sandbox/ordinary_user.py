"""People of this machine besides root, each with a home, hpcrun and ids; starts no sandbox."""

import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_fixture import CHECKOUT

MAIN = "from hpcrun.cli.main import main; raise SystemExit(main())"
PARTS = """
import json
from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.parts import part_names
from hpcrun.sandbox.versions import default_version
who = find_identity()
names = [*vars(part_names(default_version(), who)).values()]
print(json.dumps({"names": names, "uids": who.maps.uids, "gids": who.maps.gids}))
"""
INHERITED = re.compile(r"PIP_\w+|\w+_proxy|SSL_CERT_\w+|REQUESTS_CA_BUNDLE", re.IGNORECASE)


@dataclass(frozen=True)
class OrdinaryUser:
    """Somebody else on this machine, who has hpcrun in the home folder."""

    name: str
    uid: int
    gid: int
    home: Path
    python: str

    @property
    def state(self) -> Path:
        return self.home / "state"

    def run(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {name: text for name, text in os.environ.items() if INHERITED.fullmatch(name)}
        environment |= {
            "HOME": str(self.home),
            "USER": self.name,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self.home / "code"),
            "HPCRUN_SANDBOX_DIR": str(self.state),
        }
        return subprocess.run(
            [*_as_user(self.uid, self.gid), *argv],
            env=environment,
            cwd=folder or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def hpcrun(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.run(self.python, "-c", MAIN, *argv, folder=folder)

    def exec(self, *argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.hpcrun("sandbox", "exec", "--", *argv, folder=folder)


def _as_user(uid: int, gid: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--")


@contextmanager
def made_user(name: str, *, home_mode: int = 0o700) -> Iterator[OrdinaryUser]:
    """Make a user with a home folder, and remove both afterwards."""
    home = Path("/var/tmp", name)
    subprocess.run(["userdel", name], capture_output=True, check=False)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run(["useradd", "--create-home", "--home-dir", str(home), name], check=True)
    try:
        found = pwd.getpwnam(name)
        home.chmod(home_mode)
        _lay_out_code(home / "code")
        for here, _, files in os.walk(home):
            for path in (Path(here), *(Path(here, file) for file in files)):
                os.chown(path, found.pw_uid, found.pw_gid)
        python = _find_python(found.pw_uid, found.pw_gid)
        yield OrdinaryUser(name, found.pw_uid, found.pw_gid, home, python)
    finally:
        shutil.rmtree(home)
        subprocess.run(["userdel", name], check=True)


def _lay_out_code(target: Path) -> None:
    """Copy hpcrun and what it needs, as this user's Python may lie where nobody else can go."""
    for name in ("hpcrun", "templates", "site_profiles"):
        shutil.copytree(CHECKOUT / name, target / name)
    shutil.copy(CHECKOUT / "pyproject.toml", target)
    import tomllib

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for name in _with_needs({"pip", *map(_bare, project["dependencies"])}):
        for file in metadata.distribution(name).files or ():
            source, place = Path(str(file.locate())), target / file
            if ".." not in file.parts and source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)


def _with_needs(names: set[str]) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        needs = metadata.requires(name) or ()
        names |= {_bare(need) for need in needs if "extra ==" not in need} - found
        names = {each for each in names if _is_installed(each)}
    return found


def _bare(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _find_python(uid: int, gid: int) -> str:
    """Find a Python like this one that the user may run."""
    ask = "import sys; print(sys.version_info[:2])"
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info[1]}")
    for candidate in (str(base), "/usr/bin/python3"):
        # The shell has lost root's rights when it looks for the program, setpriv has not.
        argv = [*_as_user(uid, gid), "sh", "-c", 'exec "$0" -c "$1"', candidate, ask]
        told = subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False)
        if told.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    pytest.skip("no Python of this version that another user may run")


def hand_over_cache(giver: OrdinaryUser, taker: OrdinaryUser) -> None:
    """Give one user what the other has built, as it would be with the taker's ids."""
    given, taken = ask_parts(giver), ask_parts(taker)
    cache = taker.state / "cache"
    cache.mkdir(mode=0o700, parents=True)
    for old, new in zip(given["names"], taken["names"], strict=True):
        copy = ("cp", "-a", "--no-preserve=links", str(giver.state / "cache" / old))
        subprocess.run([*copy, str(cache / new)], check=True)
        for file in [cache / new, *(cache / new).rglob("*")]:
            found = file.lstat()
            uid = _translate(found.st_uid, given["uids"], taken["uids"])
            gid = _translate(found.st_gid, given["gids"], taken["gids"])
            os.chown(file, uid, gid, follow_symlinks=False)
            if not file.is_symlink():
                # A new owner has cost it what it may do as another.
                file.chmod(stat.S_IMODE(found.st_mode))
    for folder in (taker.state, cache):
        os.chown(folder, taker.uid, taker.gid)


def ask_parts(user: OrdinaryUser) -> dict[str, Any]:
    """Return what the user's sandboxes are made of, and who is who in them."""
    told = user.run(user.python, "-c", PARTS)
    assert told.returncode == 0, told.stderr
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def _translate(own: int, given: list[list[int]], taken: list[list[int]]) -> int:
    """Return the taker's id of who is that one in the giver's map."""
    pairs = zip(given, taken, strict=True)
    return next(new + own - old for (_, old, n), (_, new, _) in pairs if old <= own < old + n)
