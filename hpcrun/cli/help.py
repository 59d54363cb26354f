"""`hpcrun help`: pages about topics, and the commands' own help."""

from pathlib import Path

import click

from hpcrun import resources
from hpcrun.errors import MissingInputError


@click.command("help")
@click.argument("topic", required=False)
@click.pass_context
def command(context: click.Context, topic: str | None) -> None:
    """Print the page about TOPIC, or the help of a command; without TOPIC, list the topics."""
    parent = context.find_root()
    group = parent.command
    assert isinstance(group, click.Group)  # noqa: S101 (the root is the group of commands)
    pages = _pages()
    if topic is None:
        _list(pages)
    elif topic in pages:
        click.echo(pages[topic].read_text(encoding="utf-8"), nl=False)
    elif (found := group.get_command(parent, topic)) is not None:
        with click.Context(found, info_name=topic, parent=parent) as below:
            click.echo(found.get_help(below))
    else:
        raise MissingInputError(
            f"there is no topic `{topic}`", help=["`hpcrun help` lists the topics"]
        )


def _pages() -> dict[str, Path]:
    folder = resources.package_folder("pages")
    return {path.stem: path for path in sorted(folder.glob("*.md"))}


def _list(pages: dict[str, Path]) -> None:
    for topic, path in pages.items():
        with path.open(encoding="utf-8") as stream:
            title = stream.readline().lstrip("# ").strip()
        click.echo(f"{topic:16} {title}")
    click.echo("\n`hpcrun help TOPIC` prints one; `hpcrun help COMMAND` is the command's help")
