"""Rules and their pages as text and JSON; does not print them."""

import json
from collections.abc import Sequence

from hpcrun.app.explain import Explanation


def format_rule_list(explanations: Sequence[Explanation]) -> str:
    """Return one line per rule."""
    return "\n".join(
        f"{item.rule.code}  {item.rule.severity:7}  {item.rule.name}: {item.rule.summary}"
        for item in explanations
    )


def explanations_to_json(explanations: Sequence[Explanation]) -> str:
    """Return the rules and pages as JSON."""
    found = {
        "version": 1,
        "rules": [{**item.rule.to_json(), "page": item.page} for item in explanations],
    }
    return json.dumps(found, indent=2)
