"""`hpcrun init`: a job file to begin with, or from an sbatch script."""

import os
import stat
import sys
from pathlib import Path

import click

from hpcrun.errors import WriteError


@click.command("init")
@click.option(
    "--from",
    "script",
    type=click.Path(path_type=Path),
    metavar="SCRIPT",
    help="Make the job of an sbatch script, which is read and not run.",
)
@click.option(
    "--output",
    "-o",
    default="job.yaml",
    metavar="FILE",
    help="Where to write it; `-` is standard output.",
)
def command(script: Path | None, *, output: str) -> None:
    """Write a small job.yaml to begin with, or one from an existing sbatch script.

    What of the script has no place in a job is told, and stands in the file as comments. A file
    that is there already is left as it is.
    """
    from hpcrun.app.new_job import convert_script, new_job
    from hpcrun.report.diagnostics import format_diagnostics
    from hpcrun.report.terminal import escape, wants_colour

    folder = Path(os.path.abspath(Path.cwd() if output == "-" else Path(output).parent))  # noqa: PTH100  links stay
    made = new_job()
    mode = 0o666
    if script is not None:
        made = convert_script(script, folder=folder, environment=os.environ)
        mode = _mode_beside(script)
    if output == "-":
        click.echo(made.text, nl=False)
    else:
        _write(Path(output), made.text, mode)
        shown = escape(output)
        click.echo(f"wrote {shown}; see what it comes to: hpcrun plan {shown}", err=True)
    if made.diagnostics:
        colour = wants_colour(sys.stderr, os.environ)
        click.echo(f"\n{format_diagnostics(made.diagnostics, colour=colour)}\n", err=True)


def _mode_beside(script: Path) -> int:
    """Return who may read a job: no more than its script, but who writes it may change it."""
    try:
        return stat.S_IMODE(script.stat().st_mode) & 0o666 | 0o600
    except OSError:
        return 0o600


def _write(path: Path, text: str, mode: int) -> None:
    """Write a new file, whole or not at all."""
    content = text.encode()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with open(handle, "wb") as stream:  # noqa: PTH123
                stream.write(content)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except FileExistsError as exc:
        raise WriteError(
            f"`{path}` is there already",
            help=("name another file: `--output FILE`", "or remove it first"),
        ) from exc
    except OSError as exc:
        raise WriteError(f"cannot write `{path}`: {exc.strerror}") from exc
