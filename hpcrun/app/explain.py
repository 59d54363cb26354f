"""Use case: explain rules; does not check anything by them."""

from collections.abc import Sequence

from hpcrun.model.base import Value
from hpcrun.rules import find_rule, read_page
from hpcrun.tables import rules
from hpcrun.tables.rules import Rule


class Explanation(Value):
    """One rule and its page."""

    rule: Rule
    page: str
    """Markdown."""


def explain(codes: Sequence[str] = ()) -> tuple[Explanation, ...]:
    """Return the rules of these codes or names, each once; without any, all rules."""
    wanted = tuple(dict.fromkeys(find_rule(code) for code in codes)) or tuple(rules().values())
    return tuple(Explanation(rule=rule, page=read_page(rule.code)) for rule in wanted)
