"""Use case: is a profile sound, sourced, fresh; asks nothing of the real site."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from hpcrun.app.sites import open_profile
from hpcrun.errors import HpcrunError, InputError
from hpcrun.loading import Profile
from hpcrun.loading.site_leaves import Keys, Leaf
from hpcrun.model.base import UNKNOWN, Value, is_known
from hpcrun.model.diagnostic import Diagnostic, Location, Severity
from hpcrun.model.site import MpiStack
from hpcrun.planner.diagnose import diagnose
from hpcrun.planner.site_life import check_life
from hpcrun.rules import add_help
from hpcrun.tables import architectures
from hpcrun.tables.processors import processor

_ABOUT_ITSELF = frozenset(
    {"version", "name", "description", "as_of", "extends", "access", "references", "notes"}
)
"""Keys that say nothing about the cluster that someone could have read somewhere."""

_SHOWN = 8


class Validation(Value):
    """What was found about one profile."""

    path: Path
    is_readable: bool = True
    """False where the file cannot be used at all; its diagnostics say why."""
    n_values: int = 0
    n_unknown: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing that was found is an error."""
        return all(one.severity is not Severity.ERROR for one in self.diagnostics)


class Validations(Value):
    """What was found about several profiles."""

    version: Literal[1] = 1
    profiles: tuple[Validation, ...]


def validate_site(
    path: Path, *, environment: Mapping[str, str], today: date, is_strict: bool = False
) -> Validation:
    """Check one profile; what is wrong with the file is found first, and all of it at once.

    With `is_strict` a warning is an error: so each value, or its block, must have a source. Age and
    end of a site stay warnings: a profile that tells of them is not at fault.
    """
    try:
        profile = open_profile(path, environment)
    except InputError as error:
        if not error.diagnostics:
            raise
        return Validation(path=path, is_readable=False, diagnostics=error.diagnostics)
    leaves = [leaf for leaf in profile.leaves if leaf.keys[0] not in _ABOUT_ITSELF]
    found = [
        *_unsourced(leaves),
        *_unknown(leaves),
        *_processors(profile),
        *_passports(profile),
    ]
    life = (_at(one, _place_of_age(profile)) for one in check_life(profile.site, today))
    advised = (
        *(_as(Severity.ERROR, one) if is_strict else one for one in add_help(found)),
        *(_as(Severity.WARNING, one) for one in add_help(life)),
    )
    return Validation(
        path=path,
        n_values=len(leaves),
        n_unknown=sum(leaf.value == UNKNOWN for leaf in leaves),
        diagnostics=advised,
    )


def _as(severity: Severity, one: Diagnostic) -> Diagnostic:
    """Give a warning or an error another severity; notes stay notes."""
    is_note = one.severity is Severity.NOTE
    return one if is_note else one.model_copy(update={"severity": severity})


def _at(one: Diagnostic, place: Location | None) -> Diagnostic:
    return one.model_copy(update={"location": place})


def _place_of_age(profile: Profile) -> Location:
    at = profile.positions.at
    return at("life.until") or at("as_of") or Location(file=str(profile.site.file))


def _unsourced(leaves: Sequence[Leaf]) -> Iterator[Diagnostic]:
    """Report values that nobody vouches for, those of one block together."""
    silent = [one for one in leaves if one.is_fact and one.value != UNKNOWN and not one.source]
    blocks: dict[Keys, list[Leaf]] = {}
    for leaf in silent:
        blocks.setdefault(leaf.keys[:-1], []).append(leaf)
    for block, parts in blocks.items():
        name = ".".join(map(str, block)) or "the profile"
        count = "1 value" if len(parts) == 1 else f"{len(parts)} values"
        message = f"{count} of `{name}` without a source"
        yield _at(diagnose("HPR014", message, found=(_named(parts),)), parts[0].span.location)


def _named(leaves: Sequence[Leaf]) -> str:
    names = ", ".join(f"`{leaf.keys[-1]}`" for leaf in leaves[:_SHOWN])
    return f"{names} and {len(leaves) - _SHOWN} further" if len(leaves) > _SHOWN else names


def _unknown(leaves: Sequence[Leaf]) -> Iterator[Diagnostic]:
    unknown = [leaf for leaf in leaves if leaf.value == UNKNOWN]
    if unknown:
        message = (
            "1 value is unknown" if len(unknown) == 1 else f"{len(unknown)} values are unknown"
        )
        found = [f"`{leaf.path}`, line {leaf.span.line}" for leaf in unknown]
        yield _at(diagnose("HPR015", message, found=found), unknown[0].span.location)


def _processors(profile: Profile) -> Iterator[Diagnostic]:
    """Report architectures that nobody knows, and processors that are none of archspec's."""
    known = [row.uname for row in architectures().rows]
    for name, node in profile.site.node_classes.items():
        key = f"node_classes.{name}"
        if is_known(node.arch) and node.arch not in known:
            found = ("there are " + ", ".join(f"`{arch}`" for arch in known),)
            unknown = diagnose("HPR016", f"`{node.arch}` is no architecture", found=found)
            yield _at(unknown, profile.positions.at(f"{key}.arch"))
        doubt = _doubt_of_processor(node.microarch, node.arch)
        if doubt is not None:
            found = (f"`{key}.microarch` is `{node.microarch}`",)
            yield _at(
                diagnose("HPR016", doubt, found=found), profile.positions.at(f"{key}.microarch")
            )


def _doubt_of_processor(microarch: str, arch: str) -> str | None:
    if not is_known(microarch):
        return None
    row = processor(microarch)
    if row is None:
        return f"archspec knows no processor `{microarch}`"
    if is_known(arch) and row.arch != arch:
        return f"`{microarch}` is a processor of {row.arch}, the nodes are {arch}"
    return None


def _passports(profile: Profile) -> Iterator[Diagnostic]:
    for name, stack in profile.site.mpi_stacks.items():
        if stack.passport is None:
            continue
        place = profile.positions.at(f"mpi_stacks.{name}.passport")
        for doubt in _doubts_of_passport(stack, Path(stack.passport)):
            message = f"the passport of MPI stack `{name}` {doubt}"
            yield _at(diagnose("HPR017", message, found=(f"`{stack.passport}`",)), place)


def _doubts_of_passport(stack: MpiStack, file: Path) -> Iterator[str]:
    from hpcrun.app.passports import load_stack

    if not file.exists():
        yield "is not there"
        return
    try:
        facts = load_stack(file)
    except HpcrunError as error:
        yield f"cannot be used: {error.message}"
        return
    families = {str(library.family) for library in facts.libraries}
    versions = {library.version for library in facts.libraries if is_known(library.version)}
    for what, stated, read in (
        ("family", stack.family, families),
        ("version", stack.version, versions),
    ):
        if is_known(stated) and read and stated not in read:
            yield f"is of {what} {', '.join(sorted(read))}, the profile says {stated}"
