"""job.yaml → Job: paths made absolute, keys given the model's names; knows no site."""

import os
import re
from pathlib import Path
from typing import Any

from hpcrun.loading.job_shape import IMAGE_SCHEMES, JOB, OCI_ARCHITECTURES
from hpcrun.loading.positions import Positions
from hpcrun.loading.problems import Problems
from hpcrun.loading.reader import (
    make_value,
    positions_of,
    read_tree,
    read_values,
    stop_at_problems,
)
from hpcrun.model.job import Job


def load_job(path: Path | str) -> Job:
    """Load a job file; all its problems come as one error."""
    return load_job_with_positions(path)[0]


def load_job_with_positions(path: Path | str) -> tuple[Job, Positions]:
    """Load a job file, and where each of its values stands."""
    problems = Problems()
    source, tree = read_tree(Path(path), problems)
    if tree is None:
        problems.refuse(source.shown)
    values, reading = read_values(tree, JOB, source, problems)
    stop_at_problems(source, problems)
    file = _absolute(source.path, Path.cwd())
    job = make_value(Job, job_values(values, file), source=source, reading=reading)
    return job, positions_of(reading, [file], source=source)


def job_values(values: dict[str, Any], file: Path) -> dict[str, Any]:
    """Give the model's fields for the values of a file."""
    folder = file.parent
    mapped = dict(values)
    mapped["file"] = file
    mapped["image"] = _image(values["image"], folder)
    mapped["resources"] = _resources(values.get("resources", {}))
    mapped["workdir"] = _absolute(values.get("workdir", "."), folder)
    mapped["mounts"] = [
        mount | {"host": _absolute(mount["host"], folder)} for mount in values.get("mounts", [])
    ]
    if isinstance(values.get("mpi"), str):
        mapped["mpi"] = {"model": values["mpi"]}
    mapped["submit"] = _submit(values.get("submit", {}), folder)
    return mapped


def _image(image: Any, folder: Path) -> dict[str, Any]:
    if isinstance(image, dict) and "ref" not in image:
        by_arch = {arch: _ref(image[arch], folder) for arch in OCI_ARCHITECTURES if arch in image}
        return {"by_arch": by_arch}
    return {"any_arch": _ref(image, folder)}


def _ref(image: Any, folder: Path) -> dict[str, Any]:
    record = image if isinstance(image, dict) else {"ref": image}
    if record["ref"].startswith(tuple(f"{scheme}://" for scheme in IMAGE_SCHEMES)):
        return dict(record)
    return record | {"ref": str(_absolute(record["ref"], folder))}


def _resources(values: dict[str, Any]) -> dict[str, Any]:
    model_names = {
        "memory_per_node": "memory_per_node_mib",
        "memory_per_cpu": "memory_per_cpu_mib",
        "walltime": "walltime_s",
    }
    return {model_names.get(key, key): value for key, value in values.items()}


def _submit(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Leave out what is empty; a site given as a path is one from the job file's folder."""
    given = {key: value for key, value in values.items() if value != ""}
    site = given.get("site", "auto")
    if "/" in site:
        given["site"] = str(_absolute(site, folder))
    return given


def _absolute(path: Path | str, folder: Path) -> Path:
    """Join without following links: the person's own words stay recognisable."""
    text = os.path.normpath(os.path.join(folder, path))  # noqa: PTH118
    # POSIX lets two leading slashes mean something else; nobody means that here.
    return Path(re.sub("^//", "/", text))
