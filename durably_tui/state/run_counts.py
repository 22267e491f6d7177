"""``RunCounts``: how many runs a server has in each status, whatever part of them is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    DurablyError,
    Event,
    RunsQuery,
    RunStatus,
    Stats,
    StreamBatch,
    Unauthorised,
)

from .fault import as_fault, may_pass
from .feed import FeedLease
from .hub import Hub
from .job_stats_figures import Source
from .refresher import Refresher
from .run_tally import Tally
from .runs_state import RunsFilter
from .store import Listener, Store, Unsubscribe

NEWEST = 100
"""Runs that are fetched where the server does not count."""
ACTIVE = 200
"""Runs that wait or work, fetched there as well: they may be older than those."""
SECONDS_BETWEEN_REQUESTS = 2.0
LOOKED = 5.0
"""Seconds for which a look at the counts is worth asking the server again."""
_NOTHING_ELSE = 1.0
"""The window of figures that nobody wants: seconds."""
_UNDER_WAY = (RunStatus.RUNNING, RunStatus.PENDING)
_OVER = frozenset((RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED))


class RunCountsState(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs are in which status."""

    counts: Mapping[RunStatus, int] | None = None
    """None: not known yet."""
    at_least: frozenset[RunStatus] = frozenset()
    """Of which statuses the server has perhaps more, since it does not count."""
    source: Source = Source.SEEN
    error: DurablyError | None = None
    """Why the last request failed, or None."""
    fetched_at: float | None = None
    """When the server last answered, in seconds since the epoch."""


class RunCounts:
    """The runs of a whole server by status, live.

    A server that counts is asked again after events, at most every ``SECONDS_BETWEEN_REQUESTS``
    and only while somebody looks; between the answers events move the counts. Of one that does
    not, the newest runs and those under way are fetched at the start and after a lost connection.
    """

    def __init__(self, hub: Hub) -> None:
        self.store: Store[RunCountsState] = Store(RunCountsState())
        self._hub = hub
        self._tally = Tally()
        self._refresher = Refresher(self._fetch, hub.clock, min_interval=SECONDS_BETWEEN_REQUESTS)
        self._lease: FeedLease | None = None
        self._epoch = 0
        self._looked_at = float("-inf")
        self._is_behind = False
        self._meanwhile: list[Sequence[Event]] | None = None
        self._closed = False

    @property
    def state(self) -> RunCountsState:
        """Everything, frozen."""
        return self.store.state

    def subscribe(self, listener: Listener[RunCountsState]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        return self.store.subscribe(listener)

    def look(self) -> RunCountsState:
        """What is known, for somebody who looks at it now."""
        self._looked_at = self._hub.clock.monotonic()
        if self._is_behind and self._lease is not None:
            self._is_behind = False
            self._refresher.wish()
        return self.state

    def start(self) -> Self:
        """Begin to fetch and to listen; harmless when already begun. Needs a running loop."""
        if self._lease is None and not self._closed:
            self._hub.open.add(self)
            self._lease = self._hub.pool.acquire(RunsFilter(), self._take)
            self._epoch = self._lease.connection.epoch
            self._refresher.at_once()
        return self

    def rest(self) -> None:
        """Let the stream go; ``start`` begins anew."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    async def refresh(self) -> None:
        """Ask the server now; returns when the answer is in. Never raises: see ``error``."""
        self.start()
        await self._refresher.finished()

    async def aclose(self) -> None:
        """End every request and let the stream go."""
        self._closed = True
        self._hub.open.discard(self)
        self.rest()
        await self._refresher.aclose()
        await self._hub.closed()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _take(self, batch: StreamBatch) -> None:
        if self._meanwhile is not None and batch.events:
            self._meanwhile.append(batch.events)
        if self.state.counts is not None and self._tally.take(batch.events):
            self._tell()
            if self.state.source is Source.SERVER:
                self._ask()
        if batch.connection.epoch > self._epoch:
            # What happened between two connections is gone; and it may be another server now.
            self._epoch = batch.connection.epoch
            self._refresher.at_once()

    def _ask(self) -> None:
        if self._hub.clock.monotonic() - self._looked_at < LOOKED:
            self._refresher.wish()
        else:
            self._is_behind = True

    def _tell(self) -> None:
        counts = self._tally.counts
        self.store.update(lambda state: replace(state, counts=counts))

    async def _fetch(self) -> bool:
        self._meanwhile = []
        self._is_behind = False
        try:
            stats = await self._ask_for_stats()
            at_least = frozenset[RunStatus]() if stats else await self._meet()
        except Exception as error:
            fault = as_fault(error)
            self.store.update(lambda state: replace(state, error=fault))
            return may_pass(fault)
        else:
            if stats is not None:
                self._tally.counted(_sum(stats))
            else:
                for events in self._meanwhile:
                    self._tally.take(events)
        finally:
            self._meanwhile = None
        self.store.set(
            RunCountsState(
                counts=self._tally.counts,
                at_least=at_least,
                source=Source.SEEN if stats is None else Source.SERVER,
                fetched_at=self._hub.clock.time(),
            )
        )
        return False

    async def _ask_for_stats(self) -> Stats | None:
        try:
            return await self._hub.port.get_stats(window=_NOTHING_ELSE)
        except Unauthorised:  # a token for some runs only: those are counted here
            return None

    async def _meet(self) -> frozenset[RunStatus]:
        """Look at the runs of a server that does not count; of what there may be more."""
        port = self._hub.port
        newest = await port.get_runs(RunsQuery(limit=NEWEST))
        if len(newest) < NEWEST:
            self._tally.met(newest, whole=True)
            return frozenset()
        active = await port.get_runs(RunsQuery(statuses=_UNDER_WAY, limit=ACTIVE))
        self._tally.met((*newest, *active), whole=False)
        return _OVER if len(active) < ACTIVE else _OVER.union(_UNDER_WAY)


def _sum(stats: Stats) -> dict[RunStatus, int]:
    counts: dict[RunStatus, int] = {}
    for job in stats.jobs:
        for status, number in job.counts.items():
            counts[status] = counts.get(status, 0) + number
    return counts
