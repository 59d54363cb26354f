"""The modules of the registration example, which import each other as scripts of one folder do."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REGISTRATION = Path(__file__).parents[3] / "examples" / "registration"
Load = Callable[[str], Any]


@pytest.fixture(scope="session")
def load() -> Iterator[Load]:
    """Return a function that imports a module of the example by name."""
    before = set(sys.modules)
    sys.path.insert(0, str(REGISTRATION))
    yield importlib.import_module
    sys.path.remove(str(REGISTRATION))
    for name in set(sys.modules) - before:
        place = getattr(sys.modules[name], "__file__", None)
        if place and Path(place).parent == REGISTRATION:
            del sys.modules[name]
