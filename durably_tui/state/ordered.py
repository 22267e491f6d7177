"""A long list that is kept in order, in blocks: changing it, and holding on to how it was, cost
what one block costs.

A list of a hundred thousand in one piece would be copied for each run that is new while somebody
looks at it, and the garbage collector would walk through every copy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, TypeVar

T = TypeVar("T")

BLOCK = 512
"""The most items of a block; a full one is divided."""

Key = Callable[[T], Any]


class Standing(Generic[T]):
    """The items as they stood when this was taken."""

    __slots__ = ("_blocks", "_ends", "_key")

    def __init__(self, blocks: Sequence[list[T]], key: Key[T]) -> None:
        self._blocks = tuple(blocks)
        self._ends = list(accumulate(map(len, blocks)))
        self._key = key

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._blocks)

    def __getitem__(self, index: int) -> T:
        """The item at an index of 0 or more.

        Raises:
            IndexError: there are not so many.
        """
        at = bisect_right(self._ends, index)
        return self._blocks[at][index - (self._ends[at - 1] if at else 0)]

    def find(self, item: T) -> int | None:
        """Where an item is by its key as it is now; None where it is not there."""
        at, index = _place(self._blocks, self._key, item)
        if at < len(self._blocks) and self._blocks[at][index] is item:
            return index + (self._ends[at - 1] if at else 0)
        return None


class Ordered(Generic[T]):
    """Items in the rising order of a key, no two of which are equal."""

    def __init__(self, key: Key[T], items: Iterable[T] = ()) -> None:
        self._key = key
        self._blocks: list[list[T]] = []
        self._own: set[int] = set()
        """Which blocks nobody else holds on to, by ``id``."""
        self.add_first(items)

    @classmethod
    def of_blocks(cls, key: Key[T], blocks: list[list[T]]) -> Ordered[T]:
        """Items that are in order already, in blocks of at most ``BLOCK``, none of them empty."""
        made = cls(key)
        made._blocks = blocks
        made._own.update(map(id, blocks))
        return made

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._blocks)

    def __contains__(self, item: object) -> bool:
        at, index = _place(self._blocks, self._key, item)
        return at < len(self._blocks) and self._blocks[at][index] is item

    @property
    def first(self) -> T | None:
        """The smallest."""
        return self._blocks[0][0] if self._blocks else None

    @property
    def last(self) -> T | None:
        """The largest."""
        return self._blocks[-1][-1] if self._blocks else None

    def standing(self) -> Standing[T]:
        """The items as they stand now, whatever is changed afterwards."""
        self._own.clear()
        return Standing(self._blocks, self._key)

    def between(self, first: Any, end: Any) -> list[T]:
        """The items with a key from ``first`` to before ``end``; None is no bound."""
        key, found = self._key, list[T]()
        for block in self._blocks[0 if first is None else self._block_of(first) :]:
            low = 0 if first is None else bisect_left(block, first, key=key)
            high = len(block) if end is None else bisect_left(block, end, key=key)
            found += block[low:high]
            if high < len(block):
                break
        return found

    def add(self, item: T) -> None:
        """Put an item in its place."""
        if not self._blocks:
            self.add_first((item,))
            return
        at, index = _place(self._blocks, self._key, item)
        if at == len(self._blocks):
            at, index = at - 1, len(self._blocks[-1])
        block = self._owned(at)
        block.insert(index, item)
        if len(block) > BLOCK:
            # Most that is new is the largest: behind it there is room again.
            half = BLOCK if index == BLOCK else BLOCK // 2
            self._insert(at + 1, block[half:])
            del block[half:]

    def add_first(self, items: Iterable[T]) -> None:
        """Put items that are all smaller than those that are here before them."""
        fresh = sorted(items, key=self._key)
        lots = [fresh[at : at + BLOCK] for at in range(0, len(fresh), BLOCK)]
        self._blocks[:0] = lots
        self._own.update(map(id, lots))

    def remove(self, item: T) -> None:
        """Take an item out, where it is in."""
        at, index = _place(self._blocks, self._key, item)
        if at == len(self._blocks) or self._blocks[at][index] is not item:
            return
        if len(self._blocks[at]) == 1:
            self._own.discard(id(self._blocks.pop(at)))
        else:
            del self._owned(at)[index]

    def _block_of(self, key: Any) -> int:
        """The first block that has a key which is not smaller."""
        of = self._key
        return bisect_left(self._blocks, key, key=lambda block: of(block[-1]))

    def _insert(self, at: int, block: list[T]) -> None:
        self._blocks.insert(at, block)
        self._own.add(id(block))

    def _owned(self, at: int) -> list[T]:
        """A block, to be changed."""
        block = self._blocks[at]
        if id(block) not in self._own:
            block = self._blocks[at] = block.copy()
            self._own.add(id(block))
        return block


def _place(blocks: Sequence[list[T]], key: Key[T], item: Any) -> tuple[int, int]:
    """In which block an item is, or would be, and where in it; behind the last block where it is
    larger than all."""
    wanted = key(item)
    at = bisect_left(blocks, wanted, key=lambda block: key(block[-1]))
    return (at, 0) if at == len(blocks) else (at, bisect_left(blocks[at], wanted, key=key))
