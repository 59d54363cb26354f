import json
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import jsonschema
import pytest

from hpcrun import __version__, resources
from hpcrun.cli import main as main_module
from hpcrun.cli.main import COMMANDS, main
from hpcrun.errors import HpcrunError, InputError

FOLDER = Path(main_module.__file__).parent


@pytest.fixture
def boom() -> Iterator[list[Any]]:
    """Put a command `help` in the place of the real one; it raises or returns what is listed."""
    outcome: list[Any] = []
    module = ModuleType("hpcrun.cli.help")
    module.__spec__ = ModuleSpec("hpcrun.cli.help", None)

    @click.command("help")
    @click.option("--json", is_flag=True)
    @click.option("--number", type=int)
    @click.argument("words", nargs=-1)
    @click.pass_context
    def command(context: click.Context, /, **_options: Any) -> Any:
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        if callable(outcome[0]):
            return outcome[0](context)
        return outcome[0]

    module.command = command  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "hpcrun.cli.help", module)
        yield outcome


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"hpcrun {__version__}\n"


def module(command: str) -> Path:
    return FOLDER / f"{command.replace('-', '_')}.py"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_all_commands_that_are_there(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option]) == 0
    shown = capsys.readouterr().out
    there = [name for name in COMMANDS if module(name).exists()]
    listed = [line.split()[0] for line in shown.split("Commands:\n")[1].splitlines()]
    assert there == listed


@pytest.mark.parametrize("name", [n for n in COMMANDS if module(n).exists()])
def test_listed_command_loads_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: hpcrun {name} ")


def test_command_modules_are_all_listed() -> None:
    commands = {
        path.stem.replace("_", "-")
        for path in FOLDER.glob("*.py")
        if "@click.command(" in path.read_text() or "@click.group(" in path.read_text()
    }
    assert commands - set(COMMANDS) == {"main"}


def test_no_arguments_show_the_help_as_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 64
    captured = capsys.readouterr()
    assert (captured.out, "Commands:" in captured.err) == ("", True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submti"], "no such command `submti`"),
        (["--colour"], "no such option `--colour`"),
        (["help", "--colour"], "no such option `--colour`"),
        (["help", "--number", "x"], "invalid value for `--number`: `x` is not a valid integer"),
    ],
)
def test_wrong_usage_ends_with_64(
    arguments: list[str], message: str, boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert "--help` shows how it is used" in captured.err


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (None, 0),
        (0, 0),
        (1, 1),
        pytest.param(lambda context: context.exit(17), 17, id="exit"),
        pytest.param(lambda context: context.abort(), 130, id="abort"),
        (KeyboardInterrupt(), 130),
        (click.FileError("a", "gone"), 66),
        *((error("no"), error.exit_code) for error in HpcrunError.__subclasses__()),
    ],
    ids=str,
)
def test_outcome_of_a_command_gives_the_exit_code(outcome: Any, code: int, boom: list[Any]) -> None:
    boom.append(outcome)
    assert main(["help"]) == code


def test_error_goes_to_stderr(boom: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    boom.append(InputError("`a` is wrong", help=["mend it"]))
    assert main(["help"]) == 65
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: `a` is wrong\nhelp: mend it\n")


def test_error_is_told_as_json_where_that_is_asked_for(
    boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    boom.append(InputError("`a` is wrong", help=["mend it"]))
    assert main(["help", "--json"]) == 65
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told == {
        "version": 1,
        "error": {"message": "`a` is wrong", "help": ["mend it"], "exit_code": 65},
        "diagnostics": [],
    }
    schema = json.loads((resources.package_folder("schemas") / "error.json").read_text())
    jsonschema.validate(told, schema)
    assert captured.err.startswith("error: `a` is wrong")


def test_json_after_two_dashes_is_not_ours(
    boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    boom.append(InputError("no"))
    main(["help", "--", "--json"])
    assert capsys.readouterr().out == ""


def test_diagnostics_of_a_file_are_told_as_json(
    tmp_path: Path, boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from hpcrun.loading import load_job

    (tmp_path / "job.yaml").write_text("version: 1\n")
    boom.append(lambda _: load_job(tmp_path / "job.yaml"))
    assert main(["help", "--json"]) == 65
    told = json.loads(capsys.readouterr().out)
    schema = json.loads((resources.package_folder("schemas") / "error.json").read_text())
    jsonschema.validate(told, schema)
    assert [d["code"] for d in told["diagnostics"]] == ["HPR006"] * 3


def test_bug_says_so_and_keeps_its_traceback(
    tmp_path: Path, boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    boom.append(RuntimeError("oh\nno"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path))
        assert main(["help"]) == 70
    message, report, again = capsys.readouterr().err.splitlines()
    assert message == f"error: this is a bug in hpcrun {__version__}: RuntimeError: oh"
    kept = Path(report.removeprefix("help: report it with the traceback in "))
    assert "RuntimeError: oh\nno" in kept.read_text()
    assert again == "help: again with traceback: HPCRUN_TRACEBACK=1 hpcrun help"


def test_bug_shows_its_traceback_on_request(
    boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    boom.append(RuntimeError("oh"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPCRUN_TRACEBACK", "1")
        assert main(["help"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_bug_that_cannot_be_kept_is_told_all_the_same(
    boom: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    boom.append(RuntimeError("oh"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", "/none")
        assert main(["help"]) == 70
    assert "what it prints with HPCRUN_TRACEBACK=1" in capsys.readouterr().err


def test_closed_pipe_is_no_failure(boom: list[Any]) -> None:
    boom.append(BrokenPipeError())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "dup2", lambda *_: None)
        assert main(["help"]) == 141


@pytest.mark.parametrize("page", ["architecture"])
def test_help_prints_pages(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", page]) == 0
    path = resources.package_folder("pages") / f"{page}.md"
    assert capsys.readouterr().out == path.read_text(encoding="utf-8")


def test_help_lists_topics(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert "architecture     Architecture: the house\n" in capsys.readouterr().out


def test_help_of_a_command_is_the_commands_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "status"]) == 0
    assert capsys.readouterr().out.startswith("Usage: hpcrun status ")


@pytest.mark.parametrize("topic", ["none", "../main", "rules/HPR001", ""])
def test_topic_that_is_not_there_is_missing(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", topic]) == 66
    assert f"there is no topic `{topic}`" in capsys.readouterr().err
