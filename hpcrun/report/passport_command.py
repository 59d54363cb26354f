"""The part of a passport's page about the job's command; does not print."""

from hpcrun.model.image import ImageFacts, Program
from hpcrun.report.page import Section, section


def command_sections(facts: ImageFacts) -> list[Section]:
    """Say what the command names, where one was given."""
    if facts.program is None:
        return []
    return [section("command", [_program(facts.program)])]


def _program(program: Program) -> str:
    if program.path is None:
        why = "is not in the image" if program.kind == "missing" else "cannot be resolved"
        return f"{program.argv0} {why}"
    through = f", run by {program.interpreter}" if program.interpreter else ""
    return f"{program.argv0}: {program.path} ({program.kind}, {program.arch}{through})"
