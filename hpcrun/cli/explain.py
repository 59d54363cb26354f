"""`hpcrun explain`: what a rule is about, and what to do; checks nothing."""

import click

from hpcrun.cli.run_options import json_option


@click.command("explain")
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@json_option
def command(codes: tuple[str, ...], *, as_json: bool) -> None:
    """Explain each CODE (HPR401, or its name); without one, list every rule."""
    from hpcrun.app.explain import explain
    from hpcrun.report.rules import explanations_to_json, format_rule_list

    explanations = explain(codes)
    if as_json:
        click.echo(explanations_to_json(explanations))
    elif codes:
        click.echo("\n\n".join(item.page.rstrip() for item in explanations))
    else:
        click.echo(format_rule_list(explanations))
