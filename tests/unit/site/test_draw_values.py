"""The values that a person is to read back are drawn the same for the same seed."""

from tests.tools.draw_values import draw


def test_same_seed_draws_the_same_values() -> None:
    first, again, other = draw(1, 10), draw(1, 10), draw(2, 10)
    assert first == again
    assert first != other
    assert len({(site, leaf.path) for site, leaf in first}) == 10
    assert all(leaf.source for _, leaf in first)
