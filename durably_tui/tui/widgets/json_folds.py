"""Which containers of a JSON tree are folded: these, or all but these."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from .json_text import TextRows
from .json_tree import JsonTree


class Folds:
    """A rule and its exceptions, so that no container is visited where all are folded at once."""

    def __init__(self, rows: JsonTree | TextRows) -> None:
        """Nothing is folded."""
        self._rows = rows
        self._all = False
        self._others: set[int] = set()

    def __contains__(self, row: int) -> bool:
        """Whether only the first line of a container is shown."""
        return (row in self._others) is not self._all and self._rows.is_container(row)

    def toggle(self, row: int) -> None:
        """Fold a container, or unfold it."""
        self._others ^= {row}

    def open(self, row: int) -> bool:
        """Unfold a container; whether it was folded."""
        if row not in self:
            return False
        (self._others.add if self._all else self._others.remove)(row)
        return True

    def all_but_the_outermost(self) -> None:
        """Fold every other container; where they are, unfold all."""
        inner = len(self._rows.containers) - 1
        others = len(self._others - {0})
        self._all = others > 0 if self._all else others < inner
        self._others = {0} if self._all else set()

    def within(self, first: int, end: int) -> tuple[Sequence[int], Sequence[int]]:
        """The folded containers from row ``first``, which none hides, to before ``end`` that are
        not hidden by another, and for each how many lines it has less than when it is open."""
        rows = self._rows
        if isinstance(rows, TextRows):
            return (), ()
        if first in self:
            return (first,), (first - rows.end(first),)
        others = sorted(row for row in self._others if first < row < end)
        if not self._all:
            return self._outermost(rows, others)
        return self._but_for(others, rows, first, end)

    def _but_for(
        self, others: list[int], rows: JsonTree, first: int, end: int
    ) -> tuple[Sequence[int], Sequence[int]]:
        """All containers in an open one but for the open ones among them, in whose place what is
        folded in them stands."""
        children = rows.containers_at(rows.depth(first) + 1, first, end)
        if children is None:
            at, stop = (bisect_left(rows.containers, row) for row in (first, end))
            return self._outermost(rows, rows.containers[at:stop])
        if not others:
            return children
        found: list[int] = []
        lines: list[int] = []
        done = i = 0
        while i < len(others):
            row = others[i]
            at = bisect_left(children[0], row, done)
            i += 1
            if at < len(children[0]) and children[0][at] == row:
                stop = rows.end(row) + 1
                below = bisect_left(others, stop, i)
                inside = self._but_for(others[i:below], rows, row, stop)
                found += [*children[0][done:at], *inside[0]]
                lines += [*children[1][done:at], *inside[1]]
                done, i = at + 1, below
        return [*found, *children[0][done:]], [*lines, *children[1][done:]]

    def _outermost(
        self, rows: JsonTree, candidates: Iterable[int]
    ) -> tuple[Sequence[int], Sequence[int]]:
        found: list[int] = []
        less: list[int] = []
        after = 0
        exceptions = self._others if self._all else ()
        for row in candidates:
            if row >= after and row not in exceptions:
                last = rows.end(row)
                found.append(row)
                less.append(row - last)
                after = last + 1
        return found, less
