"""The streams of ``/runs/subscribe``: one for each filter, shared by everybody who listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing

import msgspec

from durably_tui.protocol import (
    Connection,
    DurablyError,
    EventStream,
    Phase,
    ServerFault,
    StreamBatch,
)

from .account import HistoryLimits
from .clock import Clock
from .ended import all_over, ended
from .history import History
from .observe import closed, observe
from .outage import Outage, outage_after
from .ports import DurablyPort
from .runs_state import RunsFilter
from .store import Listener, Store, Unsubscribe
from .turns import GiveWay, at_once, in_turns

_log = logging.getLogger(__name__)
_PULSE = 120
_MOST_AWAY = 100

OnBatch = Callable[[StreamBatch], object]


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """How the server's streams of runs are doing."""

    connection: Connection = Connection()
    """Of the widest stream that is open."""
    is_open: bool = False
    """Whether any stream is wanted now."""
    events: int = 0
    """How many events came in all."""
    last_event_at: float | None = None
    """When the last one came, in seconds since the epoch."""
    outage: Outage | None = None
    """The last time when the stream was not there, or left something out."""
    away: tuple[tuple[float, float], ...] = ()
    """Times of which not everything was told afterwards, since there was no stream, or none was
    wanted: from when to when, the last ones, oldest first."""

    def is_quiet_since(self, before: FeedState) -> bool:
        """Whether nothing happened since then, but that the server was heard."""
        now = self.connection
        heard = msgspec.structs.replace(
            before.connection,
            last_seen=now.last_seen,
            told_until=now.told_until,
            latency_ms=now.latency_ms,
        )
        return heard == now and msgspec.structs.replace(before, connection=now) == self


class FeedMemory(msgspec.Struct, frozen=True):
    """What was taken from the streams up to one moment: another client of the same server can go
    on from there (``FeedInfo.recall``)."""

    history: History
    state: FeedState
    pulse: dict[int, int]
    """Events by the second."""


class Feed:
    """One stream, read by one task for as long as somebody uses it."""

    def __init__(
        self,
        filter: RunsFilter,
        source: str,
        stream: EventStream,
        take: Callable[[Feed, StreamBatch], None],
        before: Callable[[], GiveWay],
    ) -> None:
        self.filter = filter
        self.source = source
        self.connection = stream.connection
        self.users = 0
        self.listeners: dict[object, OnBatch] = {}
        self._stream = stream
        self._take = take
        self._before = before
        self._task = asyncio.create_task(self._read(), name=f"durably:{source}")

    async def _read(self) -> None:
        try:
            turns = in_turns(self._stream, self._before)
            async with aclosing(turns):
                async for batch in turns:
                    self.connection = batch.connection
                    self._take(self, batch)
        except Exception as error:  # a stream reconnects by itself: this is a fault of ours
            _log.exception("a stream of events broke")
            self._stop(error)

    def _stop(self, error: Exception) -> None:
        told = (
            error
            if isinstance(error, DurablyError)
            else ServerFault(f"The stream of events broke ({error}): open it again.")
        )
        self.connection = msgspec.structs.replace(self.connection, phase=Phase.OFFLINE, error=told)
        self._take(self, StreamBatch(self.connection))

    async def aclose(self) -> None:
        """Close the stream and end the task."""
        await ended(self._task)
        await self._stream.aclose()


class FeedLease:
    """The use of a feed by one listener, until ``release``."""

    def __init__(self, pool: FeedPool, feed: Feed) -> None:
        self._pool: FeedPool | None = pool
        self._feed = feed

    @property
    def connection(self) -> Connection:
        """How the stream is doing."""
        return self._feed.connection

    def covers(self, filter: RunsFilter) -> bool:
        """Whether this feed brings every event that ``filter`` wants."""
        return self._feed.filter.covers(filter)

    def release(self) -> None:
        """Stop listening; the last one out closes the stream. Harmless when repeated."""
        if self._pool is not None:
            self._pool.release(self._feed, self)
            self._pool = None


