"""``MergedLogs``: the log lines of all runs, or of some, in one log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Self

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import DurablyError, LogEntry, LogWrite, StreamBatch

from .burst import as_datetime
from .ended import ended
from .fault import as_fault, may_pass
from .feed import FeedLease, FeedState
from .hook import Hook
from .hub import Hub
from .job_run_state import JobRunState
from .log_gap import missed_lines
from .log_past import Key, LogPast, Past, key_of, without
from .log_store import LogStore
from .outage import Outage
from .run_watch import RunWatch
from .runs_state import RunsFilter
from .store import Store, Unsubscribe

_MOST_FETCHED = 20_000
"""Lines that were fetched after a loss and are left out if the stream brings them as well."""
_ASK_AGAIN_AFTER = (0.3, 0.7, 1.5, 3.0, 5.0)
"""Seconds, with which new lines are held back no longer than is bearable."""


class LogsState(msgspec.Struct, frozen=True, kw_only=True):
    """How a merged log stands; the lines themselves are in ``MergedLogs.lines``."""

    first: int = 0
    """The number of the first line in the store."""
    end: int = 0
    """The number that the next line will have."""
    past: Past = Past.MORE
    """What is known of the lines before the first."""
    error: DurablyError | None = None
    """Why the last request for earlier lines failed."""


class MergedLogs(Hook[LogsState]):
    """The lines of all runs, or of those that are named, as they come, and backwards as asked.

    Lines stand in the order in which they came; what the server has stored is put before them
    (``load_earlier``). Where a stream was lost, what was written meanwhile is fetched if the
    server has stored it, else a line says from when to when lines may be lost.
    """

    def __init__(
        self, hub: Hub, runs: Sequence[str] = (), *, lines: LogStore | None = None
    ) -> None:
        self.runs = tuple(dict.fromkeys(runs))
        self.lines = lines or LogStore()
        self.store = Store(LogsState())
        self._hub = hub
        self._past = LogPast(hub.port, self.lines, self.runs, on_change=self._tell)
        self._lease: FeedLease | None = None
        self._watches: dict[str, RunWatch] = {}
        self._taken: dict[str, int] = {}
        self._gaps: dict[str, set[tuple[float, float]]] = {}
        self._unsubscribes: list[Unsubscribe] = []
        self._outage: Outage | None = None
        self._next: Outage | None = None
        self._held: list[LogEntry] | None = None
        self._fetched: Counter[Key] = Counter()
        self._told: datetime | None = None
        """When the last event was told, by the server's clock."""
        self._filling: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> Self:
        """Begin to listen, and load the newest lines that the server has stored. Harmless when
        already begun. Needs a running event loop."""
        if self._closed or self in self._hub.open:
            return self
        self._hub.open.add(self)
        if self.runs:
            self._watch_runs()
        else:
            self._hear_all()
        self._past.more()
        return self

    def load_earlier(self) -> None:
        """Load more of what the server has stored, unless that is under way or there is none."""
        self._past.more()

    async def aclose(self) -> None:
        """Let everything go. The lines stay readable."""
        self._closed = True
        self._hub.open.discard(self)
        for unsubscribe in self._unsubscribes:
            unsubscribe()
        self._unsubscribes.clear()
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        for watch in self._watches.values():
            self._hub.unwatch(watch)
        self._watches.clear()
        self._past.let_go()
        if self._filling is not None:
            self._filling.cancel()
        await self._past.aclose()
        if self._filling is not None:
            await ended(self._filling)
        await self._hub.closed()

    def _tell(self) -> None:
        self.store.set(
            LogsState(
                first=self.lines.first,
                end=self.lines.end,
                past=self._past.state,
                error=self._past.error,
            )
        )

    # -- all runs --------------------------------------------------------------------------

    def _hear_all(self) -> None:
        pool = self._hub.pool
        if self._hub.port.abilities.has("logs") is not True:
            # What was seen before this was opened; a server that stores lines tells it again.
            seen = [line for run in pool.history.state.runs.values() for line in run.logs]
            seen.sort(key=_time)
            self.lines.extend_around(seen, pool.state.state.away)
        self._outage = pool.state.state.outage
        self._lease = pool.acquire(RunsFilter(), self._heard)
        self._unsubscribes.append(pool.state.subscribe(self._feed_changed))

    def _heard(self, batch: StreamBatch) -> None:
        now = as_datetime(self._hub.clock.time())
        if batch.events and batch.events[-1].timestamp is not None:
            self._told = batch.events[-1].timestamp
        lines = [self._named(e.entry(now)) for e in batch.events if type(e) is LogWrite]
        if not lines:
            return
        if self._held is not None:
            self._held += lines
            return
        if self._fetched:
            lines = without(self._fetched, lines)
        self.lines.extend(lines)
        self._tell()

    def _named(self, line: LogEntry) -> LogEntry:
        """0.8 leaves the job's name out; the history may have it from another event."""
        if line.job_name:
            return line
        run = self._hub.pool.history.state.get(line.run_id)
        return replace(line, job_name=run.job_name) if run is not None and run.job_name else line

    def _feed_changed(self, state: FeedState) -> None:
        outage = state.outage
        if outage is None or outage == self._outage or outage.until is None:
            return
        self._outage = outage
        if outage.lossless:
            return
        if self._filling is None:
            self._fill_after(outage, self._last_told(outage.since))
        elif self._next is None:
            self._next = outage
        else:
            self._next = replace(outage, since=self._next.since)

    def _last_told(self, here: float) -> float:
        """From when on lines may be missing: by the server's clock, if anything told of that, as
        nobody knows how the one here goes; else it is ``here``."""
        last = self.lines.line(self.lines.end - 1, 0).at if len(self.lines) else None
        if last is None and self._told is not None:
            return self._told.timestamp()
        if last is None and self._past.state is Past.WHOLE:
            return 0.0  # by then the server had stored none at all
        return here if last is None else last

    def _fill_after(self, outage: Outage, last: float, held: list[LogEntry] | None = None) -> None:
        self._held = [] if held is None else held
        self._filling = asyncio.create_task(self._fill(outage, last), name="durably:log-gap")

    async def _fill(self, outage: Outage, last: float) -> None:
        """Put what was missed before what came since; say so where that cannot be had."""
        held = self._held
        assert held is not None
        missed = await self._missed(last, held)
        if missed is None and self._next is not None:
            again, self._next = replace(self._next, since=outage.since), None
            self._fill_after(again, last, held)
            return
        self._filling, self._held = None, None
        if missed is None:
            self.lines.extend_gap(outage.since, outage.until or outage.since)
        self.lines.extend([*(missed or ()), *held])
        # Those of the last moment may still come by the stream, however slow that is.
        if len(self._fetched) > _MOST_FETCHED:
            self._fetched.clear()
        self._fetched.update(map(key_of, missed or ()))
        self._tell()
        if self._next is not None:  # it was lost again meanwhile
            again, self._next = self._next, None
            self._fill_after(again, last)

    async def _missed(self, last: float, held: list[LogEntry]) -> list[LogEntry] | None:
        """What was missed, asked for again where that fails: a server that is there again is not
        always well at once. None where it cannot be had."""
        for pause in (*_ASK_AGAIN_AFTER, None):
            try:
                return await missed_lines(self._hub.port, self.lines, last, held)
            except DurablyError as error:
                if pause is None or self._next is not None or not may_pass(as_fault(error)):
                    return None
            await self._hub.clock.sleep(pause)
        return None

    # -- some runs -------------------------------------------------------------------------

    def _watch_runs(self) -> None:
        for run_id in self.runs:
            watch = self._watches[run_id] = self._hub.watch(run_id, "")
            self._unsubscribes.append(watch.store.subscribe(self._run_changed))
        seen = [line for watch in self._watches.values() for line in watch.store.state.logs]
        self.lines.extend(sorted(seen, key=_time))
        for run_id, watch in self._watches.items():
            self._taken[run_id] = watch.store.state.logs.total
            self._gaps[run_id] = set(watch.store.state.gaps)

    def _run_changed(self, state: JobRunState) -> None:
        logs, run_id = state.logs, state.run_id
        taken = min(self._taken.get(run_id, 0), logs.total)
        known = self._gaps.setdefault(run_id, set())
        gaps = [gap for gap in state.gaps if gap not in known]
        known.update(gaps)
        for since, until in gaps:
            self.lines.extend_gap(since, until)
        fresh = logs.since(taken)
        self._taken[run_id] = logs.total
        if fresh or gaps:
            self.lines.extend(fresh)
            self._tell()


def _time(line: LogEntry) -> float:
    return line.timestamp.timestamp() if line.timestamp is not None else 0.0
