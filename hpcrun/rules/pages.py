"""The explanation pages of the rules; does not format them."""

from hpcrun import resources
from hpcrun.errors import UsageError
from hpcrun.tables import rules
from hpcrun.tables.rules import Rule


def find_rule(code_or_name: str) -> Rule:
    """Return a rule by its code or its name, in capitals or not."""
    wanted = code_or_name.strip()
    for rule in rules().values():
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            return rule
    raise UsageError(
        f"there is no rule `{wanted}`",
        help=("`hpcrun explain` without a code lists every rule",),
    )


def read_page(code: str) -> str:
    """Return the page of a rule, as Markdown."""
    page = resources.package_folder("pages") / "rules" / f"{code}.md"
    return page.read_text(encoding="utf-8")
