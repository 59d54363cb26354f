"""The explanation pages of the rules; does not format them."""

from hpcrun import resources
from hpcrun.errors import UsageError
from hpcrun.tables import rules


def read_page(code: str) -> str:
    """Return the page of a rule, by its code or its name."""
    wanted = code.strip()
    for rule in rules().values():
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            page = resources.package_folder("pages") / "rules" / f"{rule.code}.md"
            return page.read_text(encoding="utf-8")
    raise UsageError(
        f"there is no rule `{wanted}`",
        help=("`hpcrun explain` without a code lists every rule",),
    )
