"""``AllRuns``: every run of a server, fetched as one goes down the list."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from msgspec.structs import replace

from durably_tui.protocol import DurablyError, Run, RunStatus, StreamBatch

from . import runs_reducer as reducer
from .all_runs_loading import Loading
from .all_runs_state import AllRunsState
from .ended import ended
from .fault import may_pass
from .feed import FeedLease
from .hook import Hook
from .hub import Hub
from .refresher import Refresher
from .run_arranging import Arranging
from .run_list import RunsView
from .runs_state import RunsFilter, RunsState
from .store import Store

AT_MOST = 100_000
MARGIN = 250
"""Older runs are fetched when fewer than these are left below what is in sight."""
SEARCH = 5_000
"""How many runs are fetched for a search that finds too few, until one asks for more."""
_AT_ONCE = 1_000
"""So many runs are put into another order without a pause."""


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
        self._realtime = realtime
        self._loading = Loading(hub.port, hub.clock, self.store, at_most)
        self._view = self._loading.runs.view()
        self._viewed = 0
        self._refresher = Refresher(self._fetch, hub.clock)
        self._lease: FeedLease | None = None
        self._epoch = 0
        self._started = self._closed = False
        self._arranger: asyncio.Task[None] | None = None

    # -- reading ---------------------------------------------------------------------------

    @property
    def runs(self) -> RunsView:
        """The runs that are shown, in their order, optimistic changes included."""
        if self._viewed != self.state.version:
            self._viewed = self.state.version
            self._view = self._loading.runs.view()
        return self._view

    @property
    def counts(self) -> Counter[RunStatus]:
        """How many of the runs that are here have each status."""
        return self._loading.runs.counts

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
        entry = self._loading.runs.by_id.get(run_id)
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
        self._loading.recheck()
        await self._refresher.finished()

    def reach(self, first: int, last: int) -> None:
        """Say which of ``runs`` are in sight; older ones are fetched where the end is near."""
        if (first, last) != self._loading.sight:
            self._loading.sight = (first, last)
        state = self.state
        if state.arranged or last + MARGIN < len(self.runs) or self._loading.searched >= SEARCH:
            return
        self._go_on()

    def load_older(self) -> None:
        """Fetch older runs, in any order of the rows, and however little a search has found."""
        self._loading.searched = 0
        self._go_on()

    def _go_on(self) -> None:
        state = self.state
        if not state.has_more or state.is_full or self._loading.fresh or self._loading.wanted.older:
            return
        if state.error is not None or not self._started:
            return
        self._loading.wanted.older = True
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
        loading = self._loading
        loading.place, loading.keep, loading.rising = place, keep, rising
        loading.searched = 0
        if self._arranger is not None:
            self._arranger.cancel()
            self._arranger = None
        plain = place is None and keep is None and not rising
        in_slices = self._started and not plain and len(self._loading.runs) > _AT_ONCE
        if in_slices:
            work = Arranging(self._loading.runs, place, keep, rising=rising)
            self._arranger = asyncio.create_task(self._arrange(work), name="durably:arrange")
        else:
            self._loading.runs.arrange(place, keep, rising=rising)
        arranged = place is not None or rising
        self._loading.tell(1, arranged=arranged, searching=keep is not None, arranging=in_slices)

    async def _arrange(self, arranging: Arranging) -> None:
        try:
            for _ in arranging.work():
                await asyncio.sleep(0)
                await self._hub.pool.give_way()
                if self._loading.runs is not arranging.runs:
                    break  # it was fetched anew, and is in the new order already
            else:
                arranging.finish()
        finally:
            arranging.give_up()
        self._arranger = None
        self._loading.tell(1, arranging=False)

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
        self._loading.begin_anew()
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
        self._loading.tell(self._loading.runs.overlay(run_id, status, on=True))
        try:
            yield
        except BaseException:
            self._loading.tell(self._loading.runs.overlay(run_id, None, on=False))
            raise
        entry = self._loading.runs.by_id.get(run_id)
        if entry is not None and status is None:
            self._loading.runs.remove(run_id)
        elif entry is not None:
            # Where an event told of it first, the row is as it was told.
            granted = entry.shown
            self._loading.runs.overlay(run_id, None, on=False)
            self._loading.runs.put(granted, replace(entry.activity, changed_at=self._clock.time()))
            self._loading.wanted.one(run_id)
        self._loading.wanted.head = True
        self._loading.tell(1)
        self._ask()

    def take_over(self, page: RunsState[Any, Any]) -> None:
        """Go on from a live page of the same filter: what only it was told is shown as well."""
        self._loading.take_over(page)
        self._ask()

    async def aclose(self) -> None:
        """End every request and let the stream go."""
        self._closed = True
        self._hub.open.discard(self)
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self._refresher.let_go()
        if self._arranger is not None:
            await ended(self._arranger)
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
            self._loading.take(events, now)
        self.store.update(lambda state: reducer.connected(state, connection, now))
        if connection.epoch > self._epoch:
            # What was published between two connections is gone: fetch, then merge.
            self._epoch = connection.epoch
            self._loading.recheck()
            self._refresher.at_once()
        self._ask()

    # -- asking ----------------------------------------------------------------------------

    def _ask(self) -> None:
        """Wish for what only an answer can tell. While a request is under way its answer may
        have it already: that is seen when it comes."""
        if self._started and self._loading.wanted.anything and not self._loading.is_asking:
            self._refresher.wish()

    async def _fetch(self) -> bool:
        fault = await self._loading.fetch()
        if fault is not None:
            return self._realtime and may_pass(fault)
        if self._loading.wanted.older:
            self._refresher.at_once()
        self._ask()
        return False
