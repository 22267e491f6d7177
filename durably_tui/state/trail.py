"""An immutable sequence that grows at its end in constant time and forgets at its beginning.

States are frozen, yet a run may write twenty thousand lines a second: copying a tuple for each
would cost more than the lines. All versions of a trail share one list that only ever grows; a
version is a window into it, so appending is cheap and old versions stay what they were. Appending
to a version that is not the newest copies, as it must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, overload

from typing_extensions import TypeVar

T = TypeVar("T")


class Trail(Sequence[T], Generic[T]):
    """A frozen window ``[start, end)`` into a list that only grows.

    Attributes:
        dropped: how many items were forgotten at the beginning. ``dropped + len(trail)`` is how
            many there were in all, and an item keeps the number ``dropped + index`` for ever.
    """

    __slots__ = ("_end", "_items", "_start", "dropped")

    def __init__(self, items: Iterable[T] = (), dropped: int = 0) -> None:
        self._items: list[T] = list(items)
        self._start = 0
        self._end = len(self._items)
        self.dropped = dropped

    @property
    def total(self) -> int:
        """How many items there ever were."""
        return self.dropped + self._end - self._start

    def __len__(self) -> int:
        return self._end - self._start

    def __iter__(self) -> Iterator[T]:
        items = self._items
        for at in range(self._start, self._end):
            yield items[at]

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        size = self._end - self._start
        if isinstance(at, slice):
            first, last, step = at.indices(size)
            if step == 1:
                return self._items[self._start + first : self._start + max(first, last)]
            return [self._items[self._start + i] for i in range(first, last, step)]
        if at < 0:
            at += size
        if not 0 <= at < size:
            raise IndexError("trail index out of range")
        return self._items[self._start + at]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Trail):
            return self.dropped == other.dropped and len(self) == len(other) and self[:] == other[:]
        if isinstance(other, list | tuple):
            return self[:] == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Trail({self[:]!r}, dropped={self.dropped})"

    def extended(self, items: Iterable[T]) -> Trail[T]:
        """This trail with ``items`` at its end."""
        if self._start == self._end:
            shared, start = [], 0  # so that an empty trail can be the beginning of many
        elif self._end == len(self._items):
            shared, start = self._items, self._start
        else:
            shared, start = self[:], 0
        shared.extend(items)
        return self._window(shared, start, len(shared), self.dropped)

    def last(self, count: int) -> Trail[T]:
        """This trail with at most ``count`` items, the oldest forgotten."""
        return self.forget(len(self) - count)

    def forget(self, count: int) -> Trail[T]:
        """This trail without its ``count`` oldest items."""
        if count <= 0:
            return self
        count = min(count, len(self))
        start = self._start + count
        if start > self._end - start:
            # More than half of the shared list is behind every version to come. To wait for more
            # would keep it all in memory, and an item may be a hundred events.
            return Trail(self._items[start : self._end], self.dropped + count)
        return self._window(self._items, start, self._end, self.dropped + count)

    def since(self, number: int) -> list[T]:
        """The items whose lasting number is ``number`` or more."""
        return self[max(0, number - self.dropped) :]

    @classmethod
    def _window(cls, items: list[T], start: int, end: int, dropped: int) -> Trail[T]:
        trail = cls.__new__(cls)
        trail._items = items
        trail._start = start
        trail._end = end
        trail.dropped = dropped
        return trail


def shortened(trail: Trail[T], count: int, weight: Callable[[T], int]) -> tuple[Trail[T], int]:
    """The trail without its ``count`` oldest items, and the bytes that this frees."""
    return trail.forget(count), sum(map(weight, trail[:count]))
