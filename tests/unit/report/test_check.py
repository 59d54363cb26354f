"""The page of a check: a block per site, what all share once, and what was not checked."""

from pathlib import Path

from hpcrun.model.check import Check, SiteCheck
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.plan import Candidate, Skipped
from hpcrun.model.verdict import Answer
from hpcrun.planner import UNKNOWN_NOTE
from hpcrun.report.check import format_check

CHOSEN = Candidate(model="hybrid", srun_mpi="pmix", image_arch="amd64", verdict=Answer.COMPATIBLE)
SHARED = Diagnostic(code="HPR203", rule="r", severity=Severity.ERROR, message="same everywhere")
OWN = Diagnostic(code="HPR101", rule="r", severity=Severity.ERROR, message="only there")
SKIPPED = Skipped(code="HPR321", message="cannot tell the network", lacking=("fact 1", "fact 2"))


def site(name: str, *found: Diagnostic, **more: object) -> SiteCheck:
    return SiteCheck(site=name, profile=Path("x.yaml"), diagnostics=found).model_copy(update=more)


def test_what_all_sites_share_is_told_once() -> None:
    text = format_check(
        Check(kind="job", input="job.yaml", sites=(site("a", SHARED), site("b", SHARED, OWN)))
    )
    assert text.count("same everywhere") == 1
    assert text.index("same everywhere") < text.index("a: refused: HPR203")
    assert text.index("b: refused: HPR101, HPR203") < text.index("only there")


def test_one_site_keeps_its_own_block() -> None:
    text = format_check(Check(kind="job", input="job.yaml", sites=(site("a", SHARED),)))
    assert text.startswith("job.yaml: a job, checked at site a\n\na: refused: HPR203\n\nerror[")


def test_way_stands_in_the_sites_line_and_skipped_rules_below() -> None:
    at = site("a", chosen=CHOSEN, skipped=(SKIPPED,))
    assert format_check(Check(kind="image", input="a.sif", about=("x86_64",), sites=(at,))) == (
        "a.sif: an image, checked at site a\n  x86_64\n\n"
        "a: hybrid model by `srun --mpi=pmix`\n\n"
        "not checked, for a fact is lacking:\n"
        "  HPR321: cannot tell the network\n"
        "    lacking: fact 1\n"
    )


def test_what_only_lacks_facts_cannot_be_told() -> None:
    lacking = OWN.model_copy(update={"notes": (UNKNOWN_NOTE,)})
    sites = (site("a", lacking), site("b", lacking, SHARED))
    text = format_check(Check(kind="job", input="job.yaml", sites=sites))
    assert "a: cannot be told: HPR101\n" in text
    assert "b: refused: HPR101, HPR203\n" in text


def test_site_that_cannot_be_checked_says_why() -> None:
    at = site("a", problem="cannot use `a.yaml`: 1 problem")
    text = format_check(Check(kind="job", input="job.yaml", sites=(at,)))
    assert "a: not checked: cannot use `a.yaml`: 1 problem" in text


def test_many_sites_are_a_line_each_unless_all_is_asked_for() -> None:
    sites = tuple(site(f"s{number}", OWN if number else SHARED) for number in range(7))
    check = Check(kind="job", input="job.yaml", sites=sites)
    assert "only there" not in format_check(check)
    assert format_check(check).count("refused: ") == 7
    assert "only there" in format_check(check, is_verbose=True)


def test_words_of_strangers_are_escaped() -> None:
    text = format_check(Check(kind="image", input="a\x1b[31m.sif", about=("b\x1b",)))
    assert "\x1b" not in text


def test_check_is_sound_only_where_nothing_refuses() -> None:
    fine = site("a", chosen=CHOSEN)
    assert Check(kind="job", input="j", sites=(fine,)).is_sound
    assert not Check(kind="job", input="j", sites=(fine, site("b", OWN))).is_sound
    assert not Check(kind="job", input="j", sites=(site("b", OWN, chosen=CHOSEN),)).is_sound
    assert not Check(kind="script", input="j", diagnostics=(OWN,)).is_sound
