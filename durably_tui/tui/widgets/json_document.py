"""What a ``JsonView`` shows, as lines: rows, of which some are folded and others are open."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

from durably_tui.text import cells

from .folding import fold_spans
from .json_folds import Folds
from .json_heights import Heights
from .json_text import TextRows
from .json_tree import JsonTree
from .line_view import Span, Spans

_INDENT = 2
_OPENED_AT_FIRST = 400
"""Texts that do not fit are shown whole, as long as so few rows were made before them."""
_SHORT = 4_000
"""Characters of a text that is shown whole from the start."""
_REMEMBERED = 64


class Document:
    """Rows folded into a width. Rows are made as far as somebody asks."""

    def __init__(self, value: Any, width: int) -> None:
        """Show ``value``, a text as its lines and all else as JSON, in ``width`` cells."""
        self.rows: JsonTree | TextRows = (
            TextRows(value) if isinstance(value, str) else JsonTree(value)
        )
        self.folded = Folds(self.rows)
        self._opened: set[int] = set()
        self._heights = Heights()
        self._width = max(8, width)
        self._folds: dict[int, list[Spans]] = {}

    @property
    def lines(self) -> int:
        """How many lines there are by now."""
        return len(self.rows) + self._heights.total

    @property
    def complete(self) -> bool:
        """Whether every row is made."""
        return self.rows.complete

    def grow(self, count: int) -> None:
        """Make up to ``count`` rows more."""
        rows = self.rows
        first = len(rows)
        rows.grow(count)
        for row in range(first, len(rows)):
            text = rows.text(row)
            if text is None or (len(text) < self._width // 2 and text.isascii()):
                continue
            opens = rows.is_text or (row < _OPENED_AT_FIRST and len(text) <= _SHORT)
            if opens and not self._fits(row):
                self._opened.add(row)
                self._heights.append(row, len(self.folded_lines(row)) - 1)

    def resize(self, width: int) -> None:
        """Fold into another width."""
        self._width = max(8, width)
        self._folds.clear()
        if self.rows.is_text:
            self._opened = {row for row in range(len(self.rows)) if not self._fits(row)}
        self._measure(0, len(self.rows))

    def line(self, row: int) -> int:
        """The first line of a row."""
        return self._heights.line(row)

    def row(self, line: int) -> tuple[int, int]:
        """The row in a line, and which of its lines that is."""
        row, within = self._heights.row(line)
        return min(row, len(self.rows) - 1), within

    def spans(self, row: int, within: int) -> Spans:
        """One line of a row, with its indent."""
        if row in self._opened:
            lines = self.folded_lines(row)
            return lines[min(within, len(lines) - 1)]
        return self._single(row)

    def _single(self, row: int) -> Spans:
        indent = " " * min(_INDENT * self.rows.depth(row), self._width // 2)
        spans = self.rows.spans(row, folded=row in self.folded, room=self._width)
        return ((indent, "text"), *spans) if indent else spans

    def _fits(self, row: int) -> bool:
        text = self.rows.text(row)
        if text is not None and (len(text) > self._width or "\n" in text):
            return False
        return sum(cells(part) for part, _ in self._single(row)) <= self._width

    def folded_lines(self, row: int) -> list[Spans]:
        """A row over as many lines as it needs."""
        found = self._folds.get(row)
        if found is None:
            indent = " " * min(_INDENT * self.rows.depth(row), self._width // 2)
            start: tuple[Span, ...] = ((indent, "text"),) if indent else ()
            spans = self.rows.spans(row)
            found = [
                (*start, *line) for line in fold_spans(spans, max(4, self._width - len(indent)))
            ]
            if len(self._folds) >= _REMEMBERED:
                self._folds.clear()
            self._folds[row] = found
        return found

    # -- folding ---------------------------------------------------------------------------

    def toggle(self, row: int) -> int | None:
        """Fold or unfold what is in a row: a container, or a text that is too long.

        Returns:
            The row in which it begins; None where nothing here can be folded.
        """
        rows = self.rows
        row = rows.opener(row)
        if rows.is_container(row):
            self.folded.toggle(row)
            self._measure(row, rows.end(row) + 1)
            return row
        if rows.is_text or rows.text(row) is None or self._fits(row):
            return None
        self._opened ^= {row}
        self._measure(row, row + 1)
        return row

    def fold_all(self) -> None:
        """Fold every container but the outermost; where they are, unfold all."""
        if not self.rows.is_text:
            self.folded.all_but_the_outermost()
            self._measure(0, len(self.rows))

    def reveal(self, row: int) -> None:
        """Unfold whatever hides a row, and a text that is cut."""
        first, end = row, row + 1
        above = self.rows.parent(row)
        while above >= 0:
            if self.folded.open(above):
                first, end = above, self.rows.end(above) + 1
            above = self.rows.parent(above)
        text = self.rows.text(row)
        if text is not None and row not in self._opened and not self._fits(row):
            self._opened.add(row)
        elif first == row:
            return
        self._measure(first, end)

    def _measure(self, first: int, end: int) -> None:
        """Find out the heights of a part of the rows anew."""
        folded, less = self.folded.within(first, end)
        rows: list[int] = []
        more: list[int] = []
        done = 0
        for row in sorted(row for row in self._opened if first <= row < end):
            at = bisect_left(folded, row, done)
            hidden = at and row <= folded[at - 1] - less[at - 1]
            if not hidden and (lines := len(self.folded_lines(row)) - 1):
                rows += [*folded[done:at], row]
                more += [*less[done:at], lines]
                done = at
        self._heights.replace(first, end, [*rows, *folded[done:]], [*more, *less[done:]])


def marked(spans: Spans, pattern: re.Pattern[str], style: str) -> Spans:
    """Spans in which what a pattern finds stands out."""
    whole = "".join(text for text, _ in spans)
    found = [match.span() for match in pattern.finditer(whole) if match.end() > match.start()]
    made: list[Span] = []
    begins = 0
    for text, usual in spans:
        ends, at = begins + len(text), begins
        for first, last in found:
            start, stop = max(first, at), min(last, ends)
            if start < stop:
                made += [(whole[at:start], usual), (whole[start:stop], style)]
                at = stop
        made.append((whole[at:ends], usual))
        begins = ends
    return tuple(span for span in made if span[0])
