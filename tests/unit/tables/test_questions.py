"""The table of questions: each row is asked, each that is asked has a row, and its rules exist."""

import re
from pathlib import Path

from hpcrun import resources
from hpcrun.tables import rules
from hpcrun.tables.questions import questions

PACKAGE = Path(resources.__file__).parent


def asked_in_code() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    return {name for text in texts for name in re.findall(r'asked\("([a-z-]+)"\)', text)}


def test_every_question_is_asked_and_every_one_that_is_asked_has_a_row() -> None:
    assert set(questions()) == asked_in_code()


def test_every_question_speaks_by_rules_that_exist() -> None:
    assert [row.id for row in questions().values() if not set(row.codes) <= set(rules())] == []


def test_every_rule_of_the_engine_belongs_to_a_question() -> None:
    told = {code for row in questions().values() for code in row.codes}
    assert {r.code for r in rules().values() if r.made_by == "compat"} <= told
