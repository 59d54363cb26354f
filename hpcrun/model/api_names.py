"""A set of MPI symbol names, kept short: each name once for all its forms; reads no file.

A library offers `MPI_Send` and `PMPI_Send`, and Fortran's `mpi_send`, `mpi_send_`, `mpi_send__`,
`MPI_SEND` and their profiling twins. Such forms are told once for all names that have the same.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Self

from pydantic import Field

from hpcrun.model.base import Value

_C = re.compile(r"(?P<twin>P?)(?P<base>MPI[XT]?_[A-Z][A-Za-z0-9_]*[a-z][A-Za-z0-9_]*)")
_LOWER = re.compile(r"(?P<twin>p?)(?P<base>mpi[xt]?_[a-z0-9_]*[a-z0-9])(?P<tail>_{0,2})")
_UPPER = re.compile(r"(?P<twin>P?)(?P<base>MPI[XT]?_[A-Z0-9_]*[A-Z0-9])")


class ApiNames(Value):
    """Names of symbols."""

    by_form: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Forms, parted by blanks, to their names: the common start of names to their rests.

    Forms: `C` as it stands, `PC` its profiling twin; `f`, `f_`, `f__`, `F` a Fortran name in lower
    case with so many underscores, or in upper case, and `pf`, … their twins.
    """

    def __hash__(self) -> int:
        """Let values that hold names be keys."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(str(self.by_form))

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """Keep a set of names."""
        forms: dict[str, set[str]] = {}
        for name in names:
            form, base = _split(name)
            forms.setdefault(base, set()).add(form)
        groups: dict[str, list[str]] = {}
        for base in sorted(forms):
            groups.setdefault(" ".join(sorted(forms[base])), []).append(base)
        return cls(by_form={form: _fold(groups[form]) for form in sorted(groups)})

    @cached_property
    def names(self) -> frozenset[str]:
        """All names, in full."""
        return frozenset(
            name
            for forms, folded in self.by_form.items()
            for form in forms.split(" ")
            for start, rests in folded.items()
            for name in _joined(form, start, rests.split(" "))
        )


def _split(name: str) -> tuple[str, str]:
    """Return form and base of a name; they make the name again."""
    if match := _C.fullmatch(name):
        return f"{match['twin']}C", match["base"]
    if match := _LOWER.fullmatch(name):
        return f"{match['twin']}f{match['tail']}", match["base"]
    if match := _UPPER.fullmatch(name):
        return f"{match['twin'].lower()}F", match["base"].lower()
    return "C", name


def _joined(form: str, start: str, rests: Iterable[str]) -> Iterator[str]:
    """Yield the names of one form that begin alike."""
    twin, style, tail = re.split("([CfF])", form)
    for rest in rests:
        name = f"{twin}{start}{rest}{tail}"
        yield name.upper() if style == "F" else name


def _fold(names: Iterable[str]) -> dict[str, str]:
    """Group sorted names by their start, up to the second underscore."""
    groups: dict[str, list[str]] = {}
    for name in names:
        start = re.match(r"[A-Za-z0-9]+_(?:[A-Za-z0-9]+_)?(?=.)", name)
        head = start.group() if start else ""
        groups.setdefault(head, []).append(name[len(head) :])
    return {head: " ".join(rests) for head, rests in sorted(groups.items())}
