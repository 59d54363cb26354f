"""An error that ended hpcrun → terminal text and JSON; does not print."""

from typing import TYPE_CHECKING, Any

from hpcrun.report.terminal import escape, styled

if TYPE_CHECKING:
    from hpcrun.errors import HpcrunError


def format_error(error: "HpcrunError", *, colour: bool = False, is_verbose: bool = False) -> str:
    """Write the error's diagnostics, what it says, what helps, and the counts last."""
    head = f"{styled('error', 'error', colour=colour)}: {escape(error.message)}"
    said = "\n".join([head, *(f"help: {escape(text)}" for text in error.help)])
    if not error.diagnostics:
        return said
    # pydantic, which diagnostics need, is not imported for errors that have none.
    from hpcrun.report.diagnostics import format_counts, format_diagnostic, in_order

    ordered = in_order(error.diagnostics)
    blocks = [format_diagnostic(one, colour=colour, is_verbose=is_verbose) for one in ordered]
    return "\n\n".join([*blocks, f"{said}\n{format_counts(ordered)}"])


def error_to_json(error: "HpcrunError") -> dict[str, Any]:
    """Give the same error for programs."""
    return {
        "version": 1,
        "error": {
            "message": error.message,
            "help": list(error.help),
            "exit_code": int(error.exit_code),
        },
        "diagnostics": [diagnostic.to_json() for diagnostic in error.diagnostics],
    }
