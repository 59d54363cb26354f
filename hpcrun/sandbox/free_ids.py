"""Ids that nobody has, for root's sandbox, whose root must not be the machine's; reads no file."""

from collections.abc import Iterable
from typing import NamedTuple

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.namespace import ALIGNMENT, IdRange

FIRST_USER = 1000
# Debian's own ids, `nobody` (65534) the highest, must all exist inside.
N_IDS = 65536
# Between those of the system and these lie people's, without which it goes too (Debian policy 9.2).
_HIGH = 60000
_LEAST = FIRST_USER + N_IDS - _HIGH
# Looked for from here downwards: useradd, systemd and sssd give away none near (login.defs(5)
# SUB_UID_MAX; systemd 257 docs/UIDS-GIDS.md; sssd-ldap(5) ldap_idmap_range_max; read 2026-11-20).
_END = 0x7F010000


class Span(NamedTuple):
    """That many ids from the first one."""

    start: int
    length: int


def map_whole(own: int, start: int) -> tuple[IdRange, ...]:
    """Root is the first of the ids at `start`, user 1000 is `own`, the rest are further ones."""
    return (
        IdRange(0, start, FIRST_USER),
        IdRange(FIRST_USER, own, 1),
        IdRange(FIRST_USER + 1, start + FIRST_USER, N_IDS - FIRST_USER - 1),
    )


def map_aligned(own: int, start: int) -> tuple[IdRange, ...]:
    """Like `map_whole`, but so that an id tells who it is inside (`owner_outside`)."""
    return (
        IdRange(0, start, FIRST_USER),
        IdRange(FIRST_USER, own, 1),
        IdRange(FIRST_USER + 1, start + FIRST_USER + 1, N_IDS - FIRST_USER - 1),
    )


def map_least(own: int, start: int) -> tuple[IdRange, ...]:
    """Like `map_whole`, but without the ids of people other than user 1000."""
    return (
        IdRange(0, start, FIRST_USER),
        IdRange(FIRST_USER, own, 1),
        IdRange(_HIGH, start + FIRST_USER, N_IDS - _HIGH),
    )


def choose_map(own: int, here: tuple[Span, ...], taken: tuple[Span, ...]) -> tuple[IdRange, ...]:
    """Map to ids that exist here and that nobody has: as few as it must be in a small container.

    None of a real system is taken: what is root's or a service's in the container stays out of
    reach, even where only few ids are left.
    """
    start = _find_free(N_IDS, here, (*taken, Span(own, 1), Span(0, N_IDS)), step=ALIGNMENT)
    if start is not None:
        return map_aligned(own, start)
    nobody = Span(N_IDS - 2, 2)
    start = _find_free(_LEAST, here, (*taken, Span(own, 1), Span(0, FIRST_USER), nobody))
    if start is not None and any(span.start <= own < sum(span) for span in here):
        return map_least(own, start)
    raise NotPermittedError(
        f"a sandbox needs {_LEAST} user and group ids that nobody has, and root has only "
        f"{sum(span.length for span in here)} here",
        help=[f"start the container, or the user namespace, with twice {N_IDS} ids"],
    )


def is_whole(chosen: tuple[IdRange, ...]) -> bool:
    """Whether every id of a Debian exists in a map."""
    return sum(ids.length for ids in chosen) == N_IDS


def _find_free(
    length: int, here: tuple[Span, ...], taken: tuple[Span, ...], *, step: int = 1
) -> int | None:
    """Return where the highest free ids start, at a multiple of the step."""
    for first, count in sorted(_join(here), reverse=True):
        start = min(first + count, _END) - length
        while (start := start - start % step) >= first:
            end = start + length
            hit = [span.start for span in taken if span.start < end and start < sum(span)]
            if not hit:
                return start
            start = min(hit) - length
    return None


def _join(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Make one of those that touch each other."""
    joined: list[Span] = []
    for span in sorted(spans):
        before = joined.pop() if joined and sum(joined[-1]) == span.start else Span(span.start, 0)
        joined.append(Span(before.start, before.length + span.length))
    return tuple(joined)
