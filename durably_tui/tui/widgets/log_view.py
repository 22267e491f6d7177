"""A log of any length that follows its end, drawn by Textual's Line API."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from durably_tui.protocol.models import LogEntry, LogLevel
from durably_tui.text import TimeStyle, cells, safe

from .line_view import ReadingView, Spans, fitted, fold_spans
from .log_lines import (
    LineStyle,
    LogLines,
    at_least,
    body_spans,
    compile_pattern,
    head_spans,
    is_of_another_day,
    matches,
    shifted,
    time_text,
)

CAPACITY = 100_000
"""How many entries a view keeps unless it is told otherwise."""

_SHIFT = 8


class LogView(ReadingView):
    """Log lines, following the end until one scrolls up.

    Without wrapping one entry is one line. With it, scrolling goes by entries: the top of the view
    is the start of an entry, but at the end, where the bottom is the end of the last.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("end,G,F", "follow", "Follow", show=False),
        Binding("right", "shift(1)", "Right", show=False),
        Binding("left", "shift(-1)", "Left", show=False),
    ]

    following: var[bool] = var(True, init=False)
    """Whether the view stays at the end while lines come in."""
    wrap: var[bool] = var(False)
    """Whether long lines go on in the next line instead of to the right."""
    time_style: var[TimeStyle] = var(TimeStyle.LOCAL)
    """How times are written."""
    show_run: var[bool] = var(False)
    """Whether each line says which run it is of."""
    earlier_unseen: var[bool] = var(False)
    """Whether there were lines before the first that nobody here saw: a line on top says so."""
    empty: var[str] = var("No log lines yet.")
    """What is said where there are no lines."""

    class FollowingChanged(Message):
        """The view began to follow the end, or stopped."""

        def __init__(self, view: LogView, following: bool) -> None:
            super().__init__()
            self.view = view
            self.following = following

        @property
        def control(self) -> LogView:
            """The view, for ``@on`` with a selector."""
            return self.view

    def __init__(
        self,
        *,
        capacity: int = CAPACITY,
        clock: Callable[[], float] = time.time,
        empty: str | None = None,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a view.

        Args:
            capacity: About how many entries are kept; the oldest go.
            clock: Seconds since the epoch.
            empty: What is said where there are no lines.
            name: The name of the widget.
            id: The id of the widget.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._lines = LogLines(capacity)
        self._now = clock()
        self._search: re.Pattern[str] | None = None
        self._only: re.Pattern[str] | None = None
        self._level: LogLevel | None = None
        self._current: int | None = None
        self._shift = 0
        self._placing = False
        self._wrapped: tuple[object, list[Spans]] | None = None
        self._strips: dict[int, Strip] = {}
        self._strips_for: LineStyle | None = None
        if empty is not None:
            self.set_reactive(LogView.empty, empty)

    # ------------------------------------------------------------- entries

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def kept(self) -> int:
        """How many entries are kept, shown or not."""
        return len(self._lines.kept)

    @property
    def dropped(self) -> int:
        """How many entries went as there were too many."""
        return self._lines.dropped

    def extend(self, entries: Iterable[LogEntry]) -> None:
        """Add entries at the end. Cheap for many at once; call it once a frame, not once a line."""
        before = len(self._lines)
        gone = self._lines.extend(entries)
        if not gone and len(self._lines) == before:
            return
        if gone or not before or self.wrap or self.following:
            # Where nothing of this is so, what is in view is what it was.
            self._wrapped = None
        self._lay_out(gone)
        top = self.scroll_offset.y
        if gone or not before or self.wrap:
            self.refresh()
        elif before - gone + self._notes < top + self.size.height:
            self._refresh_from(before + self._notes - top)

    def set_entries(self, entries: Iterable[LogEntry]) -> None:
        """Show these entries and no others."""
        self._lines.clear()
        self._strips.clear()
        self._current = None
        self._lines.extend(entries)
        self._all_changed()

    def clear(self) -> None:
        """Forget every entry, and follow."""
        self.set_entries(())
        self.following = True

    def tick(self, now: float) -> None:
        """Let the clock go on: relative times that look different are repainted."""
        before, self._now = self._now, now
        style = self._style()
        if style.times is not TimeStyle.RELATIVE or self.wrap:
            if style.times is TimeStyle.RELATIVE:
                self._all_changed()
            return
        top = self.scroll_offset.y - self._notes
        for y in range(self.size.height):
            if 0 <= top + y < len(self._lines):
                entry = self._lines.entry(top + y)
                if time_text(entry, style, before) != time_text(entry, style, now):
                    self._strips.pop(self._lines.number(top + y), None)
                    self.refresh(Region(0, y, 1 + style.time_cells, 1))

    # ------------------------------------------------ filters and searching

    def set_level(self, level: LogLevel | None) -> None:
        """Show only what is at least as grave; all of it for None."""
        self._level = level
        self._filter()

    def set_show_only(self, pattern: str | None) -> None:
        """Show only the entries in which a pattern is found; all of them for None or nothing."""
        self._only = compile_pattern(pattern) if pattern else None
        self._filter()

    def set_search(self, pattern: str | None) -> None:
        """Light what a pattern matches; nothing for None or an empty one.

        The pattern is a regular expression, or a text where it is none; case matters where it has a
        capital.
        """
        self._search = compile_pattern(pattern) if pattern else None
        self._current = None
        self._all_changed()

    def next_match(self) -> bool:
        """Go to the next entry that the search matches, round the end. False where none does."""
        return self._go_to_match(1)

    def prev_match(self) -> bool:
        """Go to the entry before that the search matches, round the start."""
        return self._go_to_match(-1)

    def count_matches(self) -> int:
        """How many of the shown entries the search matches. Looks at all of them."""
        if (search := self._search) is None:
            return 0
        return sum(matches(self._lines.entry(at), search) for at in range(len(self._lines)))

    def _filter(self) -> None:
        level, only = self._level, self._only
        if level is None and only is None:
            self._lines.show_only(None)
        else:
            self._lines.show_only(
                lambda entry: (
                    (level is None or at_least(entry, level))
                    and (only is None or matches(entry, only))
                )
            )
        self._all_changed()

    def _go_to_match(self, step: int) -> bool:
        total = len(self._lines)
        if self._search is None or not total:
            return False
        start = self._start_of_search(step)
        for distance in range(1, total + 1):
            at = (start + step * distance) % total
            if matches(self._lines.entry(at), self._search):
                for number in (self._current, self._lines.number(at)):
                    if number is not None:
                        self._strips.pop(number, None)
                self._current = self._lines.number(at)
                self._wrapped = None
                self.following = False
                self._place(at + self._notes - self.size.height // 2)
                self.refresh()
                return True
        return False

    def _start_of_search(self, step: int) -> int:
        """The index that the search goes on from: the current match, else the edge of the view."""
        if self._current is not None:
            first, last = 0, len(self._lines)
            while first < last:
                middle = (first + last) // 2
                if self._lines.number(middle) < self._current:
                    first = middle + 1
                else:
                    last = middle
            return first
        top = self.scroll_offset.y - self._notes
        return top - 1 if step > 0 else min(len(self._lines), top + self.size.height)

    # ------------------------------------------------------------ scrolling

    @property
    def _notes(self) -> int:
        """How many lines stand above the first entry."""
        return 1 if self.earlier_unseen or self._lines.dropped else 0

    def _lay_out(self, gone: int = 0) -> None:
        """Fit the scrollable height, and stay at the end, or where one reads."""
        if not self.is_attached:
            return
        top = self.scroll_offset.y
        height = self.size.height
        total = len(self._lines) + self._notes
        if self.wrap and len(self._lines):
            total = self._tail(height)[0] + height
        size = Size(0, total)
        self._placing = True
        try:
            if size != self.virtual_size:
                self.virtual_size = size
            if self.following:
                self.scroll_to(y=max(0, total - height), animate=False, force=True)
            elif gone:
                self.scroll_to(y=max(0, top - gone), animate=False, force=True)
        finally:
            self._placing = False

    def _place(self, top: int) -> None:
        """Scroll so that a line is on top."""
        self._placing = True
        try:
            self.scroll_to(y=max(0, top), animate=False, force=True)
        finally:
            self._placing = False

    def _is_at_end(self) -> bool:
        return self.scroll_offset.y >= self.virtual_size.height - self.size.height

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when one scrolls up, follow again when one comes to the end."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._wrapped = None
            if not self._placing:
                self.following = self._is_at_end()

    def watch_following(self, following: bool) -> None:
        """Go to the end, and tell."""
        if following:
            self._lay_out()
        self.post_message(self.FollowingChanged(self, following))

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self._lay_out()

    def action_scroll_pages(self, pages: int) -> None:
        """Scroll by some pages; with wrapping by half of one, as entries have many lines."""
        page = max(1, self.size.height - 1)
        self.action_scroll_lines(pages * (max(1, page // 2) if self.wrap else page))

    def action_shift(self, steps: int) -> None:
        """Move the text of the lines to the side; it stays there while lines come in.

        Where there is no more text on that side, the key is left to the place around the view.
        """
        if self.wrap or not (self._shift if steps < 0 else self._is_cut()):
            raise SkipAction
        self._shift = max(0, self._shift + steps * _SHIFT)
        self._all_changed()

    def _is_cut(self) -> bool:
        """Whether a line in sight goes on beyond the right edge."""
        edge = self._shift + self._style().room
        top = max(0, self.scroll_offset.y - self._notes)
        return any(
            sum(cells(text) for text, _ in body_spans(entry, 2 * edge + 64, None)) > edge
            for entry in map(
                self._lines.entry, range(top, min(len(self._lines), top + self.size.height))
            )
        )

    # -------------------------------------------------------------- drawing

    def _style(self) -> LineStyle:
        kept = self._lines.kept
        oldest = kept[0].timestamp if kept else None
        return LineStyle(
            self.line_width,
            self.time_style,
            dated=oldest is not None and is_of_another_day(oldest, self._now),
            show_run=self.show_run,
        )

    def render_line(self, y: int) -> Strip:
        """A line of the widget."""
        width = self.line_width
        if not len(self._lines):
            return self._stand_in(y, width)
        style = self._style()
        if style != self._strips_for:
            self._strips.clear()
            self._wrapped = None
            self._strips_for = style
        if self.wrap:
            lines = self._wrapped_lines(style)
            return self.painter.strip(lines[y] if y < len(lines) else (), width)
        index = self.scroll_offset.y + y - self._notes
        if index < 0:
            return self.painter.strip(self._note(), width)
        if index >= len(self._lines):
            return self.painter.strip((), width)
        number = self._lines.number(index)
        strip = self._strips.get(number)
        if strip is None:
            strip = self._strips[number] = self._entry_strip(index, style)
            if len(self._strips) > 4 * (self.size.height + 64):
                self._strips = {number: strip}
        return strip

    def _entry_strip(self, index: int, style: LineStyle) -> Strip:
        entry = self._lines.entry(index)
        ground = "cursor" if self._lines.number(index) == self._current else ""
        # A character may be shown in no cell at all, so look at some more than there is room for.
        body = body_spans(entry, self._shift + 2 * style.room + 64, self._search)
        return self.painter.strip(
            (
                *head_spans(entry, style, self._now),
                *fitted(shifted(body, self._shift), style.room),
            ),
            style.width,
            ground,
        )

    def _note(self) -> Spans:
        if self._lines.dropped:
            return ((f" {self._lines.dropped} earlier lines are no longer kept", "muted"),)
        return ((" earlier lines were not seen", "muted"),)

    def _stand_in(self, y: int, width: int) -> Strip:
        text = "No line matches the filter." if self.kept else safe(self.empty)
        if y != max(0, self.size.height // 3):
            return self.painter.strip((), width)
        return self.painter.strip(
            ((" " * max(0, (width - cells(text)) // 2), "text"), (text, "muted")), width
        )

    # ------------------------------------------------------------- wrapping

    def _wrapped_lines(self, style: LineStyle) -> list[Spans]:
        """What stands in the view, line by line, with wrapping."""
        height, top = self.size.height, self.scroll_offset.y
        key = (top, height, style, self._now, len(self._lines), self._lines.dropped)
        if self._wrapped is not None and self._wrapped[0] == key:
            return self._wrapped[1]
        if top and self._is_at_end():
            lines = self._tail(height)[1]
        else:
            lines = [self._note()] if self._notes and not top else []
            index = max(0, top - self._notes)
            while len(lines) < height and index < len(self._lines):
                lines += self._folded(index, style)
                index += 1
        self._wrapped = (key, lines[:height])
        return self._wrapped[1]

    def _tail(self, height: int) -> tuple[int, list[Spans]]:
        """How far one can scroll, so that every line can be seen, and what is seen there."""
        style = self._style()
        lines: list[Spans] = []
        index = len(self._lines)
        while index and len(lines) < height:
            index -= 1
            lines = self._folded(index, style) + lines
        whole = len(lines) <= height
        if not index and whole and len(lines) + self._notes <= height:
            return 0, [self._note()] * self._notes + lines
        # An entry of which only the end is seen here has a place of its own before this one.
        return index + self._notes + (not whole), lines[-height:] if height else []

    def _folded(self, index: int, style: LineStyle) -> list[Spans]:
        """An entry over as many lines as it needs, at most one less than the view has."""
        entry = self._lines.entry(index)
        most = max(1, self.size.height - 1)
        body = body_spans(entry, most * style.room + 64, self._search, keep_newlines=True)
        folded = fold_spans(body, style.room)
        if cut := len(folded) > most:
            folded = folded[:most]
        head = head_spans(entry, style, self._now)
        indent = " " * (style.width - style.room)
        lines = [
            (*head, *line) if not number else ((indent, "text"), *line)
            for number, line in enumerate(folded)
        ]
        if cut:
            room = style.width - 2
            lines[-1] = (*fitted(lines[-1], room), (" …", "muted"))
        return lines

    # -------------------------------------------------------------- changes

    def _all_changed(self) -> None:
        self._strips.clear()
        self._wrapped = None
        self._lay_out()
        self.refresh()

    def _refresh_from(self, y: int) -> None:
        first = max(0, y)
        self.refresh(Region(0, first, self.line_width, max(1, self.size.height - first)))

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._wrapped = None

    def watch_wrap(self) -> None:
        """Lay everything out the other way."""
        self._all_changed()

    def watch_time_style(self) -> None:
        """Write the times the other way."""
        self._all_changed()

    def watch_show_run(self) -> None:
        """Say or do not say which run a line is of."""
        self._all_changed()

    def watch_earlier_unseen(self) -> None:
        """Show or hide the line on top."""
        self._all_changed()

    def watch_empty(self) -> None:
        """Say the new text."""
        if not len(self._lines):
            self.refresh()

    def on_resize(self) -> None:
        """Stay at the end."""
        self._wrapped = None
        self._lay_out()
