"""A plan as a page for people."""

from hpcrun.report.plan import format_plan
from tests.golden.script.make_case import plan as make_plan


def test_plan_foreign_text_is_shown_and_not_obeyed() -> None:
    hostile = make_plan().model_copy(update={"argv": ("echo", "\x1b]0;gone\x07\n\u202e")})
    page = format_plan(hostile)
    assert all(line.isprintable() for line in page.split("\n"))
    assert r"echo '\x1b]0;gone\x07" in page
