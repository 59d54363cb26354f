"""Why a way was not chosen: each change that is named really makes it work, and all are needed."""

from collections.abc import Iterator
from itertools import combinations

import pytest

from hpcrun.model.image import ImageFacts
from hpcrun.model.verdict import Answer
from hpcrun.planner.candidates import Shape
from hpcrun.planner.changes import Change, changes_for
from hpcrun.planner.judge import Judge, judge_all
from hpcrun.planner.question import Question, gather
from hpcrun.planner.what_if import what_if
from hpcrun.planner.why_not import why_not
from tests.drawn_facts import draw_questions
from tests.unit.planner.measured import IMAGES, STACKS, image, job, openmpi_image, site


def question(facts: ImageFacts, more: dict[str, object] | None = None) -> Question:
    return gather(job(), site(**(more or {})), {"amd64": facts}, STACKS)


def works(question: Question, shape: Shape, changes: tuple[Change, ...]) -> bool:
    for change in changes:
        question = change.apply(question)
    return Judge(question).judge(shape).forecast.answer is Answer.COMPATIBLE


def refused(question: Question) -> Iterator[Shape]:
    for shape, judgement in judge_all(question):
        if judgement.forecast.answer is not Answer.COMPATIBLE:
            yield shape


@pytest.mark.parametrize("facts", IMAGES.values(), ids=IMAGES)
def test_each_way_out_works_and_has_nothing_to_spare(facts: ImageFacts) -> None:
    asked = question(facts)
    for shape in refused(asked):
        for way in what_if(asked, shape):
            assert works(asked, shape, way.changes)
            parts = combinations(way.changes, len(way.changes) - 1)
            assert not any(works(asked, shape, part) for part in parts)


def test_ways_out_of_drawn_images_and_sites_work() -> None:
    for asked in draw_questions(7, images=3, sites=4):
        for shape in list(refused(asked))[:6]:
            assert all(works(asked, shape, way.changes) for way in what_if(asked, shape))


CASES = {
    "other-pmi": (
        IMAGES["debian12-mpich-4.0.2"],
        {},
        "hybrid --mpi=pmix",
        "the image had Open MPI 5.0, as distributions build it",
    ),
    "type-not-offered": (
        IMAGES["debian13-openmpi-5.0.7"],
        {"scheduler": {"version": "26.05.5", "mpi_types": ["pmi2"], "pmix": {"server": "5.0.7"}}},
        "hybrid --mpi=pmi2",
        "the image had MPICH 4.2, as distributions build it",
    ),
    "unknown-server": (
        IMAGES["debian13-openmpi-5.0.7"],
        {"scheduler": {"version": "24.11.5", "mpi_types": ["pmix"], "pmix": {}}},
        "hybrid --mpi=pmix",
        "the PMIx of the site's Slurm were 3.2.5 to 5.0.7, and its profile said so",
    ),
    "old-glibc": (
        openmpi_image("4.1.0", "4.0.0", glibc="2.12"),
        {},
        "bind openmpi-4.1.8 --mpi=pmix",
        "the image's C library were glibc 2.17 or newer",
    ),
    "other-family": (
        IMAGES["debian12-mpich-4.0.2"],
        {},
        "bind openmpi-5.0.11 --mpi=pmix",
        "the program were built with an MPI of the family of `openmpi-5.0.11` (libmpi.so.40)",
    ),
    "foreign": (
        openmpi_image("4.1.4", "4.2.2", arch="riscv64"),
        {},
        "hybrid --mpi=pmix native",
        "the image were for x86_64 (`amd64`)",
    ),
}


@pytest.mark.parametrize(("facts", "more", "words", "text"), CASES.values(), ids=CASES)
def test_what_would_have_to_change(
    facts: ImageFacts, more: dict[str, object], words: str, text: str
) -> None:
    [answer] = why_not(question(facts, more), words.split())
    ways = [" and ".join(fact.text for fact in way) for way in answer.would_work_if]
    assert text in ways


def test_neighbours_work_and_differ_in_one_respect() -> None:
    asked = question(IMAGES["debian12-mpich-4.0.2"])
    [answer] = why_not(asked, ["hybrid", "--mpi=pmix"])
    assert [(n.model, n.srun_mpi, n.verdict) for n in answer.neighbours] == [
        ("hybrid", "pmi2", Answer.COMPATIBLE)
    ]


def test_way_that_works_has_nothing_against_it() -> None:
    [answer] = why_not(question(IMAGES["debian12-mpich-4.0.2"]), ["hybrid", "pmi2", "native"])
    assert (answer.objections, answer.would_work_if, answer.is_wished) == ((), (), True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hybird"], "`hybird` is not a model, launcher"),
        (["hybrid", "bind"], "no way to run the job is all of hybrid bind"),
    ],
)
def test_words_that_name_nothing(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        why_not(question(image()), words)


def test_braces_in_the_name_of_a_library_are_no_format(monkeypatch: pytest.MonkeyPatch) -> None:
    def braced(asked: Question, shape: Shape) -> Iterator[Change]:
        return (c._replace(text=f"{c.text} {{0.x}}") for c in changes_for(asked, shape))

    monkeypatch.setattr("hpcrun.planner.what_if.changes_for", braced)
    facts, more, words, text = CASES["unknown-server"]
    [answer] = why_not(question(facts, dict(more)), words.split())
    assert f"{text} {{0.x}}" in [fact.text for way in answer.would_work_if for fact in way]
