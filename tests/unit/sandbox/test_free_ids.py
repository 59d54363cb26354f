"""Root's sandbox gets ids that nobody has, and never those of the machine's root."""

import pytest

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.free_ids import Span, choose_map, is_whole
from hpcrun.sandbox.namespace import IdRange

WHOLE_MACHINE = (Span(0, 4294967295),)
HIGHEST = 0x7F000000


def test_only_the_job_user_is_somebody_outside() -> None:
    chosen = choose_map(1234, WHOLE_MACHINE, ())
    assert chosen == (
        IdRange(0, HIGHEST, 1000),
        IdRange(1000, 1234, 1),
        IdRange(1001, HIGHEST + 1001, 64535),
    )
    assert is_whole(chosen)


@pytest.mark.parametrize(
    ("taken", "start"),
    [
        ((Span(100000, 65536),), HIGHEST),
        ((Span(HIGHEST, 65536),), HIGHEST - 65536),
        ((Span(HIGHEST + 65535, 1),), HIGHEST - 65536),
        ((Span(HIGHEST + 65536, 65536),), HIGHEST),
        ((Span(HIGHEST - 10, 20), Span(HIGHEST - 4 * 65536, 65536)), HIGHEST - 2 * 65536),
    ],
    ids=["below", "same", "last-one", "above", "between"],
)
def test_ids_of_others_are_avoided(taken: tuple[Span, ...], start: int) -> None:
    assert choose_map(1000, WHOLE_MACHINE, taken)[0].outside == start


def test_small_container_keeps_its_own_users_out_of_reach() -> None:
    here = (Span(0, 1), Span(1, 65535))
    users = (Span(0, 1), Span(33, 1), Span(1000, 1), Span(64030, 1), Span(65534, 1))
    chosen = choose_map(1000, here, users)
    assert [(ids.inside, ids.length) for ids in chosen] == [(0, 1000), (1000, 1), (60000, 5536)]
    outside = {n for ids in chosen for n in range(ids.outside, ids.outside + ids.length)}
    assert len(outside) == 6537
    assert outside & {0, 33, 64030, 65534} == set()
    assert max(outside) < 65536
    assert not is_whole(chosen)


@pytest.mark.parametrize("here", [(), (Span(0, 1),), (Span(0, 7000),), (Span(2000, 60000),)])
def test_too_few_ids_are_refused_with_their_number(here: tuple[Span, ...]) -> None:
    n_ids = sum(span.length for span in here)
    with pytest.raises(NotPermittedError, match=f"only {n_ids} here") as caught:
        choose_map(1000, here, ())
    assert "65536" in caught.value.help[0]
