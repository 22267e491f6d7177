"""A JSON value or a long text to read: formatted as one scrolls, never all at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from textual.geometry import Size
from textual.strip import Strip
from textual.timer import Timer

from .json_lines import json_lines, text_lines
from .line_view import ReadingView, Spans

_AHEAD = 1_000
"""How many lines are formatted beyond what is seen."""
_SLICE = 2_000
"""How many are formatted at once on the way to the end."""


class JsonView(ReadingView):
    """Shows one value, folded into the width, coloured by kind.

    Only the lines up to a little below the view are formatted, so a value of any size is shown at
    once; the scrollbar knows of what was formatted so far.
    """

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._value: Any = ""
        self._lines: list[Spans] = []
        self._rest: Iterator[Spans] | None = None
        self._width = 0
        self._hurry: Timer | None = None

    def show(self, value: Any) -> None:
        """Show a value from its start: a string as a text, all else as JSON."""
        self._value = value
        self._start_over()
        if self.is_attached:
            self.scroll_to(y=0, animate=False, force=True)

    @property
    def is_complete(self) -> bool:
        """Whether every line is formatted."""
        return self._rest is None

    def _start_over(self) -> None:
        self._stop_hurrying()
        self._lines = []
        self._width = self.line_width if self.is_attached else 0
        self._rest = None
        if self._width:
            make = text_lines if isinstance(self._value, str) else json_lines
            self._rest = make(self._value, max(4, self._width - 2))
            self._format(_AHEAD)
        self.refresh()

    def _format(self, upto: int) -> None:
        """Format lines until there are so many, or no more."""
        if self._rest is None or len(self._lines) >= upto:
            return
        self._lines += islice(self._rest, upto - len(self._lines))
        if len(self._lines) < upto:
            self._rest = None
        size = Size(0, len(self._lines))
        if size != self.virtual_size:
            self.virtual_size = size

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Format what comes next."""
        super().watch_scroll_y(old_value, new_value)
        self._format(round(new_value) + self.size.height + _AHEAD)

    def action_scroll_last(self) -> None:
        """Go to the end, formatting on the way there, some lines at a time."""
        if self._rest is None:
            self._stop_hurrying()
        else:
            self._format(len(self._lines) + _SLICE)
            if self._hurry is None:
                self._hurry = self.set_interval(1 / 60, self.action_scroll_last)
        super().action_scroll_last()

    def _stop_hurrying(self) -> None:
        if self._hurry is not None:
            self._hurry.stop()
            self._hurry = None

    def action_scroll_lines(self, lines: int) -> None:
        """Scroll by some lines; on the way to the end: here is far enough."""
        self._stop_hurrying()
        super().action_scroll_lines(lines)

    def action_scroll_first(self) -> None:
        """Go to the first line."""
        self._stop_hurrying()
        super().action_scroll_first()

    def on_resize(self) -> None:
        """Fold the lines anew where the width changed, and stay about where one reads."""
        if self.line_width == self._width:
            return
        top, total = self.scroll_offset.y, max(1, len(self._lines))
        self._start_over()
        if top:
            self._format(top + self.size.height + _AHEAD)
            self.scroll_to(y=top * len(self._lines) // total, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """A line of the value."""
        width, at = self.line_width, self.scroll_offset.y + y
        spans = self._lines[at] if at < len(self._lines) else ()
        return self.painter.strip(((" ", "text"), *spans), width)
