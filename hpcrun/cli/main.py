"""The command `hpcrun`: loads the subcommand that is called, and turns errors into exit codes.

Does no work of its own. Importing this is cheap: `--version` and `--help` load no other command.
"""

import errno
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec

import click

from hpcrun import __version__
from hpcrun.errors import ExitCode, HpcrunError, MissingInputError, UsageError, WriteError
from hpcrun.report.errors import error_to_json, format_error
from hpcrun.report.terminal import wants_colour

COMMANDS: Mapping[str, str] = {
    "init": "Write a job file, from an sbatch script if you have one.",
    "check": "Say all about a job, image or script, for any site.",
    "plan": "Decide how a job would run, and say why.",
    "why-not": "Say why not some other way, and what would help.",
    "render": "Print the script that would be submitted.",
    "submit": "Submit a job.",
    "status": "Say what has become of a run.",
    "list": "List runs.",
    "logs": "Print the output of a run.",
    "fetch": "Bring back what a job left at a site.",
    "cancel": "Cancel a run.",
    "inspect": "Show what an image or a host MPI stack holds, without running it.",
    "site": "Read, check and compare site profiles.",
    "explain": "Explain a rule by its code.",
    "sandbox": "Run a real Slurm cluster in a folder.",
    "help": "Read about a topic.",
}
"""All commands, in the order in which people meet them."""

_INTERRUPTED = 130
_PIPE_CLOSED = 141
"""128 + SIGPIPE, as a shell gives it: `hpcrun list | head -1` is no failure of hpcrun."""


class LazyGroup(click.Group):
    """A group whose commands are modules of hpcrun.cli, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands that this hpcrun has."""
        return [name for name in COMMANDS if _is_here(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS or not _is_here(cmd_name):
            return None
        module = import_module(_module(cmd_name))
        found: click.Command = getattr(module, "group", None) or module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


def _is_here(command: str) -> bool:
    return find_spec(_module(command)) is not None


def _module(command: str) -> str:
    return f"hpcrun.cli.{command.replace('-', '_')}"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hpcrun", message="%(prog)s %(version)s")
def cli() -> None:
    """Submit container jobs to HPC clusters: right on the first try, or refused with the reason.

    Start with `hpcrun plan job.yaml`; it changes nothing.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run hpcrun and give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given)
        sys.stdout.flush()
    except HpcrunError as error:
        code = _tell(error, given)
    except BrokenPipeError:
        code = _close_quietly()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = _tell(_no_room(error) if is_full else _bug(error, given), given)
    except Exception as error:  # noqa: BLE001 (the one broad catch of hpcrun)
        code = _tell(_bug(error, given), given)
    return code


def _run(arguments: list[str]) -> int:
    """Run click without its own exit codes: usage is 64 here, as sysexits.h has it."""
    try:
        with cli.make_context("hpcrun", list(arguments)) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return _INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.FileError as error:
        raise MissingInputError(_in_our_words(error)) from error
    except click.ClickException as error:
        raise UsageError(_in_our_words(error), help=[_usage_help(error)]) from error
    return result if isinstance(result, int) else ExitCode.OK


def _in_our_words(error: click.ClickException) -> str:
    text = error.format_message().replace("'", "`").rstrip(".")
    return text[:1].lower() + text[1:]


def _usage_help(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "hpcrun"
    return f"`{path} --help` shows how it is used"


def _tell(error: HpcrunError, arguments: list[str]) -> int:
    """Write an error to stderr and, for programs that asked for JSON, to stdout."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    try:
        if "--json" in own:
            print(json.dumps(error_to_json(error), indent=2), flush=True)
        colour = wants_colour(sys.stderr, os.environ)
        text = format_error(error, colour=colour, is_verbose="--verbose" in own)
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        return _close_quietly()
    return error.exit_code


def _close_quietly() -> int:
    """Keep Python from complaining at exit that its last words cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return _PIPE_CLOSED


def _no_room(error: OSError) -> HpcrunError:
    _close_quietly()
    return WriteError(f"cannot write: {error.strerror}", help=["make room, then try again"])


def _bug(error: Exception, arguments: list[str]) -> HpcrunError:
    """Say that it is our fault, and keep what is needed to mend it."""
    command = " ".join(["hpcrun", *arguments])
    told = "".join(traceback.format_exception(error))
    if os.environ.get("HPCRUN_TRACEBACK"):
        where = "the traceback above"
        print(told, file=sys.stderr, end="")
    else:
        where = _keep(f"hpcrun {__version__}, Python {sys.version}\n{command}\n\n{told}")
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    return HpcrunError(
        f"this is a bug in hpcrun {__version__}: {summary}",
        help=[f"report it with {where}", f"again with traceback: HPCRUN_TRACEBACK=1 {command}"],
    )


def _keep(text: str) -> str:
    """Write the traceback where it outlives this process."""
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="hpcrun-bug-",
            suffix=".txt",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as stream:
            stream.write(text)
    except OSError:
        return "what it prints with HPCRUN_TRACEBACK=1"
    return f"the traceback in {stream.name}"
