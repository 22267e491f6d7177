"""``AllRuns``: every run of a server, fetched as one goes down the list."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from msgspec.structs import replace

from durably_tui.protocol import (
    DurablyError,
    Event,
    NotFound,
    Phase,
    Run,
    RunStatus,
    StreamBatch,
)

from . import runs_reducer as reducer
from .all_runs_state import AllRunsState, Wanted, take_answer, take_events
from .fault import as_fault, may_pass
from .feed import FeedLease
from .hook import Hook
from .hub import Hub
from .refresher import Refresher
from .run_arranging import Arranging
from .run_list import RunList, RunsView
from .run_placing import Born
from .runs_state import RunsFilter, newest_first
from .store import Store

AT_MOST = 100_000
HEAD = 100
"""Runs of a request for the newest."""
PAGE = 1_000
"""Runs of a request for older ones, and for those that are compared again after an outage."""
MARGIN = 250
"""Older runs are fetched when fewer than these are left below what is in sight."""
SEARCH = 5_000
"""How many runs are fetched for a search that finds too few, until one asks for more."""
_SINGLE = 4
"""Requests of one run each that are made together."""
_AT_ONCE = 1_000
"""So many runs are put into another order without a pause."""
_GAP = 20
"""How many requests bridge what is new; where more would be needed, the list begins anew."""


class AllRuns(Hook[AllRunsState]):
    """The runs that match, newest first (by ``created_at``, then by ``id``), live, without pages.

    Needs a server with the feature ``cursor``. It reads as ``Runs`` does: the same properties, the
    same ``set_query``, ``optimistic``, ``subscribe`` and ``refresh``. ``reach`` says what is looked
    at, and what comes next below is fetched before one gets there. At most ``at_most`` runs are
    kept; ``state`` says when that many are here.
    """

    def __init__(
        self, hub: Hub, *, filter: RunsFilter, at_most: int = AT_MOST, realtime: bool = True
    ) -> None:
        if at_most < 1:
            raise ValueError(f"at_most must be at least 1, not {at_most}.")
        self.store: Store[AllRunsState] = Store(AllRunsState(filter=filter, is_loading=True))
        self._hub = hub
        self._clock = hub.clock
        self._at_most = at_most
        self._realtime = realtime
        self._place: Callable[[Run], tuple[Any, ...]] | None = None
        self._keep: Callable[[Run], bool] | None = None
        self._rising = False
        self._list = RunList()
        self._view = self._list.view()
        self._viewed = 0
        self._fresh = True
        self._wanted = Wanted()
        self._sight = (0, 0)
        self._searched = 0
        self._refresher = Refresher(self._fetch, hub.clock)
        self._lease: FeedLease | None = None
        self._epoch = 0
        self._started = self._closed = False
        self._meanwhile: list[tuple[Event, ...]] | None = None
        self._arranger: asyncio.Task[None] | None = None

    # -- reading ---------------------------------------------------------------------------

    @property
    def runs(self) -> RunsView:
        """The runs that are shown, in their order, optimistic changes included."""
        if self._viewed != self.state.version:
            self._viewed = self.state.version
            self._view = self._list.view()
        return self._view

    @property
    def counts(self) -> Counter[RunStatus]:
        """How many of the runs that are here have each status."""
        return self._list.counts

    @property
    def is_loading(self) -> bool:
        """A request for the newest runs is under way, or the first has not begun."""
        return self.state.is_loading

    @property
    def error(self) -> DurablyError | None:
        """Why the last request failed, or None."""
        return self.state.error

    @property
    def has_more(self) -> bool:
        """Whether the server has older runs than these."""
        return self.state.has_more

    def get(self, run_id: str) -> Run | None:
        """A run that is here, optimistic changes included."""
        entry = self._list.by_id.get(run_id)
        return None if entry is None or entry.hidden else entry.shown

    # -- steering --------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin to fetch and to listen; harmless when already begun. Needs a running loop."""
        if not self._started and not self._closed:
            self._started = True
            self._hub.open.add(self)
            self._listen()
            self._refresher.wish()
        return self

    async def refresh(self) -> None:
        """Fetch the newest now, and compare what is below with the server, page by page.

        Returns when the newest are in. Never raises for what a server says: see ``error``.
        """
        self.start()
        self._wanted.head = self._wanted.recheck = True
        self._wanted.recheck_from = None
        await self._refresher.finished()

    def reach(self, first: int, last: int) -> None:
        """Say which of ``runs`` are in sight; older ones are fetched where the end is near."""
        if (first, last) != self._sight:
            self._sight = (first, last)
        state = self.state
        if state.arranged or last + MARGIN < len(self.runs) or self._searched >= SEARCH:
            return
        self._go_on()

    def load_older(self) -> None:
        """Fetch older runs, in any order of the rows, and however little a search has found."""
        self._searched = 0
        self._go_on()

    def _go_on(self) -> None:
        state = self.state
        if not state.has_more or state.is_full or self._fresh or self._wanted.older:
            return
        if state.error is not None or not self._started:
            return
        self._wanted.older = True
        self._refresher.at_once()

    def arrange(
        self,
        place: Callable[[Run], tuple[Any, ...]] | None = None,
        keep: Callable[[Run], bool] | None = None,
        *,
        rising: bool = False,
    ) -> None:
        """Show only runs that ``keep`` wants, the largest ``place`` first, or the smallest.

        Without ``place`` it is the time of creation; among equals the newest comes first. Both are
        asked again whenever a run changes. Of many runs that takes time, and is done in slices
        between which the event loop goes on: ``state.arranging`` until it is seen.
        """
        self._place, self._keep, self._rising = place, keep, rising
        self._searched = 0
        if self._arranger is not None:
            self._arranger.cancel()
            self._arranger = None
        plain = place is None and keep is None and not rising
        in_slices = self._started and not plain and len(self._list) > _AT_ONCE
        if in_slices:
            work = Arranging(self._list, place, keep, rising=rising)
            self._arranger = asyncio.create_task(self._arrange(work), name="durably:arrange")
        else:
            self._list.arrange(place, keep, rising=rising)
        arranged = place is not None or rising
        self._tell(1, arranged=arranged, searching=keep is not None, arranging=in_slices)

    async def _arrange(self, arranging: Arranging) -> None:
        try:
            for _ in arranging.work():
                await asyncio.sleep(0)
                await self._hub.pool.give_way()
                if self._list is not arranging.runs:
                    break  # it was fetched anew, and is in the new order already
            else:
                arranging.finish()
        finally:
            arranging.give_up()
        self._arranger = None
        self._tell(1, arranging=False)

    def set_query(
        self,
        *,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Replace the whole filter (what is not given is not filtered by).

        The old rows stay until the new ones are there.

        Raises:
            ValueError: a status that no run can have.
        """
        wanted = RunsFilter.of(job_name, status, labels)
        if wanted == self.state.filter:
            return
        self._wanted = Wanted()
        self._searched = 0
        self._fresh = True
        self.store.update(
            lambda state: replace(
                state, filter=wanted, is_loading=True, total=None, checking=False, is_full=False
            )
        )
        if not self._started or self._closed:
            return
        if self._lease is not None and not self._lease.covers(wanted):
            lease, self._lease = self._lease, None
            self._listen()
            lease.release()
        self._refresher.at_once(restart=True)

    @contextmanager
    def optimistic(self, run_id: str, status: RunStatus | None) -> Iterator[None]:
        """Show a run as ``status`` (None: deleted) while the block asks the server for it.

        Where the block raises, the row changes back and the error goes on to the caller.
        """
        self._tell(self._list.overlay(run_id, status, on=True))
        try:
            yield
        except BaseException:
            self._tell(self._list.overlay(run_id, None, on=False))
            raise
        entry = self._list.by_id.get(run_id)
        if entry is not None and status is None:
            self._list.remove(run_id)
        elif entry is not None:
            # Where an event told of it first, the row is as it was told.
            granted = entry.shown
            self._list.overlay(run_id, None, on=False)
            self._list.put(granted, replace(entry.activity, changed_at=self._clock.time()))
            self._wanted.one(run_id)
        self._wanted.head = True
        self._tell(1)
        self._ask()

    async def aclose(self) -> None:
        """End every request and let the stream go."""
        self._closed = True
        self._hub.open.discard(self)
        if self._arranger is not None:
            self._arranger.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._arranger
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        await self._refresher.aclose()
        await self._hub.closed()

    # -- the stream ------------------------------------------------------------------------

    def _listen(self) -> None:
        if not self._realtime:
            return
        self._lease = self._hub.pool.acquire(self.state.filter, self._take)
        connection = self._lease.connection
        self._epoch = connection.epoch
        now = self._clock.time()
        self.store.update(lambda state: reducer.connected(state, connection, now))

    def _take(self, batch: StreamBatch) -> None:
        now = self._clock.time()
        connection, events = batch.connection, batch.events
        if events:
            if self._meanwhile is not None:
                self._meanwhile.append(reducer.telling(events))
            self._apply(events, now)
        self.store.update(lambda state: reducer.connected(state, connection, now))
        if connection.epoch > self._epoch:
            # What was published between two connections is gone: fetch, then merge.
            self._epoch = connection.epoch
            self._wanted.head = self._wanted.recheck = True
            self._wanted.recheck_from = None
            self._refresher.at_once()
        self._ask()

    def _apply(self, events: Iterable[Event], now: float) -> None:
        state = self.state
        whole = not state.has_more and not self._fresh
        before = len(self._list)
        touched = take_events(self._list, self._wanted, state.filter, whole, events, now)
        if touched:
            gone = before - len(self._list)
            total = None if state.total is None else state.total - gone
            self._tell(touched, total=total)

    def _tell(self, touched: int, **changes: Any) -> None:
        if not touched:
            return
        state = self.state
        loaded = len(self._list)
        self.store.set(replace(state, version=state.version + 1, loaded=loaded, **changes))

    # -- asking ----------------------------------------------------------------------------

    def _ask(self) -> None:
        """Wish for what only an answer can tell. While a request is under way its answer may
        have it already: that is seen when it comes."""
        if self._started and self._wanted.anything and self._meanwhile is None:
            self._refresher.wish()

    async def _fetch(self) -> bool:
        wanted, state = self._wanted, self.state
        # Many single runs are mostly new ones: one request for the newest tells of most.
        head = wanted.head or self._fresh or len(wanted.single) > _SINGLE
        older = wanted.older and not head
        if head:
            wanted.head = False
        self._meanwhile = []
        if head and not state.is_loading:
            self.store.set(replace(state, is_loading=True))
        elif older:
            self.store.set(replace(state, is_loading_older=True))
        try:
            if head:
                await self._fetch_head()
            elif older:
                await self._fetch_older()
            elif wanted.recheck:
                await self._recheck()
            await self._fetch_single()
        except Exception as error:
            fault = as_fault(error)
            wanted.head = wanted.head or head
            wanted.older = False
            self.store.set(
                replace(self.state, error=fault, is_loading=False, is_loading_older=False)
            )
            return self._realtime and may_pass(fault)
        finally:
            self._meanwhile = None
        if wanted.older:
            self._refresher.at_once()
        self._ask()
        return False

    async def _get(self, after: Born | None, limit: int) -> list[Run]:
        query = replace(self.state.filter.query(limit, 0), after=after)
        return await self._hub.port.get_runs(query)

    async def _fetch_head(self) -> None:
        fresh = self._fresh
        runs = RunList(self._place, self._keep, rising=self._rising) if fresh else self._list
        newest = None if fresh or runs.newest is None else runs.newest.born
        after: Born | None = None
        came = 0
        has_more = self.state.has_more
        total = self.state.total if not fresh else await self._count()
        for _ in range(_GAP):
            answer = await self._get(after, HEAD)
            came += self._merge(runs, answer, after, HEAD, None if fresh else self._clock.time())
            if len(answer) < HEAD:
                has_more = False
                break
            after = newest_first(answer[-1])
            if newest is None or after <= newest:
                has_more = has_more or newest is None
                break
        else:
            # Too much is new: what is below the gap would seem to follow it.
            for entry in runs.between(after, None):
                runs.remove(entry.run.id)
            has_more = True
        if fresh:
            runs.overlay_as(self._list)
        self._list, self._fresh = runs, False
        self._answered(has_more, None if total is None else total + (0 if fresh else came))

    async def _count(self) -> int | None:
        return await self._hub.port.count_runs(self.state.filter.query(1, 0))

    async def _fetch_older(self) -> None:
        if not await self._goes_on():
            raise DurablyError("This server cannot go on in its list: read it page by page.")
        oldest = self._list.oldest
        after = None if oldest is None else oldest.born
        answer = await self._get(after, PAGE)
        self._wanted.older = False
        self._searched = self._searched + len(answer) if self._keep is not None else 0
        self._merge(self._list, answer, after, PAGE, None)
        self._answered(len(answer) == PAGE, self.state.total)

    async def _goes_on(self) -> bool:
        port = self._hub.port
        if port.abilities.has("cursor") is None:
            await port.probe()
        return bool(port.abilities.has("cursor"))

    async def _recheck(self) -> None:
        """Compare one more page with the server, until all that is here was compared."""
        wanted = self._wanted
        oldest = self._list.oldest
        after, has_more = wanted.recheck_from, True
        if oldest is None or (after is not None and after <= oldest.born):
            wanted.recheck = False
        else:
            answer = await self._get(after, PAGE)
            self._merge(self._list, answer, after, PAGE, self._clock.time())
            wanted.recheck = has_more = len(answer) == PAGE
            wanted.recheck_from = newest_first(answer[-1]) if answer else None
        self._answered(self.state.has_more and has_more, self.state.total)

    async def _fetch_single(self) -> None:
        """A few of the runs of which an event said too little, those in sight first."""
        single = self._wanted.single
        if not single:
            return
        first, last = self._sight
        sight = {run.id for run in self.runs[first : last + 1]}
        ids = sorted(single, key=lambda run_id: run_id not in sight)[:_SINGLE]
        for run_id in ids:
            del single[run_id]
        found = await asyncio.gather(*map(self._get_one, ids))
        state, touched = self.state, 0
        oldest = self._list.oldest
        for run_id, run in zip(ids, found, strict=True):
            if run is None or not state.filter.matches(run):
                touched += self._list.remove(run_id)
            elif not state.has_more or oldest is None or newest_first(run) >= oldest.born:
                self._wanted.unseen.discard(run_id)
                touched += 1
                self._list.put(run)
        self._replay(self._list)
        self._tell(touched)

    async def _get_one(self, run_id: str) -> Run | None:
        try:
            return await self._hub.port.get_run(run_id)
        except NotFound:
            return None

    def _merge(
        self, runs: RunList, answer: list[Run], after: Born | None, limit: int, now: float | None
    ) -> int:
        came = take_answer(runs, self.state.filter, answer, after, limit, now)
        for run in answer:
            self._wanted.single.pop(run.id, None)
            self._wanted.unseen.discard(run.id)
        self._replay(runs)
        return came

    def _replay(self, runs: RunList) -> None:
        """What came while the answer was under way may be newer than the answer."""
        now = self._clock.time()
        for events in self._meanwhile or ():
            take_events(runs, self._wanted, self.state.filter, False, events, now)
        if self._meanwhile is not None:
            self._meanwhile.clear()

    def _answered(self, has_more: bool, total: int | None) -> None:
        cut = self._list.cut(self._at_most)
        state = self.state
        live = state.connection is None or state.connection.phase is Phase.LIVE
        loaded = len(self._list)
        has_more = has_more or cut > 0
        self._tell(
            1,
            has_more=has_more,
            is_full=has_more and loaded >= self._at_most,
            total=loaded if not has_more else None if total is None else max(total, loaded + 1),
            is_loading=False,
            is_loading_older=False,
            checking=self._wanted.recheck,
            error=None,
            fetched_at=self._clock.time(),
            stale_since=None if live else state.stale_since,
        )
