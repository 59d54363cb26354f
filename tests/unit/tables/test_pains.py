"""The pains that others report: each has its rules, or a reason why nothing can be seen."""

from hpcrun.tables import rules
from hpcrun.tables.pains import pains


def test_all_36_are_there_in_order() -> None:
    assert [row.id for row in pains()] == [f"P{number}" for number in range(1, 37)]


def test_their_rules_exist() -> None:
    strange = {row.id: set(row.codes) - set(rules()) for row in pains()}
    assert {name: codes for name, codes in strange.items() if codes} == {}


def test_few_cannot_be_seen_beforehand() -> None:
    assert [row.id for row in pains() if row.not_beforehand] == ["P8", "P21", "P35"]
