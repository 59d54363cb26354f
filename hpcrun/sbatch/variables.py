"""Environment variables of a script → `env` of a job, but those that cannot be there."""

import re
from collections.abc import Iterator

from hpcrun.loading.source import Span
from hpcrun.model.job import ENV_NAME_PATTERN
from hpcrun.sbatch.draft import Draft
from hpcrun.sbatch.options import Given
from hpcrun.sbatch.secrets import is_secret
from hpcrun.shell.words import UNKNOWN_WORD
from hpcrun.tables.owned_settings import owned_variables
from hpcrun.tables.script_words import script_words


def put_variable(draft: Draft, name: str, value: str, span: Span) -> None:
    """Put one variable, or say why it cannot be put."""
    shown = f"{name}={value}".replace(UNKNOWN_WORD, "…")
    forbidden = next((r for r in owned_variables() if re.fullmatch(r.name, name)), None)
    if is_secret(name):
        why = "a job file keeps no secrets; let the program read it from a file of its own"
        draft.lose(f"{name}=…", span, why=why)
    elif not re.fullmatch(ENV_NAME_PATTERN.strip("^$"), name):
        draft.lose(shown, span, why="it is no name of a variable")
    elif forbidden is not None:
        draft.lose(shown, span, why=forbidden.why)
    elif name == "LD_LIBRARY_PATH" and _is_of_host(value):
        draft.note(shown, span, why="hpcrun sets it where it chooses the bind model")
    elif UNKNOWN_WORD in value:
        draft.lose(shown, span, why="its value is not written in the script")
    else:
        draft.below("env")[name] = draft.text(value, span)


def exported(given: Given | None) -> Iterator[tuple[str, str | None, Span]]:
    """Yield what `--export` names, each with the value that it sets, if it does."""
    for part in (given.value or "").split(",") if given is not None else ():
        name, is_set, value = part.partition("=")
        if name and given is not None:
            yield name, value if is_set else None, given.span


def _is_of_host(value: str) -> bool:
    """Whether a library path leads into folders of the host that the bind model shows."""
    folders = [part for part in value.replace(UNKNOWN_WORD, "").split(":") if part]
    return UNKNOWN_WORD in value or any(script_words().host_part(part) for part in folders)
