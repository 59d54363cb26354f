"""The confusion matrix of a run, its misses, and the shares that count; runs nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ANSWERS = ("compatible", "unknown", "incompatible")
OUTCOMES = ("ok", "singletons", "wrong-library", "failed", "hang")

Results = Mapping[str, Mapping[str, Any]]


class Score(NamedTuple):
    """What the goal is about; unknown counts against right."""

    n_cells: int
    n_right: int
    n_unknown: int
    n_false_compatible: int


def is_right(result: Mapping[str, Any]) -> bool:
    """Whether what was predicted came true."""
    wanted = {"compatible": True, "incompatible": False}
    return wanted.get(result["predicted"]) is (result["outcome"] == "ok")


def score(results: Results) -> Score:
    """Count."""
    every = list(results.values())
    return Score(
        n_cells=len(every),
        n_right=sum(map(is_right, every)),
        n_unknown=sum(each["predicted"] == "unknown" for each in every),
        n_false_compatible=sum(
            each["predicted"] == "compatible" and each["outcome"] != "ok" for each in every
        ),
    )


def misses(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give each cell of which the verdict was wrong, those called compatible first."""
    wrong = {cell: each for cell, each in results.items() if not is_right(each)}
    yield from sorted(
        wrong.items(), key=lambda item: (ANSWERS.index(item[1]["predicted"]), item[0])
    )


def format_report(name: str, run: Mapping[str, Any], results: Results) -> str:
    """Return the matrix, the shares and the misses as text."""
    counts = Counter((each["predicted"], each["outcome"]) for each in results.values())
    told = score(results)
    n_cells = max(told.n_cells, 1)
    lines = [
        f"{name}: {told.n_cells} cells, {run.get('date', '')}",
        " ".join(f"{word:>14}" for word in ("", *OUTCOMES)),
        *(
            " ".join([f"{answer:>14}", *(f"{counts[answer, each]:>14}" for each in OUTCOMES)])
            for answer in ANSWERS
        ),
        f"right {told.n_right / n_cells:.1%}, unknown {told.n_unknown / n_cells:.1%}, "
        f"compatible and yet not ok: {told.n_false_compatible}",
        *(
            f"  {each['predicted']}, but {each['outcome']}: {cell}: {each['detail']}"
            for cell, each in misses(results)
        ),
    ]
    return "\n".join(lines)
