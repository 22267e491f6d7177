"""``RunCounts``: how many runs a server has in each status, whatever part of them is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

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
from .hub import Hub
from .job_stats_figures import Source
from .overview import Overview
from .run_tally import Tally

NEWEST = 100
"""Runs that are fetched where the server does not count."""
ACTIVE = 200
"""Runs that are pending or running, fetched there as well: they may be older than those."""
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


class RunCounts(Overview[RunCountsState]):
    """The runs of a whole server by status, live.

    A server that counts is asked again after events, at most every ``SECONDS_BETWEEN_REQUESTS``
    and only while somebody looks; between the answers events move the counts. Of one that does
    not, the newest runs and those under way are fetched at the start and after a lost connection.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, RunCountsState(), seconds_between_requests=SECONDS_BETWEEN_REQUESTS)
        self._tally = Tally()
        self._looked_at = float("-inf")
        self._meanwhile: list[Sequence[Event]] | None = None

    def look(self) -> RunCountsState:
        """What is known, for somebody who looks at it now."""
        self._looked_at = self._hub.clock.monotonic()
        self._catch_up()
        return self.state

    def rest(self) -> None:
        """Let the stream go; ``start`` begins anew."""
        self._release()

    def _is_watched(self) -> bool:
        return self._hub.clock.monotonic() - self._looked_at < LOOKED

    def _take(self, batch: StreamBatch) -> None:
        if self._meanwhile is not None and batch.events:
            self._meanwhile.append(batch.events)
        if self.state.counts is not None and self._tally.take(batch.events):
            self._tell()
            if self.state.source is Source.SERVER:
                self._fall_behind()
        if self._is_another(batch):
            self._refresher.at_once()

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
                news = self._is_news_to_the_first()
                self._tally.counted(_sum(stats))
                if news:
                    self._fall_behind()
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

    def _is_news_to_the_first(self) -> bool:
        """Whether something came while the server was asked for the first time: its answer may be
        from before that, and later news count on by themselves."""
        if self.state.counts is not None:
            return False
        return self._tally.take(chain.from_iterable(self._meanwhile or ()))

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
