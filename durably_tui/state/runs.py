"""``Runs``: a live page of runs (useRuns)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, Self

from durably_tui.protocol import DurablyError, Event, Run, RunStatus, StreamBatch

from . import runs_reducer as reducer
from .fault import as_fault, may_pass
from .feed import FeedLease
from .hook import Hook
from .hub import Hub
from .jobs import I, O
from .refresher import Refresher
from .runs_state import RunsFilter, RunsState
from .store import Store


class Runs(Hook[RunsState[I, O]], Generic[I, O]):
    """A page of runs, newest first; page 0 is live, the others stand still.

    Everything but ``refresh`` and ``aclose`` answers at once.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        filter: RunsFilter,
        page_size: int,
        realtime: bool,
        typed: Callable[[Run], Run[I, O]] | None = None,
    ) -> None:
        if page_size < 1:
            raise ValueError(f"page_size must be at least 1, not {page_size}.")
        self.store = Store(RunsState(filter=filter, page_size=page_size, is_loading=True))
        self._hub = hub
        self._clock = hub.clock
        self._realtime = realtime
        self._typed = typed
        self._refresher = Refresher(self._fetch, hub.clock)
        self._lease: FeedLease | None = None
        self._epoch = 0
        self._started = False
        self._closed = False
        self._meanwhile: list[tuple[Event, ...]] | None = None

    @property
    def runs(self) -> tuple[Run[I, O], ...]:
        """The rows of this page, optimistic changes included."""
        return self.state.runs

    @property
    def is_loading(self) -> bool:
        """A request for this page is under way, or the first has not begun."""
        return self.state.is_loading

    @property
    def error(self) -> DurablyError | None:
        """Why the last request failed, or None."""
        return self.state.error

    @property
    def page(self) -> int:
        """From 0."""
        return self.state.page

    @property
    def counts(self) -> Counter[RunStatus]:
        """How many rows of this page have each status."""
        return Counter(run.status for run in self.runs)

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return self.state.has_more

    def start(self) -> Self:
        """Begin to fetch and to listen; harmless when already begun. Needs a running loop."""
        if not self._started and not self._closed:
            self._started = True
            self._hub.open.add(self)
            self._listen()
            self._refresher.wish()
        return self

    async def refresh(self) -> None:
        """Fetch this page now; returns when an answer to a request made after the call is in.

        Never raises for what a server says: see ``error``.
        """
        self.start()
        await self._refresher.finished()

    def next_page(self) -> None:
        """Go one page on, where ``has_more``."""
        if self.has_more:
            self.go_to_page(self.page + 1)

    def prev_page(self) -> None:
        """Go one page back, down to 0."""
        self.go_to_page(self.page - 1)

    def go_to_page(self, page: int) -> None:
        """Go to a page, at least 0. The rows of the old one stay until the new ones are there."""
        self._turn(page=page)

    def set_query(
        self,
        *,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int | None = None,
    ) -> None:
        """Replace the whole filter (what is not given is not filtered by) and go to page 0.

        The old rows stay until the new ones are there. ``page_size=None`` keeps the size.

        Raises:
            ValueError: a status that no run can have, or a page size below 1.
        """
        if page_size is not None and page_size < 1:
            raise ValueError(f"page_size must be at least 1, not {page_size}.")
        wanted = RunsFilter.of(job_name, status, labels)
        self._turn(filter=wanted, page=0, page_size=page_size)

    @contextmanager
    def optimistic(self, run_id: str, status: RunStatus | None) -> Iterator[None]:
        """Show a run as ``status`` (None: deleted) while the block asks the server for it::

            with runs.optimistic(run_id, RunStatus.CANCELLED):
                await actions.cancel(run_id)

        Where the block raises, the row changes back and the error goes on to the caller.
        """
        self.store.update(lambda state: reducer.overlaid(state, run_id, status))
        try:
            yield
        except BaseException:
            self.store.update(lambda state: reducer.reverted(state, run_id))
            raise
        now = self._clock.time()
        self.store.update(lambda state: reducer.granted(state, run_id, status, now))
        self._ask()

    async def aclose(self) -> None:
        """End every request and let the stream go."""
        self._closed = True
        self._hub.open.discard(self)
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        await self._refresher.aclose()
        await self._hub.closed()

    def _turn(self, **changes: Any) -> None:
        before = self.state
        self.store.update(lambda state: reducer.turned(state, **changes))
        if self.state is before or not self._started or self._closed:
            return
        if self._lease is not None and not self._lease.covers(self.state.filter):
            lease, self._lease = self._lease, None
            self._listen()
            lease.release()
        self._refresher.at_once(restart=True)

    def _listen(self) -> None:
        if not self._realtime:
            return
        self._lease = self._hub.pool.acquire(self.state.filter, self._take)
        connection = self._lease.connection
        # The request that follows begins after this: what is live already needs no other.
        self._epoch = connection.epoch
        now = self._clock.time()
        self.store.update(lambda state: reducer.connected(state, connection, now))

    def _take(self, batch: StreamBatch) -> None:
        now = self._clock.time()
        connection, events = batch.connection, batch.events
        live = self.state.page == 0
        if events and self._meanwhile is not None:
            self._meanwhile.append(reducer.telling(events))

        def change(state: RunsState[I, O]) -> RunsState[I, O]:
            state = reducer.connected(state, connection, now)
            return reducer.reduce(state, events, now) if events and live else state

        self.store.update(change)
        if connection.epoch > self._epoch:
            # What was published between two connections is gone: fetch, then merge.
            self._epoch = connection.epoch
            if live:
                self._refresher.at_once()
        self._ask()

    def _ask(self) -> None:
        """Wish for what only an answer can tell. While a request is under way its answer may
        have it already: that is seen when it comes."""
        if self._started and self.state.needs_fetch and self._meanwhile is None:
            self._refresher.wish()

    async def _fetch(self) -> bool:
        state = self.store.update(reducer.asking)
        live = self._realtime and state.page == 0
        self._meanwhile = []
        query = state.filter.query(state.page_size + 1, state.page * state.page_size)
        try:
            answer = await self._hub.port.get_runs(query)
        except Exception as error:
            fault = as_fault(error)
            self.store.update(lambda state: reducer.failed(state, fault))
            return self._realtime and may_pass(fault)
        else:
            runs: list[Run] = list(map(self._typed, answer)) if self._typed else answer
            events = self._meanwhile if live else ()
            now = self._clock.time()
            self.store.update(lambda state: reducer.answered(state, runs, events, now))
        finally:
            self._meanwhile = None
        self._ask()
        return False
