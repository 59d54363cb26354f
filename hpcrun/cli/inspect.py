"""`hpcrun inspect`: what an image or a host MPI stack holds, without running it."""

from pathlib import Path

import click

from hpcrun.cli.run_options import json_option
from hpcrun.errors import UsageError


@click.command("inspect")
@click.argument("image", type=click.Path(path_type=Path), required=False)
@click.option("--for", "for_command", metavar="'CMD …'", help="Look up this command's program too.")
@click.option(
    "--host",
    metavar="PREFIX",
    type=click.Path(path_type=Path),
    help="Read a host MPI stack instead of an image.",
)
@json_option
def command(
    image: Path | None, *, for_command: str | None, host: Path | None, as_json: bool
) -> None:
    """Show what IMAGE (a SIF or an unpacked image) holds, without running it."""
    from hpcrun.app.inspect import inspect, inspect_host
    from hpcrun.report.passports import format_image, format_stack

    if (image is None) == (host is None):
        raise UsageError("name either an image, or a host MPI stack by `--host PREFIX`")
    if host is not None:
        stack = inspect_host(host)
        click.echo(stack.model_dump_json(indent=2) if as_json else format_stack(stack))
    elif image is not None:
        facts = inspect(image, command=_words(for_command))
        click.echo(facts.model_dump_json(indent=2) if as_json else format_image(facts))


def _words(text: str | None) -> tuple[str, ...] | None:
    import shlex

    if text is None:
        return None
    try:
        return tuple(shlex.split(text)) or None
    except ValueError as exc:
        raise UsageError(f"cannot split `--for {text}` into words: {exc}") from exc
