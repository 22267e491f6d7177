"""The lines that a server has stored, loaded backwards before those that were seen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from durably_tui.protocol import DurablyError, LogEntry, NotFound
from durably_tui.protocol.times import DAWN

from .ended import ended
from .fault import as_fault
from .log_block import Line
from .log_store import LogStore
from .ports import DurablyPort

PAGE = 1_000
"""Lines that are asked for at once."""
_OVERLAP = 50_000
"""Newest lines that a stored one may be the same as."""


class Past(StrEnum):
    """What is known of the lines before the first."""

    UNSEEN = "unseen"
    """They were not seen, and the server keeps none."""
    LOADING = "loading"
    MORE = "more"
    """The server may have some."""
    WHOLE = "whole"
    """The server has none before the first."""
    FAILED = "failed"
    """The last request for some failed."""


class LogPast:
    """Puts what the server has stored before the lines of a store.

    Lines that the store has by then are left out: they came by a stream while the first page was
    under way. ``state`` and ``error`` tell how it stands; ``on_change`` is called when they change.
    """

    def __init__(
        self,
        port: DurablyPort,
        store: LogStore,
        run_ids: Sequence[str] = (),
        *,
        on_change: Callable[[], None],
        page: int = PAGE,
    ) -> None:
        """Load the lines of ``run_ids``, or of every run. Nothing is asked before ``more``."""
        self.state = Past.MORE
        self.error: DurablyError | None = None
        self._store = store
        self._on_change = on_change
        of = tuple(dict.fromkeys(run_ids)) or (None,)
        self._sources = [_Stored(port, run_id, page) for run_id in of]
        self._doubles: Counter[Key] | None = None
        self._joined = False
        self._task: asyncio.Task[None] | None = None

    def more(self) -> None:
        """Load a page, unless one is under way or there is no more. Needs a running loop."""
        if self._task is None and self.state in {Past.MORE, Past.FAILED}:
            if self._store.is_full:
                return
            self._tell(Past.LOADING)
            self._task = asyncio.create_task(self._load(), name="durably:log-past")

    def let_go(self) -> None:
        """Put nothing more into the store, from now on."""
        if self._task is not None:
            self._task.cancel()

    async def aclose(self) -> None:
        """End what is under way."""
        if self._task is not None:
            await ended(self._task)

    async def _load(self) -> None:
        try:
            while (lines := await self._page()) is not None:
                fresh = self._without_doubles(lines)
                self._store.prepend(fresh)
                if fresh:
                    break
        except Exception as error:
            self._task = None
            self.error = as_fault(error)
            self._tell(Past.FAILED)
            return
        self._task = None
        self.error = None
        if any(source.keeps_none for source in self._sources):
            self._tell(Past.UNSEEN)
        else:
            is_whole = all(source.is_empty for source in self._sources)
            self._tell(Past.WHOLE if is_whole else Past.MORE)

    def _tell(self, state: Past) -> None:
        self.state = state
        self._on_change()

    async def _page(self) -> list[LogEntry] | None:
        """The next older lines of all sources, oldest first; None where there are none."""
        # Each is waited for, also where one fails: what came late would be taken for news.
        filling = (source.fill() for source in self._sources)
        for outcome in await asyncio.gather(*filling, return_exceptions=True):
            if outcome is not None:
                raise outcome
        full = [source for source in self._sources if source.lines]
        if not full:
            return None
        # Of a source that may have more, nothing older than its oldest is known yet.
        horizon = max(
            (_time(source.lines[0]) for source in full if not source.is_whole), default=DAWN
        )
        taken = [line for source in full for line in source.take(horizon)]
        if len(full) > 1:
            taken.sort(key=_time)
        return taken

    def _without_doubles(self, lines: list[LogEntry]) -> list[LogEntry]:
        if self._joined:
            return lines
        if self._doubles is None:
            self._doubles = newest_keys(self._store, _OVERLAP)
        fresh = without(self._doubles, lines)
        if fresh and fresh[0] is lines[0]:
            # What is older than a line that did not come by a stream did not either.
            self._joined, self._doubles = True, None
        return fresh


class _Stored:
    """The stored lines of one run, or of all, from the newest backwards."""

    def __init__(self, port: DurablyPort, run_id: str | None, page: int) -> None:
        self._port = port
        self._run_id = run_id
        self._page = page
        self._before: str | None = None
        self.lines: list[LogEntry] = []
        """Fetched and not taken yet, oldest first."""
        self.is_whole = False
        """Nothing is left to be fetched."""
        self.keeps_none = False
        """The server has no stored lines to ask for."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be taken."""
        return self.is_whole and not self.lines

    async def fill(self) -> None:
        """Fetch a page where none is left."""
        if self.lines or self.is_whole:
            return
        try:
            found = await self._port.get_logs(self._run_id, before=self._before, limit=self._page)
        except NotFound:
            found = []  # the run was deleted, and its lines with it
        self.keeps_none = found is None
        self.lines = found or []
        self.is_whole = len(self.lines) < self._page
        if self.lines:
            self._before = self.lines[0].id
            self.is_whole = self.is_whole or self._before is None

    def take(self, horizon: datetime) -> list[LogEntry]:
        """Take the lines of this time or later."""
        at = next(
            (at for at, line in enumerate(self.lines) if _time(line) >= horizon), len(self.lines)
        )
        taken = self.lines[at:]
        del self.lines[at:]
        return taken


def _time(line: LogEntry) -> datetime:
    return line.timestamp or DAWN


Key = tuple[str, str, str, str, int]
"""What tells lines apart that have no number on the wire: run, step, level, message, ms."""


def newest_keys(store: LogStore, count: int) -> Counter[Key]:
    """How often each of the newest lines of a store is there."""
    numbers = range(max(store.first, store.end - count), store.end)
    return Counter(_key_of_line(store.line(number)) for number in numbers)


def key_of(line: LogEntry) -> Key:
    """What a line is known by."""
    at = line.timestamp
    milliseconds = -1 if at is None else round(at.timestamp() * 1000)
    return line.run_id, line.step_name or "", line.level, line.message, milliseconds


def without(known: Counter[Key], lines: Iterable[LogEntry]) -> list[LogEntry]:
    """The lines that are not known; each that is takes one off what is known."""
    fresh = []
    for line in lines:
        key = key_of(line)
        if known[key] > 0:
            known[key] -= 1
        else:
            fresh.append(line)
    return fresh


def _key_of_line(line: Line) -> Key:
    milliseconds = -1 if line.at is None else round(line.at * 1000)
    return line.source.run_id, line.step_name, line.level, line.message, milliseconds
