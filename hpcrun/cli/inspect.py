"""`hpcrun inspect`: the passport of an image or of a host's MPI stack; runs neither."""

import shlex
from pathlib import Path

import click

from hpcrun.cli.run_options import json_option
from hpcrun.errors import UsageError


@click.command("inspect")
@click.argument("image", type=click.Path(path_type=Path), required=False)
@click.option("--for", "for_command", metavar="CMD", help="Look up this command in the image.")
@click.option(
    "--host",
    "prefix",
    type=click.Path(path_type=Path),
    metavar="PREFIX",
    help="Inspect an MPI installation of this host instead of an image.",
)
@json_option
def command(
    image: Path | None, *, for_command: str | None, prefix: Path | None, as_json: bool
) -> None:
    """Say what IMAGE, a SIF file or an unpacked image's folder, holds: processor, C library, MPI.

    It is read, never run; neither Apptainer nor the network is needed.
    """
    if (image is None) == (prefix is None):
        raise UsageError("name either an image or `--host PREFIX`")
    if prefix is not None:
        _show_stack(prefix, as_json=as_json)
    elif image is not None:
        _show_image(image, for_command, as_json=as_json)


def _show_image(image: Path, for_command: str | None, *, as_json: bool) -> None:
    from hpcrun.app.inspect import inspect
    from hpcrun.report.passport import format_image

    facts = inspect(image, command=_argv(for_command))
    click.echo(facts.model_dump_json(indent=2) if as_json else format_image(facts), nl=as_json)


def _show_stack(prefix: Path, *, as_json: bool) -> None:
    from hpcrun.app.inspect import inspect_host
    from hpcrun.report.passport import format_stack

    facts = inspect_host(prefix)
    click.echo(facts.model_dump_json(indent=2) if as_json else format_stack(facts), nl=as_json)


def _argv(text: str | None) -> tuple[str, ...] | None:
    try:
        return tuple(shlex.split(text)) if text else None
    except ValueError as exc:
        raise UsageError(f"`--for {text}` is not a command: {str(exc).lower()}") from exc
