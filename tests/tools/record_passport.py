"""Writes the passport of a real image or host stack into tests/corpora/images, without this place.

    python -m tests.tools.record_passport IMAGE NAME "where it came from"
    python -m tests.tools.record_passport --host PREFIX NAME "where it came from"

NAME is <family>-<version>-<architecture>; it carries what the passport must say.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from hpcrun.image import read_image, read_stack
from hpcrun.model.image import StackFacts

FOLDER = Path(__file__).resolve().parents[1] / "corpora" / "images"


def main() -> None:
    """Read, make free of this machine's paths, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", action="store_true")
    parser.add_argument("path", type=Path)
    parser.add_argument("name")
    parser.add_argument("source")
    asked = parser.parse_args()
    if asked.host:
        _write(_stack(asked.path, asked.name), f"{asked.name}.stack", asked.source)
    else:
        record_image(asked.path, asked.name, asked.source)


def record_image(path: Path, name: str, source: str) -> None:
    """Write an image's passport and where it came from."""
    _write(_image(path, name), f"{name}.facts", source)


def _write(facts: dict[str, Any], stem: str, source: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{stem}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (FOLDER / f"{stem}.source").write_text(source + "\n", encoding="utf-8")


def _image(path: Path, name: str) -> dict[str, Any]:
    facts = read_image(path).to_json()
    return {**facts, "path": f"/images/{name}", "mtime_ns": 0, "digest": "sif:recorded"}


def _stack(prefix: Path, name: str) -> dict[str, Any]:
    text = read_stack(prefix).model_dump_json().replace(str(prefix), f"/opt/hpc/{name}")
    return StackFacts.model_validate_json(text).sealed().to_json()


if __name__ == "__main__":
    main()
