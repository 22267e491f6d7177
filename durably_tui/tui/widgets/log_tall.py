"""Where log lines stand that may be of any height: wrapped, or with their data unfolded.

Scrolling then goes by entries: the top of the view is the start of an entry, but at the end, where
the bottom of the view is the end of the last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .line_view import Spans


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the view."""

    index: int | None
    """The entry that it is of; None for the note above the first and for empty lines."""
    spans: Spans


class TallLines:
    """Entries of any height in a view of some height. Only what is in sight is looked at."""

    def __init__(
        self, lines_of: Callable[[int], list[Spans]], count: int, notes: list[Spans], height: int
    ) -> None:
        """Lay out ``count`` entries.

        Args:
            lines_of: The lines of an entry; at least one, and fewer than ``height`` if it can be.
            count: How many entries there are.
            notes: The lines above the first entry.
            height: The lines of the view.
        """
        self._lines_of = lines_of
        self._count = count
        self._notes = notes
        self._height = height
        self._tail = self._last_rows()

    @property
    def last_top(self) -> int:
        """How far one can scroll, so that every line can be seen."""
        return self._tail[0]

    def rows(self, top: int) -> list[Row]:
        """What is in the view when it is scrolled to ``top``."""
        if top >= self.last_top:
            return self._tail[1]
        rows = [Row(None, note) for note in self._notes[top:]]
        index = max(0, top - len(self._notes))
        while len(rows) < self._height and index < self._count:
            rows += (Row(index, spans) for spans in self._lines_of(index))
            index += 1
        return rows[: self._height]

    def top_for(self, index: int, top: int) -> int:
        """Where to scroll from ``top``, so that all of an entry is in sight."""
        notes = len(self._notes)
        if index + notes < top:
            return index + notes if index else 0
        if top >= self.last_top:
            return top
        room = self._height - len(self._lines_of(index))
        first = index
        while first and (room := room - len(self._lines_of(first - 1))) >= 0:
            first -= 1
        return max(top, min(first + notes if first else 0, self.last_top))

    def _last_rows(self) -> tuple[int, list[Row]]:
        """How far one can scroll, and what is seen there."""
        height, notes = self._height, len(self._notes)
        rows: list[Row] = []
        index = self._count
        while index and len(rows) < height:
            index -= 1
            rows = [Row(index, spans) for spans in self._lines_of(index)] + rows
        whole = len(rows) <= height
        if not index and whole and len(rows) + notes <= height:
            return 0, [Row(None, note) for note in self._notes] + rows
        # An entry of which only the end is seen here has a place of its own before this one.
        return index + notes + (not whole), rows[-height:] if height else []
