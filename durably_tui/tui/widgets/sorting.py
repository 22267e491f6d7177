"""By which column the rows of a table are sorted, and which way round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Order(Generic[RowT]):
    """What a column puts in order."""

    word: str
    """What it is called where there is room for more than its heading."""
    place: Callable[[RowT], Any]
    """What is compared; a row of which it is None comes last, whichever way round."""
    largest_first: bool = False


@dataclass(frozen=True, slots=True)
class Sorting(Generic[RowT]):
    """By a column of those that can be sorted by, which are the keys of ``orders``."""

    orders: Mapping[str, Order[RowT]]
    column: str
    rising: bool = True

    @classmethod
    def by_first(cls, orders: Mapping[str, Order[RowT]]) -> Sorting[RowT]:
        """By the first of these, as tables begin."""
        return cls(orders, "")._by(next(iter(orders)))

    def turned(self) -> Sorting[RowT]:
        """The other way round."""
        return replace(self, rising=not self.rising)

    def by(self, column: str) -> Sorting[RowT]:
        """By a column that is pointed at; the other way round where it is by that already. The
        same where nothing can be sorted by it."""
        if column == self.column:
            return self.turned()
        return self._by(column) if column in self.orders else self

    def after(self, columns: Sequence[str]) -> Sorting[RowT]:
        """By the next of the columns that are shown, round and round."""
        can = [column for column in columns if column in self.orders]
        at = can.index(self.column) + 1 if self.column in can else 0
        return self._by(can[at % len(can)]) if can else self

    def sorted(self, rows: Sequence[RowT]) -> list[RowT]:
        """Rows in this order; those that are equal stay as they are."""
        place = self.orders[self.column].place
        known = [row for row in rows if place(row) is not None]
        unknown = [row for row in rows if place(row) is None]
        return [*sorted(known, key=place, reverse=not self.rising), *unknown]

    def __str__(self) -> str:
        return f"by {self.orders[self.column].word} {'up' if self.rising else 'down'}"

    def _by(self, column: str) -> Sorting[RowT]:
        return replace(self, column=column, rising=not self.orders[column].largest_first)
