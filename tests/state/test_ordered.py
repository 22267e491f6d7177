"""A list in blocks is the same list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from durably_tui.state import ordered
from durably_tui.state.ordered import BLOCK, Ordered

DOINGS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "first", "hold"]), st.integers(0, 60)), max_size=80
)


def number(item: list[int]) -> int:
    return item[0]


@given(DOINGS)
@settings(max_examples=60, deadline=None)
def test_it_is_a_sorted_list_and_what_was_held_stands_still(doings: list[tuple[str, int]]) -> None:
    before, ordered.BLOCK = ordered.BLOCK, 4
    try:
        items: Ordered[list[int]] = Ordered(number)
        plain: dict[int, list[int]] = {}
        held: list[tuple[ordered.Standing[list[int]], list[list[int]]]] = []
        for what, at in doings:
            if what == "add" and at not in plain:
                plain[at] = [at]
                items.add(plain[at])
            elif what == "remove" and at in plain:
                items.remove(plain.pop(at))
            elif what == "first":
                low = min(plain, default=0)
                fresh = {low - n: [low - n] for n in range(1, at % 7)}
                plain |= fresh
                items.add_first(fresh.values())
            elif what == "hold":
                held.append((items.standing(), sorted(plain.values())))
            right = sorted(plain.values())
            assert list(items) == right
            assert len(items) == len(right)
            assert (items.first, items.last) == ((right[0], right[-1]) if right else (None, None))
            assert items.between(at - 5, at) == [i for i in right if at - 5 <= i[0] < at]
            assert items.between(None, None) == right
        for standing, right in held:
            assert list(standing) == right
            assert [standing[at] for at in range(len(standing))] == right
            assert [standing.find(item) for item in right] == list(range(len(right)))
            assert standing.find([1_000]) is None
    finally:
        ordered.BLOCK = before


def test_one_that_is_new_copies_one_block_whoever_holds_on_to_the_rest() -> None:
    items = Ordered(number, ([at] for at in range(20 * BLOCK)))
    before = items.standing()
    items.add([20 * BLOCK])
    after = items.standing()
    blocks = {id(block) for block in before._blocks}
    assert sum(id(block) not in blocks for block in after._blocks) <= 2
    assert len(before) == 20 * BLOCK
    assert len(after) == 20 * BLOCK + 1
