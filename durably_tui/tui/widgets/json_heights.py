"""Which line a row is in, where some rows are hidden and others take many lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate


class Heights:
    """Rows that take other than one line, by their number.

    A row with a number of hidden rows behind it has that as a negative difference; one that takes
    more lines has a positive one. Finding a place costs a search among those, not among all rows.
    """

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._more: list[int] = []
        self._before: list[int] = [0]

    @property
    def total(self) -> int:
        """How many lines there are more than rows."""
        return self._before[-1]

    def append(self, row: int, more: int) -> None:
        """Tell of a row behind all that are known."""
        self._rows.append(row)
        self._more.append(more)
        self._before.append(self._before[-1] + more)

    def replace(self, first: int, end: int, rows: Sequence[int], more: Sequence[int]) -> None:
        """Exchange what is known of the rows from ``first`` to before ``end``: the rows that take
        other than one line, in order, and how many lines more each takes."""
        left, right = bisect_left(self._rows, first), bisect_left(self._rows, end)
        self._rows[left:right] = rows
        self._more[left:right] = more
        self._before[left:] = accumulate(self._more[left:], initial=self._before[left])

    def more(self, row: int) -> int:
        """How many lines a row takes beyond its own; negative where it hides some."""
        at = bisect_left(self._rows, row)
        return self._more[at] if at < len(self._rows) and self._rows[at] == row else 0

    def shown(self, row: int) -> int:
        """The row itself, or the one that hides it."""
        at = bisect_right(self._rows, row) - 1
        if at >= 0 and self._more[at] < 0 and row <= self._rows[at] - self._more[at]:
            return self._rows[at]
        return row

    def line(self, row: int) -> int:
        """The first line of a row; of a hidden one that of the row that hides it."""
        row = self.shown(row)
        return row + self._before[bisect_left(self._rows, row)]

    def row(self, line: int) -> tuple[int, int]:
        """The row that is in a line, and which of its lines that is."""
        rows, before = self._rows, self._before
        at = bisect_right(range(len(rows)), line, key=lambda i: rows[i] + before[i]) - 1
        if at < 0:
            return line, 0
        within = line - rows[at] - before[at]
        if within <= max(0, self._more[at]):
            return rows[at], within
        return line - before[at + 1], 0
