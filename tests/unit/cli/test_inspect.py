"""`hpcrun inspect`: pages, JSON that holds to its schema, exit codes."""

import json
from pathlib import Path

import jsonschema
import pytest

from hpcrun import resources
from hpcrun.cli.main import main
from hpcrun.errors import ExitCode
from tests.fakes import mpi_files
from tests.fakes.sif_builder import build_sif
from tests.fakes.squashfs_builder import File, build_squashfs


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a SIF with one program."""
    tree = {"usr": {"bin": {"app": File(mpi_files.program("libmpi.so.40"))}}}
    path = tmp_path / "image.sif"
    path.write_bytes(build_sif(build_squashfs(tree)))
    return path


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return a host stack."""
    folder = tmp_path / "stack" / "lib"
    folder.mkdir(parents=True)
    (folder / "libmpi.so.40").write_bytes(mpi_files.open_mpi("4.1.8", needed=()))
    return folder.parent


@pytest.fixture
def useless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds nothing to inspect."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.sif").write_text("just text" * 50)
    (tmp_path / "empty").mkdir()
    return tmp_path


def check_schema(document: object, name: str) -> None:
    schema = json.loads((resources.package_folder("schemas") / f"{name}.json").read_text())
    jsonschema.validate(document, schema)


def test_inspect_image_shows_the_page(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(image), "--for", "app --fast 'a b'"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "libmpi.so.40: /usr/bin/app" in shown
    assert "runs app: /usr/bin/app (the command)" in shown


def test_inspect_image_json_holds_to_its_schema(
    image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(image), "--for", "app", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    check_schema(document, "image-passport")
    assert document["program"]["path"] == "/usr/bin/app"


def test_inspect_host_shows_page_and_json(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--host", str(prefix)]) == ExitCode.OK
    assert "Open MPI 4.1.8" in capsys.readouterr().out
    assert main(["inspect", "--host", str(prefix), "--json"]) == ExitCode.OK
    check_schema(json.loads(capsys.readouterr().out), "stack-passport")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], ExitCode.USAGE, "name either an image"),
        (["x.sif", "--host", "."], ExitCode.USAGE, "name either an image"),
        (["x.sif", "--for", "'open"], ExitCode.USAGE, "is not a command"),
        (["x.sif", "--for", ""], ExitCode.USAGE, "names no command"),
        (["none.sif"], ExitCode.NO_INPUT, "there is no image"),
        (["docker://debian"], ExitCode.NO_INPUT, "help: fetch it first: `apptainer pull"),
        (["--host", "none"], ExitCode.NO_INPUT, "no folder at"),
        (["text.sif"], ExitCode.INPUT, "is not an image that hpcrun knows"),
        (["--host", "empty"], ExitCode.INPUT, "no MPI library below"),
    ],
)
@pytest.mark.usefixtures("useless")
def test_inspect_of_what_cannot_be_read_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: ExitCode, said: str
) -> None:
    assert main(["inspect", *arguments]) == code
    assert said in capsys.readouterr().err
