"""A job in a folder, as hpcrun submits it by one of the ways that lead to the sandbox."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hpcrun.resources import package_folder
from tests.sandbox_fixture import Sandbox, run_hpcrun

LIMITS = "resources: {memory_per_node: 100 MiB, walltime: 5 min}\n"


class JobFolder:
    """A folder with a job file, and hpcrun in it, reaching the site by one way."""

    def __init__(self, sandbox: Sandbox, folder: Path, image: Path, way: str) -> None:
        self.sandbox, self.folder, self.image, self.way = sandbox, folder, image, way
        site = {"prefix": sandbox.profile}.get(way, sandbox.ssh_profile)
        self.site = () if way == "local" else ("--site", str(site))

    def write(self, name: str, text: str) -> None:
        if self.way == "away":
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
            return
        script = 'mkdir -p "$(dirname "$0")" && cat >"$0"'
        done = self.sandbox.exec("sh", "-c", script, str(self.folder / name), stdin=text)
        assert done.returncode == 0, done.stderr

    def job(self, command: Sequence[str], rest: str = "") -> None:
        head = f"version: 1\nname: trip\nimage: {json.dumps(str(self.image))}\n"
        self.write("job.yaml", f"{head}command: {json.dumps(command)}\n{LIMITS}{rest}")

    def hpcrun(self, *argv: str, expect: int = 0, stderr: str = "") -> str:
        """Run hpcrun; its output, or what it complained about where that is asked for."""
        if self.way == "local":
            done = self.sandbox.hpcrun(*argv, folder=self.folder)
        else:
            done = run_hpcrun(*argv, folder=self.folder)
        assert done.returncode == expect, done.stdout + done.stderr
        assert stderr in done.stderr
        return done.stdout

    def submit(self, *options: str, expect: int = 0, stderr: str = "") -> str:
        argv = ("submit", "job.yaml", *self.site, *options)
        return self.hpcrun(*argv, expect=expect, stderr=stderr)

    def json(self, command: str, *argv: str, expect: int = 0) -> dict[str, Any]:
        """What a command prints with --json, held against its shipped schema."""
        if command == "submit":
            argv = ("job.yaml", *self.site, *argv)
        result: dict[str, Any] = json.loads(self.hpcrun(command, *argv, "--json", expect=expect))
        file = {"cancel": "status"}.get(command, command)
        schema = json.loads((package_folder("schemas") / f"{file}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(result)
        return result

    def runs(self) -> list[Path]:
        return sorted((self.folder / ".hpcrun" / "runs").glob("[!.]*"))


@pytest.fixture(autouse=True)
def _own_notes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what hpcrun notes of runs that it sends out of the person's own state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def away(sandbox: Sandbox, images: Mapping[str, Path]) -> Iterator[JobFolder]:
    """A folder that the sandbox does not see, with the image in it."""
    folder = Path(tempfile.mkdtemp(prefix="hpcrun-away-"))
    image = folder / images["nompi"].name
    shutil.copy2(images["nompi"], image)
    yield JobFolder(sandbox, folder, image, "away")
    shutil.rmtree(folder)
    sandbox.exec("rm", "-rf", f"/home/{sandbox.user}/.hpcrun")
