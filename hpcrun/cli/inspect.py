"""`hpcrun inspect`: the passport of an image or of a host's MPI stack; runs neither."""

import shlex
from pathlib import Path
from typing import Any

import click

from hpcrun.cli.run_options import json_option
from hpcrun.cli.wire_cache import facts_cache
from hpcrun.errors import UsageError


@click.command("inspect")
@click.argument("image", type=click.Path(path_type=Path), required=False)
@click.option(
    "--for", "for_command", metavar="CMD", help="Say which MPI this command would use in the image."
)
@click.option(
    "--host",
    "prefix",
    type=click.Path(path_type=Path),
    metavar="PREFIX",
    help="Inspect an MPI installation of this host instead of an image.",
)
@click.option("--arch", metavar="ARCH", help="Which variant of a multi-architecture image.")
@click.option("--no-cache", is_flag=True, help="Read the image even if its passport is known.")
@json_option
def command(  # noqa: PLR0913  one parameter per option
    image: Path | None,
    *,
    for_command: str | None,
    prefix: Path | None,
    arch: str | None,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Say what IMAGE holds: processor, C library, MPI, and which of them a command would use.

    IMAGE is a SIF or squashfs file, an unpacked image's folder, an OCI layout, or an archive of
    docker. It is read, never run; neither Apptainer nor the network is needed.
    """
    if (image is None) == (prefix is None):
        raise UsageError("name either an image or `--host PREFIX`")
    if prefix is not None:
        _show_stack(prefix, as_json=as_json)
    elif image is not None:
        memory = None if no_cache else facts_cache()
        argv = _argv(for_command)
        _show_image(image, as_json=as_json, command=argv, arch=arch, memory=memory)


def _show_image(image: Path, *, as_json: bool, **options: Any) -> None:
    from hpcrun.app.inspect import inspect
    from hpcrun.report.passport import format_image

    facts = inspect(image, **options)
    click.echo(facts.model_dump_json(indent=2) if as_json else format_image(facts), nl=as_json)


def _show_stack(prefix: Path, *, as_json: bool) -> None:
    from hpcrun.app.inspect import inspect_host
    from hpcrun.report.passport import format_stack

    facts = inspect_host(prefix)
    click.echo(facts.model_dump_json(indent=2) if as_json else format_stack(facts), nl=as_json)


def _argv(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    try:
        if argv := tuple(shlex.split(text)):
            return argv
        raise UsageError("`--for` names no command: give it in one pair of quotes")
    except ValueError as exc:
        raise UsageError(f"`--for {text}` is not a command: {str(exc).lower()}") from exc
