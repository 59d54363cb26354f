"""The runtime's words for mounts → host path, container path and mode; does not look at files."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple


class AskedMount(NamedTuple):
    """One mount that a script asks for."""

    shown: str
    host: str
    container: str
    """Empty where it is the host's path."""
    is_read_only: bool = False
    problem: str | None = None
    """Why it can be no mount of a job."""


def read_bind(text: str) -> Iterator[AskedMount]:
    """Read `src[:dst[:opts]],…` of --bind (Apptainer 1.4 user guide, Bind Paths and Mounts).

    Options may have commas of their own: what holds no path goes with the mount before it.
    """
    specs: list[str] = []
    for part in text.split(","):
        is_option = part.partition("=")[0] in ("ro", "rw", "image-src", "id")
        if specs and is_option:
            specs[-1] += f",{part}"
        elif part.strip():
            specs.append(part.strip())
    yield from map(_bind, specs)


def _bind(spec: str) -> AskedMount:
    host, _, rest = spec.partition(":")
    container, _, options = rest.partition(":")
    given = options.split(",") if options else []
    if "," in container:
        container, _, more = container.partition(",")
        given += more.split(",")
    if not host.strip():
        return AskedMount(spec, host, container, problem="it names no host path")
    inner = next((each for each in given if each.startswith("image-src")), None)
    problem = "a job mounts folders of the host, not of an image" if inner else None
    container = "" if container == host else container
    if container and not container.startswith("/"):
        problem = "its place in the container does not begin with `/`"
    return AskedMount(spec, host, container, "ro" in given, problem)


def read_mount(text: str) -> Iterator[AskedMount]:
    """Read `type=bind,source=…,destination=…` of --mount, several of them one per line."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error:
        yield AskedMount(text, "", "", problem="it is not as the runtime reads it")
        return
    for row in rows:
        yield _mount(",".join(row), [field.partition("=") for field in row])


def _mount(shown: str, fields: list[tuple[str, str, str]]) -> AskedMount:
    values = {name: value for name, _, value in fields}
    host = values.get("source", values.get("src", ""))
    container = values.get("destination", values.get("dst", values.get("target", "")))
    problem = None
    if values.get("type", "bind") != "bind" or "image-src" in values:
        problem = "a job mounts folders of the host only"
    elif not host or not container.startswith("/"):
        problem = "it does not name source and destination"
    is_read_only = "ro" in values or "readonly" in values
    return AskedMount(shown, host, "" if container == host else container, is_read_only, problem)
