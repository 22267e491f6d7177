"""A log of any length that follows its end, with a cursor, a filter and a search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from textual.geometry import Region

from durably_tui.protocol.models import LogEntry, LogLevel
from durably_tui.state.log_looking import LogLooking
from durably_tui.state.log_pattern import LogPattern
from durably_tui.state.log_store import CAPACITY, LogStore

from .log_above import Earlier
from .log_moving import LogMoving

_AT_ONCE = 0.004
"""Seconds that are looked for matches before anything else is done."""
_A_TURN = 0.008
"""Seconds of looking between two chances for keys and frames."""
_SHOW_EVERY = 0.1
"""Seconds between two pictures of what was found by now."""


class LogView(LogMoving):
    """Log lines, following the end until one goes up.

    While it follows there is no cursor: what acts on a line acts on the last. The lines are those
    of a ``LogStore``, its own or one that others fill: then ``sync`` shows what came.
    """

    def __init__(
        self,
        *,
        store: LogStore | None = None,
        capacity: int = CAPACITY,
        clock: Callable[[], float] = time.time,
        empty: str | None = None,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a view.

        Args:
            store: The lines; its own by default.
            capacity: About how many lines its own store keeps; the oldest go.
            clock: Seconds since the epoch.
            empty: What is said where there are no lines.
            name: The name of the widget.
            id: The id of the widget.
            classes: The CSS classes of the widget.
        """
        store = store if store is not None else LogStore(capacity)
        super().__init__(store, clock=clock, name=name, id=id, classes=classes)
        self._first, self._end = store.first, store.end
        self._is_looking = False
        self._origin: int | None = None
        self._asked_before: int | None = None
        if empty is not None:
            self.set_reactive(LogView.empty, empty)

    # ------------------------------------------------------------- entries

    def extend(self, entries: Sequence[LogEntry], gaps: Iterable[tuple[float, float]] = ()) -> None:
        """Add lines at the end, and between them where lines may be missing (in seconds since the
        epoch). Cheap for many at once; call it once a frame, not once a line."""
        self.store.extend_around(entries, gaps)
        self.sync()

    def set_entries(self, entries: Iterable[LogEntry]) -> None:
        """Show these lines and no others."""
        self.store.clear()
        self._cursor = self._anchor = None
        self._unfolded.clear()
        self.store.extend(entries)
        self._first, self._end = self.store.first, self.store.end
        # Lines that are put before the first have the numbers of those that were there before.
        self._stepped = None
        self.all_changed()
        self._look_again()

    def show_store(self, store: LogStore) -> None:
        """Show the lines of another store, with the same filter and search, and follow."""
        before, self.looking = self.looking, LogLooking(store)
        self.looking.pattern = before.pattern
        self.looking.show(before.wants.level, before.wants.only)
        self._cursor = self._anchor = None
        self._unfolded.clear()
        self._first, self._end = store.first, store.end
        self.all_changed()
        self._look_again()
        self.action_follow()

    def clear(self) -> None:
        """Forget every line, and follow."""
        self.set_entries(())
        self.following = True

    def sync(self) -> None:
        """Show what came into the store, or went out of it, since the last time."""
        store = self.store
        if (store.first, store.end) == (self._first, self._end):
            return
        before, top = len(self), self.scroll_offset.y
        moved = store.first != self._first
        self._first, self._end = store.first, store.end
        if moved:
            self._unfolded = {number for number in self._unfolded if number >= store.first}
        self._look()
        if moved or self.following or self.is_tall or not before:
            self.fit()
            return
        self.virtual_size = self.total
        # What is in view is what it was, but for the lines that were empty.
        empty = before + self.notes - top
        if empty < self.size.height:
            self.refresh(Region(0, max(0, empty), self.line_width, self.size.height))

    # ------------------------------------------------ filters and searching

    @property
    def level(self) -> LogLevel | None:
        """What is shown is at least as grave."""
        return self.looking.wants.level

    @property
    def only(self) -> LogPattern | None:
        """What is shown has this in it."""
        return self.looking.wants.only

    def set_level(self, level: LogLevel | None) -> None:
        """Show only what is at least as grave; all of it for None."""
        self.looking.show(level, self.only)
        self._asked_before = None
        self._look_again()

    def set_show_only(self, pattern: str | None) -> None:
        """Show only the lines in which a pattern is found; all of them for None or nothing."""
        self.looking.show(self.level, self._pattern(pattern))
        self._asked_before = None
        self._look_again()

    def show_all(self) -> None:
        """Show every line."""
        self.looking.show(None, None)
        self._look_again()

    def set_search(self, pattern: str | None, *, origin: int | None = None) -> None:
        """Light what a pattern matches; nothing for None or an empty one.

        Args:
            pattern: a regular expression, or a text where it is none; case matters where it has a
                capital.
            origin: the number of a line: go to the match there or next to it, once it is found.
        """
        self.looking.search(self._pattern(pattern))
        self._origin = origin if pattern else None
        self._asked_before = None
        self._look_again()

    def _pattern(self, pattern: str | None) -> LogPattern | None:
        return LogPattern(pattern, in_source=self.show_run) if pattern else None

    def next_match(self) -> bool:
        """Go to the next line that the search matches, round the end. False where none does."""
        top = self.index_at(0)
        here = self._cursor
        if here is None:
            here = self.looking.shown[top or 0] - 1 if len(self) else 0
        return self.go_to(self.looking.match_after(here))

    def prev_match(self) -> bool:
        """Go to the line before that the search matches, round the start."""
        here = self._cursor if self._cursor is not None else self.store.end
        return self.go_to(self.looking.match_before(here))

    def count_matches(self) -> int:
        """How many of the shown lines the search matches, as far as was looked."""
        return len(self.looking.found or ())

    def _look_again(self) -> None:
        self._tall_lines = None
        self._look()
        self.fit()

    def _look(self) -> None:
        """Look for what is shown and found: at once if it is little, else beside everything."""
        if not self.looking.step(_AT_ONCE) and not self._is_looking and self.is_attached:
            self._is_looking = True
            self.run_worker(self._look_on(), group="looking")
        self._looked()

    async def _look_on(self) -> None:
        shown_at = time.monotonic()
        try:
            while not self.looking.step(_A_TURN):
                await asyncio.sleep(0)
                if time.monotonic() - shown_at > _SHOW_EVERY:
                    self._found_more()
                    shown_at = time.monotonic()
        finally:
            self._is_looking = False
        self._found_more()

    def _found_more(self) -> None:
        self._looked()
        self.fit()

    def _looked(self) -> None:
        if self._origin is not None:
            near = self.looking.nearest_match(self._origin)
            if near is not None or (self.looking.is_complete and not self._may_find_earlier):
                self._origin = None
                self.go_to(near)
        if self.looking.is_complete:
            self.go_on_to_first()
        self._look_earlier()
        self.post_message(self.Changed(self))

    @property
    def _may_find_earlier(self) -> bool:
        """Whether what is looked for, and is not here, may be in lines that the server has."""
        if self.earlier is not Earlier.READY:
            return False
        finds_none = self.looking.pattern is not None and not self.looking.found
        return finds_none or (bool(self.looking.wants) and not len(self))

    def _look_earlier(self) -> None:
        """Ask for earlier lines, once for those that are here, while nothing is found in these."""
        first = self.store.first
        if self.looking.is_complete and self._may_find_earlier and self._asked_before != first:
            self._asked_before = first
            self.call_later(self.want_earlier)

    def watch_earlier(self) -> None:
        """Go on looking where there may be more now, and stop where there is none."""
        self._looked()
