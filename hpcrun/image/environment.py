"""Search paths as an image's own environment scripts set them; does not run the scripts.

Apptainer sources /.singularity.d/env/*.sh in name order. Only literal settings are understood; a
script that does anything else with a variable makes that variable unknown.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

from hpcrun.image.tree import Kind, Node, read_text, resolve
from hpcrun.model.base import UNKNOWN, Unknown, is_known

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Apptainer's (internal/pkg/util/env DefaultPath)."""

_FOLDER = "/.singularity.d/env"
_APPTAINERS_OWN = frozenset(
    ("01-base.sh", "94-appsbase.sh", "95-apps.sh", "99-base.sh", "99-runtimevars.sh")
)
"""They act only for SCIF apps and on what the caller sets (apptainer 1.4 etc/ and pkg/build)."""
_SCRIPT_MAX = 256 << 10
_SCRIPTS_MAX = 100
_LINE_MAX = 8 << 10
_VARIABLES_MAX = 200
_VALUE_MAX = 8 << 10
"""A script may double a variable on each line."""
FIELDS = {
    "PATH": "path",
    "LD_LIBRARY_PATH": "library_path",
    "LD_PRELOAD": "preload",
    "PYTHONPATH": "python_path",
    "PYTHONHOME": "python_home",
    "PYTHONNOUSERSITE": "no_user_site",
}
"""Variables that are followed, with the field that holds each."""
_SETTING = re.compile(
    r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
    r"(?P<value>\"[^\"`\\]*\"|'[^']*'|[^\s\"'`;&|()<>\\]*)\s*+;?(?:\s*+export\s++(?P=name))?+\s*+(?:#.*)?"
)
_DEFAULT = re.compile(r"export\s+(?P<name>\w+)=\"\$\{(?P=name):-\"(?P<value>[^\"`\\$]*)\"\}\"")
"""How Apptainer writes down the variables of an OCI image (conveyorPacker_oci.go, 1.4)."""
_EXPORT = re.compile(r"export(?:\s+[A-Za-z_][A-Za-z0-9_]*)+\s*")
_OF_MPI = re.compile(r"(?:I_MPI|FI|UCX|OMPI_MCA|PMIX_MCA|MPIR_CVAR|NCCL)_[A-Za-z0-9_]{1,80}")
"""Variables by which an image chooses how ranks find each other and talk."""
_REFERENCE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^}]*)\}|(?P<bare>[A-Za-z_]\w*))")


class Environment(NamedTuple):
    """Search paths inside the container, as far as they can be read."""

    path: str | Unknown
    library_path: str | Unknown
    preload: str | Unknown = ""
    python_path: str | Unknown = ""
    python_home: str | Unknown = ""
    no_user_site: str | Unknown = ""

    def variables(self, *, unknown: str) -> dict[str, str]:
        """Return every variable by name, with a word for what is not known."""
        values = {name: getattr(self, field) for name, field in FIELDS.items()}
        return {name: unknown if value == UNKNOWN else value for name, value in values.items()}

    def with_settings(self, settings: Mapping[str, str | Unknown]) -> "Environment":
        """Return what it is once a command sets variables."""
        known = {FIELDS[name]: value for name, value in settings.items() if name in FIELDS}
        return self._replace(**known)


UNKNOWN_ENVIRONMENT = Environment(*([UNKNOWN] * len(Environment._fields)))
"""What is known where scripts cannot be read, or a login shell reads more of them."""


def read_environment(root: Node, declared: Mapping[str, str] = MappingProxyType({})) -> Environment:
    """Work out the search paths that the image's scripts leave behind.

    Args:
        declared: what an OCI image's configuration sets, as Apptainer writes it into a script.
    """
    values: dict[str, str | Unknown] = dict.fromkeys(FIELDS, "")
    values["PATH"] = DEFAULT_PATH
    values |= {name: declared[name][:_VALUE_MAX] for name in FIELDS if name in declared}
    for script in _scripts(root):
        _apply(script, values)
    return Environment(**{field: values[name] for name, field in FIELDS.items()})


def read_settings(
    root: Node, declared: Mapping[str, str], is_wanted: Callable[[str], bool]
) -> dict[str, str]:
    """Return plain settings of further variables: the last literal one of each."""
    found = {name: text[:_VALUE_MAX] for name, text in declared.items() if is_wanted(name)}
    for script in _scripts(root):
        for line in script.splitlines():
            match = _DEFAULT.fullmatch(line.strip()[:_LINE_MAX]) or _SETTING.fullmatch(
                line.strip()[:_LINE_MAX]
            )
            if match and is_wanted(match["name"]):
                found[match["name"]] = match["value"].strip("\"'")
    return dict(sorted(found.items()))


def read_variables(
    root: Node, declared: Mapping[str, str], environment: Environment
) -> dict[str, str]:
    """Return what an image sets of library path and MPI, as far as it is literal."""
    found = read_settings(root, declared, lambda name: _OF_MPI.fullmatch(name) is not None)
    if environment.library_path and is_known(environment.library_path):
        found = {"LD_LIBRARY_PATH": environment.library_path, **found}
    literal = [(name, value) for name, value in found.items() if "$" not in value]
    return dict(literal[:_VARIABLES_MAX])


def _scripts(root: Node) -> Iterator[str]:
    """Yield the texts of the scripts that Apptainer sources, in its order, without its own."""
    folder = resolve(root, _FOLDER)
    if folder is None or folder.node.kind is not Kind.FOLDER:
        return
    for name in sorted(folder.node.entries())[:_SCRIPTS_MAX]:
        if name.endswith(".sh") and name not in _APPTAINERS_OWN:
            script = resolve(root, PurePosixPath(_FOLDER) / name)
            if script is not None and script.node.kind is Kind.FILE:
                yield read_text(script.node, limit=_SCRIPT_MAX)


def _apply(script: str, values: dict[str, str | Unknown]) -> None:
    for raw in script.splitlines():
        line = raw.strip()
        if not line or line.startswith("#") or _EXPORT.fullmatch(line):
            continue
        default = _DEFAULT.fullmatch(line)
        if default and default["name"] in values:
            values[default["name"]] = values[default["name"]] or default["value"]
            continue
        match = _SETTING.fullmatch(line) if len(line) <= _LINE_MAX else None
        if match and match["name"] in values:
            values[match["name"]] = _expand(match["value"], values)
        elif match is None:
            # Anything but a plain setting: what it does to a variable that it names is not known.
            for name in FIELDS:
                if re.search(rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])", line):
                    values[name] = UNKNOWN


def _expand(quoted: str, values: dict[str, str | Unknown]) -> str | Unknown:
    if quoted.startswith("'"):
        return quoted[1:-1]
    text = quoted.strip('"')
    is_known = True

    def value_of(match: re.Match[str]) -> str:
        nonlocal is_known
        value = values.get(match["braced"] or match["bare"])
        if value is None or value == UNKNOWN:
            is_known = False
            return ""
        rest = match["rest"] or ""
        if rest.startswith((":-", "-")):
            return value or rest.lstrip(":-")
        if rest.startswith(":+"):
            return rest[2:] if value else ""
        is_known = is_known and not rest
        return value

    expanded = _REFERENCE.sub(value_of, text)
    is_known = is_known and "$" not in expanded and len(expanded) <= _VALUE_MAX
    return expanded if is_known else UNKNOWN
