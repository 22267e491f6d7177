"""A JSON value or a long text to read, fold and search: formatted as one goes, not all at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from .json_document import Document, marked
from .json_search import JsonSearch
from .line_view import LineView

_AHEAD = 1_000
"""How many lines are made beyond what is seen."""
_SLICE = 250
"""How many rows are made or searched before the clock is looked at."""
_SLICE_OF_TEXT = 25
"""The same for lines of a text, which may be long."""
_SLICE_SECONDS = 0.008
_FOLDED_AT_ONCE = 2_000
"""A text of more lines than these is folded into another width in turns."""
_TURNS_A_SECOND = 50
_TOLD_EACH = 0.25
"""Seconds after which it is told how far the making or the search is."""


class JsonView(LineView):
    """Shows one value with a cursor, folded into the width, coloured by kind.

    Only the lines up to a little below the view are made, so a value of any size is shown at once;
    the scrollbar knows of what was made so far. What needs all of it (the end, a search) is done
    in small turns, and any key that moves the cursor ends the way to the end.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "move_pages(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "move_pages(-1)", "Page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]

    class Changed(Message):
        """The cursor, or what is known of the value or of the search, is another."""

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._document: Document | None = None
        self._value: Any = ""
        self._width = 0
        self._cursor = 0
        self._turns: Timer | None = None
        self._told = 0.0
        self._then: Callable[[], object] | None = None
        self._search: JsonSearch | None = None
        self._seek: tuple[int, int] | None = None

    # -- what is shown ---------------------------------------------------------------------

    def show(self, value: Any) -> None:
        """Show a value from its start: a string as a text, all else as JSON."""
        self._value = value
        self._stop()
        self._cursor = 0
        self._document = None
        if self.is_attached:
            self.scroll_to(y=0, animate=False, force=True)
            self._begin()

    def _begin(self) -> None:
        """Make the first lines, once it is known how wide they are."""
        width = self.line_width
        if not width:
            return
        self._width = width
        self._document = Document(self._value, width - 2)
        self._make(self.size.height + _AHEAD)
        if self._search is not None:
            self._search = JsonSearch(self._search.pattern)
            self._go_on()
        self._show_anew()

    @property
    def document(self) -> Document | None:
        """The lines; None until there is a width."""
        return self._document

    @property
    def is_complete(self) -> bool:
        """Whether every line is made."""
        return self._document is not None and self._document.complete

    @property
    def is_busy(self) -> bool:
        """Whether lines are being made or searched."""
        return self._turns is not None

    @property
    def cursor_row(self) -> int:
        """The row of the document that the cursor is in."""
        return self._document.row(self._cursor)[0] if self._document else 0

    def _make(self, lines: int) -> None:
        """Make lines until there are so many, or no more."""
        document = self._document
        while document is not None and not document.complete and document.lines < lines:
            document.grow(_slice(document))
        self._resize_virtual()

    def _resize_virtual(self) -> None:
        size = Size(0, self._document.lines if self._document else 0)
        if size != self.virtual_size:
            self.virtual_size = size

    def _show_anew(self) -> None:
        self._resize_virtual()
        self.refresh()
        self.post_message(self.Changed())

    # -- what needs all lines --------------------------------------------------------------

    def when_complete(self, then: Callable[[], object]) -> None:
        """Make every line, some at a time, then do something; a movement forgets about it."""
        if self.is_complete:
            then()
        else:
            self._then = then
            self._go_on()

    def _go_on(self) -> None:
        if self._turns is None:
            self._turns = self.set_interval(1 / _TURNS_A_SECOND, self._turn)

    def _turn(self) -> None:
        document, search = self._document, self._search
        if document is None:
            return
        stop = time.perf_counter() + _SLICE_SECONDS
        done = False
        while not done and time.perf_counter() < stop:
            if search is not None and search.behind(document):
                search.look(document, _SLICE)
            elif document.complete:
                done = True
            else:
                document.grow(_slice(document))
        self._find(done=done)
        now = time.perf_counter()
        if not done and now - self._told < _TOLD_EACH:
            return  # each change of the size or of the status is a layout of the place
        self._told = now
        self._resize_virtual()
        if done:
            then, self._then = self._then, None
            self._stop()
            if then is not None:
                then()
        self.post_message(self.Changed())

    def _stop(self) -> None:
        self._then = None
        if self._turns is not None:
            self._turns.stop()
            self._turns = None

    # -- the cursor ------------------------------------------------------------------------

    def move_cursor(self, line: int) -> None:
        """Put the cursor into a line, the nearest there is."""
        document = self._document
        if document is None:
            return
        height = max(1, self.size.height)
        self._make(line + height + _AHEAD)
        self._cursor = max(0, min(line, document.lines - 1))
        top = self.scroll_offset.y
        if not top <= self._cursor < top + height:
            far = not top - height <= self._cursor < top + 2 * height
            to = self._cursor if self._cursor < top else self._cursor - height + 1
            # Coming from afar one wants to see what stands around it.
            to = max(0, self._cursor - height // 3) if far else to
            self.scroll_to(y=to, animate=False, force=True)
        self.refresh()
        self.post_message(self.Changed())

    def action_move(self, lines: int) -> None:
        """Move the cursor by some lines; on the way to the end: here is far enough."""
        self._forget_the_end()
        self.move_cursor(self._cursor + lines)

    def action_move_pages(self, pages: int) -> None:
        """Move the cursor by some pages, of which one line stays in sight."""
        step = pages * max(1, self.size.height - 1)
        self._forget_the_end()
        self.scroll_to(y=self.scroll_offset.y + step, animate=False, force=True)
        self.move_cursor(self._cursor + step)

    def action_first(self) -> None:
        """Go to the first line."""
        self._forget_the_end()
        self.move_cursor(0)

    def action_last(self) -> None:
        """Go to the end, making lines on the way there, some at a time."""
        if self._document is not None:
            self.move_cursor(self._document.lines - 1)
            self.when_complete(self._at_last)

    def _at_last(self) -> None:
        if self._document is not None:
            self.move_cursor(self._document.lines - 1)

    def _forget_the_end(self) -> None:
        self._then = None
        if self._search is None:
            self._stop()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Make what comes next."""
        super().watch_scroll_y(old_value, new_value)
        self._make(round(new_value) + self.size.height + _AHEAD)

    async def _on_click(self, event: events.Click) -> None:
        if (offset := event.get_content_offset(self)) is not None:
            event.stop()
            self.move_cursor(offset.y + self.scroll_offset.y)
            if event.chain > 1:
                self.toggle()

    # -- folding ---------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Fold or unfold what the cursor is in; False where there is nothing to fold."""
        document = self._document
        if document is None or not document.lines:
            return False
        row = document.rows.opener(self.cursor_row)
        if document.rows.is_container(row) and not document.rows.end(row):
            self.when_complete(lambda: self._toggle_row(row))
            return True
        return self._toggle_row(row)

    def _toggle_row(self, row: int) -> bool:
        document = self._document
        found = document.toggle(row) if document is not None else None
        if document is None or found is None:
            return False
        self._show_anew()
        self.move_cursor(document.line(found))
        return True

    def fold_all(self) -> None:
        """Fold every container but the outermost, or unfold all."""
        self.when_complete(self._fold_all)

    def _fold_all(self) -> None:
        document = self._document
        if document is not None and document.lines:
            row = self.cursor_row
            document.fold_all()
            self._show_anew()
            self.move_cursor(document.line(row))

    # -- searching -------------------------------------------------------------------------

    @property
    def search(self) -> JsonSearch | None:
        """The search, as far as it is; None where nothing is searched for."""
        return self._search

    def set_search(self, pattern: re.Pattern[str] | None, origin: int | None = None) -> None:
        """Search for a pattern, and go to the first match from ``origin`` (a row) on."""
        self._seek = None
        self._search = None if pattern is None else JsonSearch(pattern)
        if pattern is None:
            self._forget_the_end()
        elif self._document is not None:
            start = self.cursor_row if origin is None else origin
            self._seek = (start - 1, 1)
            self._go_on()
            self._turn()
        self._show_anew()

    def go_to_match(self, by: int) -> bool:
        """Go to the next match (1) or the one before (-1), round the end; False: there is none."""
        if self._search is None or self._document is None:
            return False
        self._seek = (self.cursor_row, by)
        self._find(done=self._turns is None)
        return bool(self._search.found) or self._turns is not None

    def _find(self, *, done: bool) -> None:
        """Go to the match that is sought, once it is known which one that is."""
        search, seek, document = self._search, self._seek, self._document
        if search is None or seek is None or document is None:
            return
        row, by = seek
        found = search.after(row) if by > 0 else search.before(row)
        if found is None and done and search.found:
            found = search.found[0 if by > 0 else -1]
        if found is None:
            if done:
                self._seek = None
            return
        self._seek = None
        self._then = None  # whoever searches on the way to the end wants what they searched for
        document.reveal(found)
        self._resize_virtual()
        line = document.line(found)
        height = document.line(found + 1) - line if found + 1 < len(document.rows) else 1
        for within in range(height if height > 1 else 0):
            if search.pattern.search("".join(t for t, _ in document.spans(found, within))):
                line += within
                break
        self.move_cursor(line)

    def go_to_row(self, row: int) -> None:
        """Put the cursor into a row."""
        if self._document is not None:
            self.move_cursor(self._document.line(row))

    # -- painting --------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Fold the lines anew where the width changed, and stay where one reads."""
        document = self._document
        if document is None:
            self._begin()
        elif self.line_width != self._width:
            self._width = self.line_width
            row = self.cursor_row
            if document.rows.is_text and len(document.rows) > _FOLDED_AT_ONCE:
                self._fold_anew(row)
                return
            document.resize(self._width - 2)
            self._make(self.size.height + _AHEAD)
            self._show_anew()
            self.move_cursor(document.line(row))
        else:
            self._make(self.scroll_offset.y + self.size.height + _AHEAD)

    def _fold_anew(self, row: int) -> None:
        """Fold a long text into another width from its start, a turn at a time, and come back to
        where one read: all of its lines at once would keep a key waiting."""
        self._stop()
        self._cursor = 0
        self._begin()
        self.when_complete(lambda: self.go_to_row(row))

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor as active or at rest."""
        super().watch_has_focus(has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the value."""
        width, at, document = self.line_width, self.scroll_offset.y + y, self._document
        if document is None or at >= document.lines:
            return self.painter.strip((), width)
        row, within = document.row(at)
        spans = document.spans(row, within)
        here = at == self._cursor
        if self._search is not None:
            spans = marked(spans, self._search.pattern, "match-current" if here else "match")
        ground = ("cursor" if self.has_focus else "") if here else ""
        return self.painter.strip(((" ", "text"), *spans), width, ground)


def _slice(document: Document) -> int:
    return _SLICE_OF_TEXT if document.rows.is_text else _SLICE
