"""Every verdict names its rule, its evidence and the row that decided, whatever the facts are."""

from collections import Counter
from functools import cache

import pytest

from hpcrun import resources
from hpcrun.model.verdict import Answer, Force, Verdict
from hpcrun.planner.judge import judge_all
from hpcrun.tables import rules
from hpcrun.tables.rows import read_table_json
from tests.drawn_facts import draw_questions

SEEDS = range(1, 9)


def faults(verdict: Verdict) -> list[str]:
    """Return what a verdict fails to name."""
    found = []
    if verdict.answer is Answer.COMPATIBLE:
        if not verdict.grounds:
            found.append("compatible without grounds")
        found += [
            f"no evidence: {g}" for g in verdict.grounds if not all((*g.evidence, g.evidence))
        ]
    elif not verdict.reasons:
        found.append("against it without reasons")
    for reason in verdict.reasons:
        if reason.code not in rules():
            found.append(f"no such rule: {reason}")
        if not reason.message or not reason.evidence or not all(reason.evidence):
            found.append(f"no message or evidence: {reason}")
    rows = [reason.table_row or "" for reason in verdict.reasons]
    rows += [ground.table_row for ground in verdict.grounds]
    return found + [f"no such row: {row!r}" for row in rows if not is_row(row)]


def is_row(named: str) -> bool:
    """Whether a verdict names a row that is there, as `table.yaml what `name``."""
    table, _, rest = named.partition(".yaml ")
    name = rest.partition("`")[2].removesuffix("`")
    return name in row_names(table)


@cache
def row_names(table: str) -> set[str]:
    """Return all by which rows of a table may be named: their texts that are one word."""
    content = read_table_json(resources.package_folder("tables") / f"{table}.yaml")
    rows = (row for part in content.values() if isinstance(part, list) for row in part)
    words = (value for row in rows for value in row.values() if isinstance(value, str))
    return {word for word in words if " " not in word}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_verdict_names_its_grounds(seed: int) -> None:
    seen: Counter[str] = Counter()
    for question in draw_questions(seed, images=12, sites=12):
        for _, judgement in judge_all(question):
            for verdict in (*judgement.verdicts, judgement.forecast, judgement.verdict):
                assert faults(verdict) == []
            seen[judgement.forecast.answer] += 1
    assert set(seen) == set(Answer), "the drawn facts provoke every answer"


def test_skipped_and_warning_verdicts_never_stand_against_a_candidate() -> None:
    for question in draw_questions(99, images=10, sites=10):
        for _, judgement in judge_all(question):
            forces = {v.force for v in judgement.verdicts if v.weight}
            if Force.REFUSES not in forces and not judgement.support.weight:
                assert judgement.verdict.answer is Answer.COMPATIBLE
