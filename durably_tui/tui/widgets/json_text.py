"""A text as rows, with the same face as a ``JsonTree``: a row is a line of it."""

from __future__ import annotations

import re
from array import array
from typing import Any

from durably_tui.text import safe

from .line_view import Spans
from .traceback_lines import is_traceback, line_style

_LONGEST = 4_000
"""Characters of one row; a longer line goes on in the next."""


class TextRows:
    """The lines of a text, found one after the other."""

    is_text = True

    def __init__(self, text: str) -> None:
        """Nothing is read yet; ``grow`` does."""
        self.complete = False
        self.containers = array("i")
        self._text = text
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._next = 0
        self._is_traceback = is_traceback(text)

    def __len__(self) -> int:
        return len(self._starts)

    def grow(self, count: int) -> None:
        """Find up to ``count`` rows more."""
        text = self._text
        for _ in range(count):
            if self._next > len(text):
                self.complete = True
                return
            start = self._next
            end = text.find("\n", start, start + _LONGEST)
            if end < 0:
                end = min(len(text), start + _LONGEST)
                # A line that goes on has no line end to pass.
                self._next = end + (end == len(text) or text[end] == "\n")
            else:
                self._next = end + 1
            self._starts.append(start)
            self._stops.append(end - 1 if text[start:end].endswith("\r") else end)

    def depth(self, row: int) -> int:
        """Lines stand side by side."""
        return 0

    def parent(self, row: int) -> int:
        """Nothing can be folded."""
        return -1

    def opener(self, row: int) -> int:
        """A line is its own."""
        return row

    def is_container(self, row: int) -> bool:
        """Nothing can be folded."""
        return False

    def end(self, row: int) -> int:
        """Nothing can be folded."""
        return 0

    def value(self, row: int) -> Any:
        """The whole text: a part of it is what the mouse is for."""
        return self._text

    def text(self, row: int) -> str | None:
        """The line."""
        return self._text[self._starts[row] : self._stops[row]]

    def path(self, row: int) -> str:
        """Where a row is."""
        return f"line {row + 1:,}"

    def found(self, row: int, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern is in the line."""
        return pattern.search(self._text, self._starts[row], self._stops[row]) is not None

    def spans(self, row: int, *, folded: bool = False, room: int | None = None) -> Spans:
        """The line."""
        line = self._text[self._starts[row] : self._stops[row]]
        style = line_style(line, "text") if self._is_traceback else "text"
        return ((safe(line, limit=None), style),)
