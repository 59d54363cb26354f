"""Passports of images and MPI stacks as a page for people; does not print it.

Here only the order of the sections: what decides a verdict first, curiosities last.
"""

from collections.abc import Iterable

from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.report.page import Section, format_page, pair, section
from hpcrun.report.passport_command import command_sections
from hpcrun.report.passport_container import container_sections, format_title
from hpcrun.report.passport_gpu import gpu_section
from hpcrun.report.passport_mpi import libraries_section, mpi_sections
from hpcrun.report.passport_network import network_section, starters_section
from hpcrun.report.passport_system import further_lines, system_sections


def format_image(facts: ImageFacts) -> str:
    """Return the page about an image."""
    sections = [
        *system_sections(facts),
        *command_sections(facts),
        *mpi_sections(facts),
        network_section(facts.fabrics),
        gpu_section(facts.gpu),
        starters_section(facts.starters),
        _unread(facts.unread),
        section("further", further_lines(facts)),
        *container_sections(facts),
    ]
    return format_page(format_title(facts), sections)


def format_stack(facts: StackFacts) -> str:
    """Return the page about a host's MPI stack."""
    sections = [
        section("", _about(facts)),
        libraries_section(facts.libraries),
        network_section(facts.fabrics),
        starters_section(facts.starters),
        section("needed from outside the prefix", facts.closure_outside),
        section("needed and not found", facts.closure_missing),
        _unread(facts.unread),
    ]
    return format_page(f"{facts.prefix}: MPI stack", sections)


def _about(facts: StackFacts) -> list[str]:
    needs = f"GLIBCXX_{facts.libstdcxx_needed}" if facts.libstdcxx_needed else "none"
    return [
        pair("launchers", ", ".join(facts.launchers) or "none"),
        pair("libstdc++", needs),
        pair("digest", facts.digest or "none"),
    ]


def _unread(lines: Iterable[str]) -> Section:
    return section("not read; what is missing above may lie there", lines)
