"""``Trail``: frozen for whoever looks, cheap for whoever appends."""

from __future__ import annotations

import sys
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably_tui.state import Trail


def test_a_version_stays_what_it_was() -> None:
    old = Trail([1, 2])
    new = old.extended([3])
    other = old.extended([4])
    assert list(old) == [1, 2]
    assert list(new) == [1, 2, 3]
    assert list(other) == [1, 2, 4]
    assert new[-1] == 3
    assert new[1:] == [2, 3]
    assert new[::2] == [1, 3]
    assert new == [1, 2, 3]
    assert new != other
    assert new != "no trail"
    with pytest.raises(IndexError):
        _ = new[3]


def test_items_keep_their_numbers() -> None:
    trail = Trail(range(10)).last(3)
    assert trail.dropped == 7
    assert trail.total == 10
    assert trail.since(8) == [8, 9]
    assert trail.since(0) == [7, 8, 9]
    assert trail.forget(5) == Trail([], dropped=10)
    assert repr(trail) == "Trail([7, 8, 9], dropped=7)"


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=60))
def test_it_is_a_list_that_forgets(moves: list[tuple[int, int]]) -> None:
    trail: Trail[int] = Trail()
    model: list[int] = []
    versions = []
    for grow, keep in moves:
        fresh = list(range(len(model), len(model) + grow))
        trail, model = trail.extended(fresh).last(keep), (model + fresh)[-keep:] if keep else []
        versions.append((trail, list(model)))
    for version, expected in versions:
        assert version == expected
        assert len(version) == len(expected)


def test_what_was_forgotten_is_freed() -> None:
    trail: Trail[int] = Trail()
    for start in range(0, 200_000, 100):
        trail = trail.extended(range(start, start + 100)).last(1_000)
    assert sys.getsizeof(trail._items) < 8 * 10_000


@pytest.mark.parametrize("size", [1, 4, 50, 3_000])
def test_a_short_trail_holds_on_to_no_more_than_it_shows(size: int) -> None:
    """Its items may be large: bursts of a hundred events."""

    class Item:
        """An item that can be watched."""

    alive: weakref.WeakSet[Item] = weakref.WeakSet()
    trail: Trail[Item] = Trail()
    for _ in range(4 * size):
        item = Item()
        alive.add(item)
        trail = trail.extended([item]).last(size)
        del item
        assert len(alive) <= 2 * size + 1
    assert len(trail) == size
