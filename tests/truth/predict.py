"""What hpcrun's engine says of each cell, written down before the cell is run; runs none.

A line of predictions/*.jsonl holds the verdict, its grounds' codes and rows, what the plan would
set inside the container, and the commit of the engine that said so.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Image, ImageRef, Job, MpiWish, Resources
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer
from hpcrun.planner.candidates import Launcher, Model, Shape
from hpcrun.planner.environment import plan_environment
from hpcrun.planner.judge import Judge
from hpcrun.planner.layout import plan_layout
from hpcrun.planner.question import gather
from hpcrun.tables import architectures
from tests.sandbox_fixture import CHECKOUT
from tests.truth import facts
from tests.truth.cells import Cell
from tests.truth.lists import CLUSTER, HERE

FOLDER = HERE / "predictions"
_ENGINE = "hpcrun"


def predict(cell: Cell) -> dict[str, Any]:
    """Ask the engine about one cell of the recorded images and clusters."""
    image = facts.image_facts(cell.image, cell.program)
    return ask(cell, image, facts.site(cell.slurm), facts.stack_facts())


def ask(
    cell: Cell, image: ImageFacts, site: Site, stacks: Mapping[str, StackFacts]
) -> dict[str, Any]:
    """Ask the engine about one way to start one image at one site."""
    row = architectures().by_uname(cell.arch)
    assert row is not None
    question = gather(_job(cell), site, {row.oci: image}, stacks)
    shape = Shape(
        model=cast("Model", cell.model),
        launcher=cast("Launcher", cell.launcher),
        srun_mpi=cell.type,
        mpi_stack=cell.stack,
        execution="native" if cell.arch == "x86_64" else "emulated",
        image_arch=row.oci,
    )
    judgement = Judge(question).judge(shape)
    forecast = judgement.forecast
    planned = plan_environment(question, plan_layout(question), shape, judgement)
    against = forecast.reasons if forecast.answer is not Answer.COMPATIBLE else ()
    return {
        "answer": forecast.answer.value,
        "codes": sorted({reason.code for reason in against}),
        "rows": sorted({reason.table_row or "" for reason in against}),
        "environment": {name: variable.value for name, variable in planned.items()},
    }


def _job(cell: Cell) -> Job:
    return Job(
        version=1,
        name="cell",
        image=Image(any_arch=ImageRef(ref=f"{CLUSTER}/images/{cell.image}.sif")),
        command=cell.argv,
        resources=Resources(nodes=cell.nodes, tasks_per_node=cell.ranks_per_node),
        mpi=MpiWish(model=cell.model),
        workdir=Path(CLUSTER),
        file=Path(CLUSTER, "job.yaml"),
    )


def load_predictions(name: str) -> dict[str, dict[str, Any]]:
    """Load what was written down, by the cell's id."""
    file = FOLDER / f"{name}.jsonl"
    if not file.exists():
        return {}
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {line.pop("cell"): line for line in lines}


def write_predictions(name: str, cells: Iterable[Cell]) -> int:
    """Write what the engine says now; a line that says the same stays. How many are new."""
    engine = engine_commit()
    before = load_predictions(name)
    lines, n_new = [], 0
    for cell in cells:
        said = predict(cell)
        old = before.get(cell.id, {})
        is_same = {key: old.get(key) for key in said} == said
        n_new += not is_same
        line = {"cell": cell.id, **said, "engine": old["engine"] if is_same else engine}
        lines.append(json.dumps(line))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return n_new


def engine_commit() -> str:
    """Return the last commit that changed the engine, which must not be changed since."""
    assert not _git("status", "--porcelain", "--", _ENGINE), "the engine has changes in no commit"
    return _git("log", "-1", "--format=%h", "--", _ENGINE)


def check_landed(name: str) -> None:
    """Refuse a run whose predictions are not in a commit."""
    file = f"tests/truth/predictions/{name}.jsonl"
    assert _git("ls-files", "--", file), f"{file} is in no commit yet"
    assert not _git("status", "--porcelain", "--", file), f"{file} has changes in no commit"


def _git(*argv: str) -> str:
    done = subprocess.run(["git", *argv], capture_output=True, text=True, cwd=CHECKOUT, check=True)
    return done.stdout.strip()
