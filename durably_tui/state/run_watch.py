"""One run, watched: its own stream, the feeds that happen to be open, and requests where needed.

Hooks of the same run share one watch.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import aclosing
from functools import partial

from durably_tui.protocol import (
    Connection,
    DurablyError,
    Event,
    Phase,
    RunCancel,
    RunComplete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
    StreamBatch,
)

from . import job_run_reducer as reducer
from .clock import Clock
from .ended import ended
from .fault import as_fault, may_pass
from .feed import FeedLease, FeedPool
from .job_run_state import JobRunState
from .log_gap import stored_lines
from .log_join import LogJoin
from .ports import DurablyPort
from .refresher import Refresher
from .runs_state import RunsFilter
from .store import Store, Unsubscribe
from .turns import in_turns

_RESUMABLE = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})
_STATUS_CHANGES = (RunStart, RunComplete, RunFail, RunCancel, RunRetry)
_LOST = frozenset({Phase.RECONNECTING, Phase.OFFLINE})
_LONGEST_PAUSE = 30.0


class RunWatch:
    """Keeps a ``JobRunState`` true until closed.

    The own stream is opened while the run is active. After its end a retry of the same run (0.8,
    and Durably's Python server) is noticed on a feed, and the stream is opened again.
    """

    def __init__(
        self, port: DurablyPort, pool: FeedPool, clock: Clock, run_id: str, job_name: str
    ) -> None:
        self.run_id = run_id
        self.users = 0
        self.store: Store[JobRunState] = Store(reducer.opened(run_id, job_name))
        self._port = port
        self._pool = pool
        self._clock = clock
        self._limits = pool.history.state.limits
        self._refresher = Refresher(self._fetch, clock)
        self._meanwhile: list[tuple[Event, ...]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._untap: Unsubscribe | None = None
        self._lease: FeedLease | None = None
        self._lease_epoch = 0
        self._epoch = 0
        self._epochs = pool.history.state.epochs
        """Of the feeds, when they were last heard of."""
        self._unanswered = False
        self._fruitless = 0
        self._closed = False

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._untap = self._pool.tap(self._overhear)
        self._remember(())
        self._refresher.wish()
        self._open()

    async def refresh(self) -> None:
        """Fetch the run and its steps now."""
        await self._refresher.finished()

    @contextlib.contextmanager
    def optimistic(self, status: RunStatus) -> Iterator[None]:
        """Show the run as ``status`` while the block asks the server for it.

        Where the block raises, it changes back and the error goes on to the caller.
        """
        self.store.update(lambda state: reducer.overlaid(state, status))
        try:
            yield
        except BaseException:
            self.store.update(reducer.reverted)
            raise
        self.store.update(reducer.granted)
        self._settle()

    async def aclose(self) -> None:
        """End the stream and every request."""
        self._closed = True
        if self._untap is not None:
            self._untap()
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self._refresher.let_go()
        task, self._task = self._task, None
        if task is not None:
            await ended(task)
        await self._refresher.aclose()

    # -- the own stream --------------------------------------------------------------------

    def _open(self) -> None:
        pause = min(_LONGEST_PAUSE, 2.0**self._fruitless) if self._fruitless else 0.0
        self._task = asyncio.create_task(self._follow(pause), name=f"durably:run-{self.run_id}")

    async def _follow(self, pause: float) -> None:
        if pause:
            await self._clock.sleep(pause)
        self._epoch = 0
        self._fruitless += 1
        self.store.update(reducer.opening)
        stream = self._port.subscribe(self.run_id)
        try:
            turns = in_turns(stream, lambda: self._pool.give_way)
            async with aclosing(stream), aclosing(turns):
                async for batch in turns:
                    self._take(batch)
        except Exception as error:  # a stream reconnects by itself: this is a fault of ours
            fault = as_fault(error)
            self.store.update(lambda state: reducer.failed(state, fault))
        self._task = None
        self._unanswered = True
        self.store.update(reducer.ended)
        self._refresher.wish()

    def _take(self, batch: StreamBatch) -> None:
        now = self._clock.time()
        if batch.events:
            self._fruitless = 0
            if self._meanwhile is not None:
                self._meanwhile.append(batch.events)
        self._date()
        self.store.update(lambda state: reducer.connected(state, batch.connection))
        for events in _turns(batch.events):
            self.store.update(partial(reducer.reduce, events=events, now=now, limits=self._limits))
        if batch.connection.epoch > self._epoch:
            # Whatever was published before the stream was open is only in an answer.
            self._epoch = batch.connection.epoch
            self._refresher.at_once()
        self._settle()

    # -- the feeds -------------------------------------------------------------------------

    def _overhear(self, batch: StreamBatch) -> None:
        run_id = self.run_id
        events = tuple(event for event in batch.events if event.run_id == run_id)
        if not events and batch.events:
            return
        live = self.store.state.connection.phase is Phase.LIVE
        if events and self._meanwhile is not None and not live:
            self._meanwhile.append(events)
        self._look_at_feeds(batch.connection)
        self._remember(events)
        self._settle()

    def _look_at_feeds(self, connection: Connection) -> None:
        """Note where one was lost, and have what is missing fetched once it is there again."""
        before, self._epochs = self._epochs, self._pool.history.state.epochs
        again = any(before.get(feed, epoch) != epoch for feed, epoch in self._epochs.items())
        if again or connection.phase in _LOST:
            self.store.update(reducer.feed_lost)
        if again:
            self._refresher.at_once()

    def _date(self) -> None:
        """A server that stores log lines dates them."""
        if self.store.state.lines.dated is None and self._port.abilities.has("logs"):
            self.store.update(lambda state: reducer.dating(state, self._limits))

    def _remember(self, events: tuple[Event, ...]) -> None:
        history = self._pool.history.state
        seen, complete = history.get(self.run_id), history.is_complete(self.run_id)
        self.store.update(lambda state: reducer.overheard(state, seen, complete, events))

    def _leased(self, batch: StreamBatch) -> None:
        if batch.connection.epoch > self._lease_epoch:
            self._lease_epoch = batch.connection.epoch
            self._refresher.at_once()  # a retry may have passed meanwhile

    def _settle(self) -> None:
        """Do what the state asks for."""
        if self._closed:
            return
        state = self.store.state
        if state.needs_fetch and self._meanwhile is None:
            self._refresher.wish()
        idle = self._task is None
        active = not state.is_gone and not state.current.is_terminal
        if idle and active and not self._unanswered:
            self._open()
        resumable = state.current.status in _RESUMABLE and not state.is_gone
        can_retry = self._port.abilities.retry is not False
        self._listen_for_retry(idle and resumable and can_retry and state.settled)

    def _listen_for_retry(self, wanted: bool) -> None:
        if wanted and self._lease is None:
            name = self.store.state.current.job_name
            filter = RunsFilter(job_names=(name,) if name else ())
            self._lease = self._pool.acquire(filter, self._leased)
            self._lease_epoch = self._lease.connection.epoch
        elif not wanted and self._lease is not None:
            lease, self._lease = self._lease, None
            lease.release()

    # -- requests --------------------------------------------------------------------------

    async def _fetch(self) -> bool:
        self._date()
        state = self.store.state
        feed = self._pool.state.state
        mends = state.wants_lines and not (feed.is_open and feed.connection.phase in _LOST)
        self.store.update(lambda state: reducer.asking(state, lines_too=mends))
        self._meanwhile = []
        after_end = self._unanswered
        try:
            run, steps, unmended = await asyncio.gather(
                self._port.get_run(self.run_id),
                self._port.get_steps(self.run_id),
                self._mend(state.lines) if mends else _nothing(),
                return_exceptions=True,
            )
            if isinstance(run, BaseException):
                return self._failed(run)
            fault, known_steps = None, None
            if not isinstance(steps, BaseException):
                known_steps = steps
            elif run is not None:
                fault = _fault(steps)
            events, now = self._meanwhile, self._clock.time()
            self.store.update(
                lambda state: reducer.answered(state, run, known_steps, events, now, fault)
            )
        finally:
            self._meanwhile = None
        if after_end:
            self._unanswered = False
        self._settle()
        return unmended is not None and may_pass(_fault(unmended))

    async def _mend(self, lines: LogJoin) -> None:
        """Fetch the log lines that are missing.

        Raises:
            DurablyError: they could not be had; what came meanwhile is told all the same.
        """
        assert lines.dated is not None
        losses, stored = lines.dated.losses, None
        try:
            stored = await stored_lines(self._port, self.run_id, lines.dated.since or 0.0)
        finally:
            self.store.update(lambda state: reducer.mended(state, stored, losses))

    def _failed(self, error: BaseException) -> bool:
        fault = _fault(error)
        self.store.update(lambda state: reducer.failed(state, fault))
        return may_pass(fault)


async def _nothing() -> None:
    """Nothing is missing."""


def _turns(events: tuple[Event, ...]) -> Iterator[tuple[Event, ...]]:
    """A batch in parts that each end where the run's status changes: a run that starts and ends
    within one read of the stream was started all the same, and whoever listens is told so."""
    start = 0
    for at, event in enumerate(events, 1):
        if isinstance(event, _STATUS_CHANGES) or at == len(events):
            yield events[start:at]
            start = at


def _fault(error: BaseException) -> DurablyError:
    """What a request that was gathered came back with; what is no error of its own goes on."""
    if not isinstance(error, Exception):
        raise error
    return as_fault(error)
