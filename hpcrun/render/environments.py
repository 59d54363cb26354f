"""The two Jinja environments, header (sbatch's quoting) and body (the shell's); knows no plans.

Neither lets unquoted text pass: `finalize` sees the value of every expression and refuses all but
the environment's own types, so that forgetting a filter is an error and never an injection.
"""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hpcrun import resources
from hpcrun.render import quoting


class UnquotedValueError(TypeError):
    """A template lets a value out that no filter of its environment made safe; a bug of ours."""


@cache
def header_environment() -> Environment:
    """Return the environment of #SBATCH lines."""
    environment = _environment(quoting.SbatchText)
    environment.filters["sbatch"] = quoting.sbatch
    environment.filters["sbatch_pattern"] = quoting.sbatch_pattern
    environment.filters["option_name"] = quoting.option_name
    return environment


@cache
def body_environment() -> Environment:
    """Return the environment of shell code."""
    environment = _environment(quoting.ShellText)
    environment.filters["sh"] = quoting.sh
    environment.filters["variable"] = quoting.variable
    return environment


def _environment(own: type[quoting.Quoted]) -> Environment:
    def finalize(value: Any) -> Any:
        # bool is an int to Python, but `True` is a word to the shell.
        if type(value) is int or isinstance(value, own | quoting.Remark):
            return value
        raise UnquotedValueError(f"unquoted {type(value).__name__} in a template: {value!r}")

    environment = Environment(
        loader=FileSystemLoader(resources.templates_folder()),
        undefined=StrictUndefined,
        finalize=finalize,
        autoescape=False,  # noqa: S701  shell text, not HTML; finalize guards it
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = {"remark": quoting.remark}
    return environment
