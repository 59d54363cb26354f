"""Passports of images and MPI stacks as a page for people; does not print it.

Here only the order of the sections: what decides a verdict first, curiosities last.
"""

from collections.abc import Iterable

from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.report.page import Section, format_page, pair, section
from hpcrun.report.passport_command import command_sections
from hpcrun.report.passport_container import container_sections, format_title
from hpcrun.report.passport_mpi import libraries_section, mpi_sections
from hpcrun.report.passport_system import system_sections


def format_image(facts: ImageFacts) -> str:
    """Return the page about an image."""
    sections = [
        *system_sections(facts),
        *command_sections(facts),
        *mpi_sections(facts),
        _unread(facts.unread),
        *container_sections(facts),
    ]
    return format_page(format_title(facts), sections)


def format_stack(facts: StackFacts) -> str:
    """Return the page about a host's MPI stack."""
    sections = [
        section("", [pair("launchers", ", ".join(facts.launchers) or "none")]),
        libraries_section(facts.libraries),
        section("needed from outside the prefix", facts.closure_outside),
        section("needed and not found", facts.closure_missing),
        _unread(facts.unread),
    ]
    return format_page(f"{facts.prefix}: MPI stack", sections)


def _unread(lines: Iterable[str]) -> Section:
    return section("not read; what is missing above may lie there", lines)