class FeedPool:
    """The feeds of one server, what they recorded, and how they are doing.

    A filter is served by an open feed that covers it, else by a new one. Batches go first into the
    history, then to the listeners, then to the taps.
    """

    def __init__(self, port: DurablyPort, clock: Clock, limits: HistoryLimits) -> None:
        self._port = port
        self._clock = clock
        self._feeds: dict[RunsFilter, Feed] = {}
        self._opened = 0
        self._taps: dict[object, OnBatch] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._pulse: dict[int, int] = {}
        self._widest: Feed | None = None
        self._left_at: float | None = None
        """Since when no stream is wanted, after there was one."""
        self.give_way: GiveWay = at_once
        """What is awaited before a batch of events is taken in."""
        self.history: Store[History] = Store(History(limits=limits))
        self.state: Store[FeedState] = Store(FeedState())

    def acquire(self, filter: RunsFilter, listener: OnBatch) -> FeedLease:
        """Listen to every event that ``filter`` wants, and perhaps others.

        Returns:
            A lease. A connection that is already live was opened before: fetch after acquiring.
        """
        wanted = RunsFilter(job_names=filter.job_names, labels=filter.labels)
        feed = self._feeds.get(wanted) or next(
            (feed for feed in self._feeds.values() if feed.filter.covers(wanted)), None
        )
        if feed is None:
            self._opened += 1
            stream = self._port.subscribe_runs(
                job_name=list(wanted.job_names) or None, labels=dict(wanted.labels) or None
            )
            name = f"feed-{self._opened}"
            feed = Feed(wanted, name, stream, self._take, lambda: self.give_way)
            self._feeds[wanted] = feed
        feed.users += 1
        lease = FeedLease(self, feed)
        feed.listeners[lease] = listener
        self._tell()
        return lease

    def release(self, feed: Feed, lease: FeedLease) -> None:
        """What ``FeedLease.release`` does."""
        feed.listeners.pop(lease, None)
        feed.users -= 1
        if feed.users == 0 and self._feeds.get(feed.filter) is feed:
            del self._feeds[feed.filter]
            self.history.update(lambda history: closed(history, feed.source))
            self._close(feed)
            self._tell()

    def tap(self, listener: OnBatch) -> Unsubscribe:
        """Listen to whatever feeds are open, without keeping any open."""
        key = object()
        self._taps[key] = listener

        def untap() -> None:
            self._taps.pop(key, None)

        return untap

    def per_second(self, seconds: int) -> tuple[int, ...]:
        """Events in each of the last whole seconds, the newest last; at most 120 of them."""
        now = int(self._clock.time())
        seconds = max(0, min(seconds, _PULSE))
        return tuple(self._pulse.get(now - ago, 0) for ago in range(seconds, 0, -1))

    def memory(self) -> FeedMemory:
        """All that was taken by now."""
        return FeedMemory(self.history.state, self.state.state, dict(self._pulse))

    def recall(self, memory: FeedMemory) -> None:
        """Begin with what another client had taken."""
        if self._opened:
            raise RuntimeError("only who has taken nothing can begin with another's memory")
        self.history.set(memory.history)
        self.state.set(memory.state)
        self._pulse = dict(memory.pulse)

    async def drained(self) -> None:
        """Wait until the streams that were let go are closed."""
        await all_over(self._closing)

    async def aclose(self) -> None:
        """Close every stream."""
        feeds, self._feeds = list(self._feeds.values()), {}
        for feed in feeds:
            self._close(feed)
        await all_over(self._closing)
        self._tell()

    def _close(self, feed: Feed) -> None:
        task = asyncio.create_task(feed.aclose(), name=f"durably:close-{feed.source}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _take(self, feed: Feed, batch: StreamBatch) -> None:
        if self._feeds.get(feed.filter) is not feed:
            return  # it was let go, and another may tell of its runs by now
        now = self._clock.time()
        self.history.update(
            lambda history: observe(
                history,
                batch.events,
                now,
                batch.connection.epoch,
                feed.source,
                batch.frames,
                resumed=batch.connection.resumed,
            )
        )
        if batch.events:
            self._beat(now, len(batch.events))
        self._tell(len(batch.events), now)
        for listener in (*feed.listeners.values(), *self._taps.values()):
            try:
                listener(batch)
            except Exception:  # one bad listener must not end the stream for the others
                _log.exception("a listener of the stream raised; the others were told")

    def _beat(self, now: float, count: int) -> None:
        second = int(now)
        self._pulse[second] = self._pulse.get(second, 0) + count
        if len(self._pulse) > 2 * _PULSE:
            self._pulse = {at: n for at, n in self._pulse.items() if at > second - _PULSE}

    def _tell(self, events: int = 0, now: float | None = None) -> None:
        old = self.state.state
        widest = min(self._feeds.values(), key=_width, default=None)
        connection = Connection() if widest is None else widest.connection
        is_open = widest is not None
        at = self._clock.time()
        is_same, self._widest = widest is self._widest, widest
        outage = outage_after(old.outage, old.connection, connection, at, is_same=is_same)
        away = old.away
        if outage is not old.outage and outage is not None and outage.until is not None:
            away = away if outage.lossless else (*away, (outage.since, outage.until))
        if not is_open and old.connection.phase is Phase.LIVE:
            self._left_at = at
        elif connection.phase is Phase.LIVE and self._left_at is not None:
            away, self._left_at = (*away, (self._left_at, at)), None
        if events or connection != old.connection or is_open != old.is_open:
            self.state.set(
                FeedState(
                    connection=connection,
                    is_open=is_open,
                    events=old.events + events,
                    last_event_at=now if events else old.last_event_at,
                    outage=outage,
                    away=away[-_MOST_AWAY:],
                )
            )


def _width(feed: Feed) -> tuple[bool, int, int]:
    """Wide feeds first: no job names is all jobs, fewer labels are more runs."""
    names = feed.filter.job_names
    return bool(names), len(feed.filter.labels), -len(names)


class FeedInfo:
    """What a bar on top shows: connection, events, events per second."""

    def __init__(self, pool: FeedPool) -> None:
        self._pool = pool
        self._kept: FeedLease | None = None

    @property
    def state(self) -> FeedState:
        """Everything, frozen."""
        return self._pool.state.state

    @property
    def connection(self) -> Connection:
        """How the widest open stream is doing."""
        return self.state.connection

    def subscribe(self, listener: Listener[FeedState]) -> Unsubscribe:
        """Call ``listener(state)`` after each change, events included."""
        return self._pool.state.subscribe(listener)

    def per_second(self, seconds: int = 30) -> tuple[int, ...]:
        """Events in each of the last whole seconds, the newest last; at most 120 of them."""
        return self._pool.per_second(seconds)

    def memory(self) -> FeedMemory:
        """All that was taken by now, frozen. For a source that can begin in the middle, such as
        the replay of a recording."""
        return self._pool.memory()

    def recall(self, memory: FeedMemory) -> None:
        """Begin with what another client had taken when it stood where the port stands now.

        Raises:
            RuntimeError: a stream was opened here before.
        """
        self._pool.recall(memory)

    def tap(self, listener: OnBatch) -> Unsubscribe:
        """Call ``listener(batch)`` with whatever the open streams bring, without keeping any open.
        An event that two of them bring is told twice."""
        return self._pool.tap(listener)

    def open(self) -> None:
        """Keep the stream of all runs open until the hooks are closed, whatever the filters are:
        then every run is recorded in the history, and a change of filter opens no stream. Needs a
        running event loop."""
        if self._kept is None:
            self._kept = self._pool.acquire(RunsFilter(), _ignore)

    def close(self) -> None:
        """Undo ``open``; harmless where it is not open."""
        if self._kept is not None:
            self._kept.release()
            self._kept = None


def _ignore(batch: StreamBatch) -> None:
    """The history has it already."""
