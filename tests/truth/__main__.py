"""The truth table: what hpcrun's engine says, and what really happens.

    sh tests/run.sh truth                  all of it: images, run, matrix
    sh tests/run.sh truth facts            make the images, record passports and profiles
    sh tests/run.sh truth predict [TABLE]  write down what the engine says of each cell
    sh tests/run.sh truth run [TABLE]      run the cells of committed predictions
    sh tests/run.sh truth report           the matrix of each run
    sh tests/run.sh truth draw SEED        draw cells that no list names, and predict them

TABLE is `table` (what cells.yaml names) or `drawn`. A prediction is committed before its cell runs.
"""

import argparse
from datetime import UTC, datetime
from typing import Any

from tests.sandbox_fixture import run_hpcrun
from tests.truth import build, facts, predict, report
from tests.truth.cells import Cell, all_cells
from tests.truth.draw import draw_cells
from tests.truth.lists import SLURMS, image_rows, stack_names
from tests.truth.results import FOLDER, load_results, write_results
from tests.truth.run_cells import run_cells, running

TABLES = ("table", "drawn")


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", default="all", choices=[*_COMMANDS, "all"])
    parser.add_argument("table", nargs="?", default="table", help="table or drawn; or the seed")
    parser.add_argument("--slurm", choices=SLURMS, action="append", help="only these clusters")
    parser.add_argument("--only", default="", help="only cells whose id has this in it")
    parser.add_argument("--as", dest="run_name", default="last-run", help="name of the results")
    asked = parser.parse_args()
    if asked.what == "all":
        for asked.table in TABLES:
            _run(asked)
    else:
        _COMMANDS[asked.what](asked)


def _facts(asked: argparse.Namespace) -> None:
    """Record what the predictions rest on."""
    with running("24.11") as sandbox:
        build.provide_all(sandbox)
    for row in image_rows(with_drawn=True):
        facts.record_image(row)
    for name in stack_names():
        facts.record_stack(name)
    for slurm in asked.slurm or SLURMS:
        with running(slurm) as sandbox:
            facts.record_site(slurm, sandbox)


def _predict(asked: argparse.Namespace) -> None:
    known = predict.load_predictions(asked.table)
    cells = [Cell.parse(cell) for cell in known]
    if asked.table == "table":
        # With `--only` the lists may be ahead of what the engine can judge.
        cells = [cell for cell in all_cells() if asked.only in cell.id or cell.id in known]
    n_new = predict.write_predictions(asked.table, cells)
    print(f"{n_new} of {len(cells)} predictions are new or changed; commit them before a run")


def _draw(asked: argparse.Namespace) -> None:
    cells = draw_cells(int(asked.table))
    predict.write_predictions("drawn", cells)
    print(f"{len(cells)} cells drawn with seed {asked.table}")


def _run(asked: argparse.Namespace) -> None:
    """Run the cells, one cluster after the other; results are written after each cluster."""
    predict.check_landed(asked.table)
    predictions = predict.load_predictions(asked.table)
    name = f"{asked.table}-{asked.run_name}"
    run, results = load_results(name)
    for slurm in asked.slurm or SLURMS:
        cells = [cell for cell in map(Cell.parse, predictions) if cell.slurm == slurm]
        cells = [cell for cell in cells if asked.only in cell.id]
        if not cells:
            continue
        with running(slurm) as sandbox:
            build.provide_all(sandbox, {cell.image for cell in cells})
            environments = {cell.id: predictions[cell.id]["environment"] for cell in cells}
            found = run_cells(cells, environments, sandbox)
            versions = {**run.get("versions", {}), slurm: _versions(sandbox)}
        for cell, told in found.items():
            said = predictions[cell]
            results[cell] = {"predicted": said["answer"], **told, "engine": said["engine"]}
        run = {"date": datetime.now(UTC).date().isoformat(), "versions": versions}
        write_results(name, run, results)
    print(report.format_report(name, run, results))


def _versions(sandbox: str) -> dict[str, str]:
    """Ask the cluster what it is."""
    asked = {"slurm": ("sinfo", "--version"), "apptainer": ("apptainer", "--version")}
    answers: dict[str, Any] = {
        name: run_hpcrun("sandbox", "exec", "--name", sandbox, "--", *argv).stdout.split()
        for name, argv in asked.items()
    }
    return {name: words[-1] if words else "" for name, words in answers.items()}


def _report(_asked: argparse.Namespace) -> None:
    for file in sorted(FOLDER.glob("*.jsonl")):
        print(report.format_report(file.stem, *load_results(file.stem)), end="\n\n")


_COMMANDS = {"facts": _facts, "predict": _predict, "run": _run, "report": _report, "draw": _draw}

if __name__ == "__main__":
    main()
