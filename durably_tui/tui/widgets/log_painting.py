"""The picture of a log: one line an entry, or as many as it needs; only what is in sight."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from textual.geometry import Region, Size
from textual.reactive import var
from textual.strip import Strip

from durably_tui.state.log_block import Line
from durably_tui.state.log_looking import LogLooking
from durably_tui.state.log_store import LogStore
from durably_tui.text import TimeStyle, cells, safe

from .folding import fold_spans
from .line_view import ReadingView, Span, Spans, fitted
from .log_above import Earlier
from .log_lines import (
    LineStyle,
    body_spans,
    data_lines,
    gap_spans,
    head_spans,
    is_of_another_day,
    shifted,
    time_text,
)
from .log_tall import Row, TallLines

_INDENT = "  "


class LogPainting(ReadingView):
    """The lines of a store that are shown, drawn; what moves it is above (``LogView``)."""

    wrap: var[bool] = var(False)
    """Whether long lines go on in the next line instead of to the right."""
    time_style: var[TimeStyle] = var(TimeStyle.LOCAL)
    """How times are written."""
    show_run: var[bool] = var(False)
    """Whether each line says which run it is of."""
    above: var[str] = var("")
    """What is said above the first line, such as that earlier ones were not seen."""
    earlier: var[Earlier] = var(Earlier.NONE)
    """Whether lines may stand before the first."""
    empty: var[str] = var("No log lines yet.")
    """What is said where there are no lines."""

    def __init__(
        self,
        store: LogStore,
        *,
        clock: Callable[[], float] = time.time,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Draw the lines of ``store``; ``clock`` gives seconds since the epoch."""
        super().__init__(name=name, id=id, classes=classes)
        self.looking = LogLooking(store)
        """What of the store is shown and searched for."""
        self._now = clock()
        self._cursor: int | None = None
        self._unfolded: set[int] = set()
        self._shift = 0
        self._tall_lines: TallLines | None = None
        self._strips: dict[int, Strip] = {}
        self._strips_for: LineStyle | None = None
        self._stepped: LogStore | None = None
        """The store, once one of its lines that was drawn has the name of a step."""

    def __len__(self) -> int:
        """How many lines are shown."""
        return len(self.looking.shown)

    @property
    def store(self) -> LogStore:
        """The lines."""
        return self.looking.store

    # -------------------------------------------------------------- layout

    @property
    def is_tall(self) -> bool:
        """Whether an entry may take more than one line."""
        return self.wrap or bool(self._unfolded)

    @property
    def notes(self) -> int:
        """How many lines stand above the first entry."""
        return 1 if self.above or self.store.dropped else 0

    @property
    def total(self) -> Size:
        """How far one can scroll, as a size."""
        if self.is_tall and len(self):
            return Size(0, self.tall.last_top + self.size.height)
        return Size(0, len(self) + self.notes)

    @property
    def tall(self) -> TallLines:
        """Where entries of more than one line stand."""
        if self._tall_lines is None:
            style = self.style_now()
            notes = [self._note()] * self.notes
            self._tall_lines = TallLines(
                lambda index: self._entry_lines(index, style), len(self), notes, self.size.height
            )
        return self._tall_lines

    @property
    def _rows(self) -> list[Row]:
        return self.tall.rows(self.scroll_offset.y)

    def index_at(self, y: int) -> int | None:
        """The index of the entry in a line of the view; None where there is none."""
        if self.is_tall:
            rows = self._rows
            return rows[y].index if 0 <= y < len(rows) else None
        index = self.scroll_offset.y + y - self.notes
        return index if 0 <= index < len(self) else None

    def style_now(self) -> LineStyle:
        """How lines are laid out as things are."""
        store = self.store
        oldest = store.line(store.first, 0).at if len(store) else None
        return LineStyle(
            self.line_width,
            self.time_style,
            dated=oldest is not None and is_of_another_day(oldest, self._now),
            show_run=self.show_run,
            show_step=self._stepped is store,
        )

    # ------------------------------------------------------------- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of the widget, all in one style."""
        style = self.style_now()
        if style != self._strips_for:
            self._forget()
            self._strips_for = style
        strips = super().render_lines(crop)
        if not style.show_step and self._stepped is self.store:
            # The first name of a step is among these: all of them anew, with a column for it.
            self.all_changed()
            self._strips_for = self.style_now()
            strips = super().render_lines(crop)
        return strips

    def render_line(self, y: int) -> Strip:
        """A line of the widget."""
        style = self._strips_for or self.style_now()
        width = style.width
        if not len(self):
            return self._stand_in(y, width)
        if self.is_tall:
            rows = self._rows
            row = rows[y] if y < len(rows) else Row(None, ())
            ground = "" if row.index is None else self._ground(self.looking.shown[row.index])
            return self.painter.strip(row.spans, width, ground)
        index = self.scroll_offset.y + y - self.notes
        if index < 0:
            return self.painter.strip(self._note(), width)
        if index >= len(self):
            return self.painter.strip((), width)
        number = self.looking.shown[index]
        strip = self._strips.get(number)
        if strip is None:
            if len(self._strips) > 4 * (self.size.height + 64):
                self._strips.clear()
            strip = self._strips[number] = self._entry_strip(number, style)
        return strip

    def _ground(self, number: int) -> str:
        if number != self._cursor:
            return ""
        return "cursor" if self.has_focus else "blurred"

    def _entry_strip(self, number: int, style: LineStyle) -> Strip:
        # A character may be shown in no cell at all, so look at some more than there is room for.
        limit = self._shift + 2 * style.room + 64
        line = self.store.line(number, limit)
        if line.gap:
            spans = gap_spans(line, style, self._now)
        else:
            body = shifted(body_spans(line, limit, self._lit), self._shift)
            spans = (*self._head(line, style), *fitted(body, style.room))
        return self.painter.strip(spans, style.width, self._ground(number))

    def _head(self, line: Line, style: LineStyle) -> Spans:
        if line.step_name:
            self._stepped = self.store
        return head_spans(line, style, self._now, self.looking.pattern)

    @property
    def _lit(self) -> re.Pattern[str] | None:
        pattern = self.looking.pattern
        return None if pattern is None else pattern.regex

    def _entry_lines(self, index: int, style: LineStyle) -> list[Spans]:
        """An entry over as many lines as it needs, at most one less than the view has."""
        number = self.looking.shown[index]
        most = max(1, self.size.height - 1)
        unfolded = number in self._unfolded
        across = most * style.room if self.wrap or unfolded else self._shift + 2 * style.room
        limit = across + 64
        line = self.store.line(number, limit)
        if line.gap:
            return [gap_spans(line, style, self._now)]
        head = self._head(line, style)
        indent: Span = (" " * (style.width - style.room), "text")
        data = line.data if unfolded else ""
        if unfolded:
            line = line._replace(data="")
        if self.wrap or unfolded:
            body = body_spans(line, limit, self._lit, keep_newlines=True)
            lines = fold_spans(body, style.room)
        else:
            body = shifted(body_spans(line, limit, self._lit), self._shift)
            lines = [fitted(body, style.room)]
        if data and len(lines) < most:
            whole = self.store.line(number, 100_000).data
            room = max(8, style.room - len(_INDENT))
            lines += (
                ((_INDENT, "text"), *spans) for spans in data_lines(whole, room, most - len(lines))
            )
        if len(lines) > most:
            lines = [
                *lines[: most - 1],
                (*fitted(lines[most - 1], style.room - 2), (" …", "muted")),
            ]
        return [(*head, *spans) if not at else (indent, *spans) for at, spans in enumerate(lines)]

    def _note(self) -> Spans:
        gone = self.store.dropped
        text = f"{gone:,} earlier lines are no longer kept" if gone else safe(self.above)
        return ((f" {text}", "muted"),)

    def _stand_in(self, y: int, width: int) -> Strip:
        """What is said where no line is shown."""
        if y < self.notes:
            return self.painter.strip(self._note(), width)
        text = safe(self.empty)
        if len(self.store):
            done = self.looking.shown.is_complete and self.earlier is not Earlier.READY
            text = "No line matches the filter." if done else "Looking for lines that match…"
        if y != max(0, self.size.height // 3):
            return self.painter.strip((), width)
        return self.painter.strip(
            ((" " * max(0, (width - cells(text)) // 2), "text"), (text, "muted")), width
        )

    # ------------------------------------------------------------- changes

    def tick(self, now: float) -> None:
        """Let the clock go on: relative times that look different are repainted."""
        before, self._now = self._now, now
        style = self.style_now()
        if style.times is not TimeStyle.RELATIVE or not len(self):
            return
        if self.is_tall:
            self.all_changed()
            return
        for y in range(self.size.height):
            if (index := self.index_at(y)) is not None:
                number = self.looking.shown[index]
                at = self.store.line(number, 0).at
                if time_text(at, style, before) != time_text(at, style, now):
                    self._strips.pop(number, None)
                    self.refresh(Region(0, y, 1 + style.time_cells, 1))

    def line_changed(self, number: int | None) -> None:
        """Draw one line again."""
        if number is None:
            return
        self._strips.pop(number, None)
        for y in range(self.size.height):
            index = self.index_at(y)
            if index is not None and self.looking.shown[index] == number:
                self.refresh(Region(0, y, self.line_width, 1))

    def all_changed(self) -> None:
        """Draw everything again."""
        self._forget()
        self.refresh()

    def _forget(self) -> None:
        self._strips.clear()
        self._tall_lines = None

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self._forget()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor as active or at rest."""
        super().watch_has_focus(has_focus)
        self.line_changed(self._cursor)

    def watch_time_style(self) -> None:
        """Write the times the other way."""
        self.all_changed()

    def watch_show_run(self) -> None:
        """Say or do not say which run a line is of."""
        self.all_changed()

    def watch_empty(self) -> None:
        """Say the new text."""
        if not len(self):
            self.refresh()
