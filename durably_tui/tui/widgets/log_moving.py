"""Going through a log: following its end, the cursor, pages, and to the side."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var

from durably_tui.state.log_store import LogStore
from durably_tui.text import cells

from .log_above import Earlier
from .log_lines import body_spans
from .log_painting import LogPainting

_SHIFT = 8


class LogMoving(LogPainting):
    """Follows the end until one goes up, and stays where one reads while lines come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_move(1)", "Down", show=False),
        Binding("up,k", "cursor_move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "follow", "Follow", show=False),
        Binding("right,shift+right,greater_than_sign", "shift(1)", "Right", show=False),
        Binding("left,shift+left,less_than_sign", "shift(-1)", "Left", show=False),
    ]

    following: var[bool] = var(True, init=False)
    """Whether the view stays at the end while lines come in."""

    class Changed(Message, namespace="log_view"):
        """Something that is told about the view has changed: what it follows, shows or found."""

        def __init__(self, view: LogMoving) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LogMoving:
            """The view, for ``@on`` with a selector."""
            return self.view

    class EarlierWanted(Changed, namespace="log_view"):
        """Somebody went up at the first line."""

    def __init__(
        self,
        store: LogStore,
        *,
        clock: Callable[[], float] = time.time,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Show the lines of ``store``; ``clock`` gives seconds since the epoch."""
        super().__init__(store, clock=clock, name=name, id=id, classes=classes)
        self._anchor: tuple[int, int] | None = None
        self._height = 0  # another than the widget's while it is being resized: that is no scroll
        self._placing = False
        self._to_first = False

    # ------------------------------------------------------------ scrolling

    def fit(self) -> None:
        """Fit the scrollable height, stay at the end or where one reads, and draw again."""
        if not self.is_attached:
            return
        self._tall_lines = None
        self._placing = True
        try:
            size = self.total
            if size != self.virtual_size:
                self.virtual_size = size
            if self.following:
                self._scroll(size.height - self.size.height)
            elif self._anchor is not None:
                number, y = self._anchor
                self._scroll(self.looking.shown.index(number) + self.notes - y)
        finally:
            self._placing = False
        self.refresh()

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True)

    def _place(self, top: int) -> None:
        """Scroll so that a line is on top."""
        self._placing = True
        try:
            self._scroll(top)
        finally:
            self._placing = False

    def _is_at_end(self) -> bool:
        return self.scroll_offset.y >= self.virtual_size.height - self.size.height

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when one scrolls up, follow again when one comes to the end."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) == round(new_value):
            return
        if not self._placing and self.size.height == self._height:
            self._to_first = False
            self.following = self._is_at_end()
            if not self.scroll_offset.y:
                self.post_message(self.EarlierWanted(self))
        self._hold()

    def _hold(self) -> None:
        """Remember which line is where, for when others come before it."""
        self._anchor = None
        if not self.following:
            for y in range(min(2, self.size.height)):
                if (index := self.index_at(y)) is not None:
                    self._anchor = self.looking.shown[index], y
                    return

    def watch_following(self, following: bool) -> None:
        """Go to the end, and tell."""
        if following:
            self._move_cursor_to(None)
            self.fit()
        else:
            self._hold()
        self.post_message(self.Changed(self))

    # ------------------------------------------------------------ the cursor

    @property
    def shift(self) -> int:
        """How many cells of the messages are hidden on the left."""
        return 0 if self.wrap else self._shift

    @property
    def cursor(self) -> int | None:
        """The number of the line that is acted on: the last one while the view follows."""
        if self._cursor is None and len(self):
            return self.looking.shown[self._cursor_index()]
        return self._cursor

    def go_to(self, number: int | None) -> bool:
        """Put the cursor on a line and bring it into sight. False for None."""
        if number is None:
            return False
        self._to_first = False
        self.following = False
        self._move_cursor_to(number)
        index = self.looking.shown.index(number)
        if not self._is_in_sight(index):
            self._place(index + self.notes - self.size.height // 2)
            self._hold()
        self._bring_into_sight(index)
        self.post_message(self.Changed(self))
        return True

    def _move_cursor_to(self, number: int | None) -> None:
        before, self._cursor = self._cursor, number
        if before != number:
            self.line_changed(before)
            self.line_changed(number)

    def _cursor_index(self) -> int:
        """Where the cursor is; without one the last line in sight."""
        if self._cursor is not None:
            return min(self.looking.shown.index(self._cursor), len(self) - 1)
        if not self.following:
            for y in reversed(range(self.size.height)):
                if (index := self.index_at(y)) is not None:
                    return index
        return len(self) - 1

    def _is_in_sight(self, index: int) -> bool:
        return any(self.index_at(y) == index for y in range(self.size.height))

    def _bring_into_sight(self, index: int) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if self.is_tall:
            wanted = self.tall.top_for(index, top)
        else:
            y = index + self.notes
            wanted = (y if index else 0) if y < top else max(top, y - height + 1)
        if wanted != top:
            self._place(wanted)
            self._hold()

    def action_cursor_move(self, rows: int) -> None:
        """Move the cursor by some lines; down from the last it follows."""
        self._to_first = False
        if not len(self):
            self.post_message(self.EarlierWanted(self))
            return
        at = self._cursor_index()
        to = max(0, at + rows)
        if to >= len(self):
            self.action_follow()
            return
        self.following = False
        if rows < 0 and not to:
            self.post_message(self.EarlierWanted(self))
        self._move_cursor_to(self.looking.shown[to])
        self._bring_into_sight(to)
        self.post_message(self.Changed(self))

    def action_page(self, pages: int) -> None:
        """Scroll by some pages; by half ones where entries have many lines."""
        self._to_first = False
        page = max(1, self.size.height - 1)
        rows = pages * (max(1, page // 2) if self.is_tall else page)
        if not len(self):
            return
        to = max(0, self._cursor_index() + rows)
        if to >= len(self) - 1:
            self.action_follow()
            return
        self.following = False
        self._place(min(self.scroll_offset.y + rows, self.total.height - self.size.height))
        self._hold()
        self.action_cursor_move(to - self._cursor_index())

    def action_first(self) -> None:
        """Go to the first line, and on to the first that the server has; a movement stops that."""
        if len(self):
            self.action_cursor_move(-len(self))
            self._place(0)
            self._hold()
            self._to_first = self.earlier is Earlier.READY

    def go_on_to_first(self) -> None:
        """Go to what is the first line by now, and ask for more before it, where one goes there."""
        if not self._to_first or not len(self):
            return
        self._move_cursor_to(self.looking.shown[0])
        self._place(0)
        self._hold()
        self._to_first = self.earlier is Earlier.READY
        if self._to_first:
            self.call_later(self.want_earlier)

    def want_earlier(self) -> None:
        """Ask for earlier lines."""
        # What is posted while the pane handles a message goes no further than the pane.
        self.post_message(self.EarlierWanted(self))

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self._to_first = False
        self.following = True
        self.fit()

    def action_toggle_follow(self) -> None:
        """Follow the end, or stay here."""
        if self.following:
            self.following = False
            self._move_cursor_to(self.cursor)
        else:
            self.action_follow()

    def action_unfold(self) -> None:
        """Show the data of the line over many lines, or on one again."""
        number = self.cursor
        if number is None:
            return
        self.following = False
        self._move_cursor_to(number)
        self._unfolded ^= {number}
        self._strips.clear()
        self.fit()
        self._bring_into_sight(self.looking.shown.index(number))

    def action_shift(self, steps: int) -> None:
        """Move the text of the lines to the side; it stays there while lines come in.

        Where there is no more text on that side, the key is left to the place around the view.
        """
        if self.wrap or not (self._shift if steps < 0 else self._is_cut()):
            raise SkipAction
        self._shift = max(0, self._shift + steps * _SHIFT)
        self.all_changed()
        self.post_message(self.Changed(self))

    def _is_cut(self) -> bool:
        """Whether a line in sight goes on beyond the right edge."""
        edge = self._shift + self.style_now().room
        indices = {self.index_at(y) for y in range(self.size.height)} - {None}
        lines = (self.store.line(self.looking.shown[at], 2 * edge + 64) for at in indices)  # type: ignore[index]
        return any(
            sum(cells(text) for text, _ in body_spans(line, 2 * edge + 64, None)) > edge
            for line in lines
            if not line.gap
        )

    async def _on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = None if offset is None else self.index_at(offset.y)
        if index is not None:
            event.stop()
            self.go_to(self.looking.shown[index])

    # -------------------------------------------------------------- changes

    def watch_wrap(self) -> None:
        """Lay everything out the other way."""
        self._strips.clear()
        self.fit()

    def watch_above(self) -> None:
        """Show or hide the line on top."""
        self.fit()

    def on_resize(self) -> None:
        """Stay at the end, or where one reads."""
        self._height = self.size.height
        self.fit()
