"""The Python API offers the use cases by the names that people type."""

import inspect
from typing import get_type_hints

from hpcrun.app import api


def test_api_offers_the_commands_as_functions() -> None:
    commands = {
        "plan",
        "render",
        "submit",
        "status",
        "logs",
        "cancel",
        "wait",
        "inspect",
        "explain",
        "check",
        "list_sites",
        "open_profile",
        "diff_sites",
        "validate_site",
        "new_job",
        "convert_script",
    }
    assert commands <= set(api.__all__)


def test_every_function_of_the_api_is_typed_and_explained() -> None:
    functions = {n: f for n in api.__all__ if inspect.isfunction(f := getattr(api, n))}
    assert {n for n, f in functions.items() if "return" not in get_type_hints(f)} == set()
    assert {n for n, f in functions.items() if not f.__doc__} == set()
