"""What of all runs of a server is here, and the requests that fetch the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import DurablyError, Event, NotFound, Phase, Run

from . import runs_reducer as reducer
from .all_runs_state import AllRunsState, Wanted, take_answer, take_events
from .clock import Clock
from .fault import as_fault
from .ports import DurablyPort
from .run_list import RunList
from .run_placing import Born
from .runs_state import RunsState, newest_first
from .store import Store

HEAD = 100
"""Runs of a request for the newest."""
PAGE = 1_000
"""Runs of a request for older ones, and for those that are compared again after an outage."""
_SINGLE = 4
"""Requests of one run each that are made together."""
_GAP = 20
"""How many requests bridge what is new; where more would be needed, the list begins anew."""


class Loading:
    """The list of the runs that are here, and what of it only the server can tell.

    ``wanted`` says what to ask for; one ``fetch`` makes the requests that are wanted most, and
    takes events into account that come meanwhile (``take``).
    """

    def __init__(
        self, port: DurablyPort, clock: Clock, store: Store[AllRunsState], at_most: int
    ) -> None:
        self.runs = RunList()
        self.fresh = True
        """Whether the list is to be fetched from its start, as nothing of it is here."""
        self.wanted = Wanted()
        self.sight = (0, 0)
        """The first and the last row that are looked at."""
        self.searched = 0
        """How many runs were fetched for a search since one asked for more."""
        self.place: Callable[[Run], tuple[Any, ...]] | None = None
        self.keep: Callable[[Run], bool] | None = None
        self.rising = False
        self.store = store
        self._port = port
        self._clock = clock
        self._at_most = at_most
        self._meanwhile: list[tuple[Event, ...]] | None = None

    @property
    def state(self) -> AllRunsState:
        """How it is doing."""
        return self.store.state

    @property
    def is_asking(self) -> bool:
        """Whether a request is under way."""
        return self._meanwhile is not None

    def begin_anew(self) -> None:
        """Forget what was wanted: another list is."""
        self.wanted = Wanted()
        self.searched = 0
        self.fresh = True

    def recheck(self) -> None:
        """Want the newest, and what is below compared with the server, page by page."""
        self.wanted.head = self.wanted.recheck = True
        self.wanted.recheck_from = None

    def take(self, events: tuple[Event, ...], now: float) -> None:
        """Take in what the stream brought."""
        if self._meanwhile is not None:
            self._meanwhile.append(reducer.telling(events))
        state = self.state
        whole = not state.has_more and not self.fresh
        before = len(self.runs)
        touched = take_events(self.runs, self.wanted, state.filter, whole, events, now)
        if touched:
            gone = before - len(self.runs)
            total = None if state.total is None else state.total - gone
            self.tell(touched, total=total)

    def take_over(self, page: RunsState[Any, Any]) -> None:
        """Show what a live page of the same runs has and the last answer had not: the page may have
        been answered later. What is right is asked for again."""
        state, oldest = self.state, self.runs.oldest
        came = [
            run
            for run in page.base
            if run.id not in self.runs
            and state.filter.matches(run)
            and (not state.has_more or oldest is None or newest_first(run) >= oldest.born)
        ]
        for run in came:
            self.runs.put(run, page.activity.get(run.id))
        if came:
            self.wanted.head = True
            self.tell(len(came), total=None if state.total is None else state.total + len(came))

    def tell(self, touched: int, **changes: Any) -> None:
        """Tell those who watch that so many runs changed, and what else did."""
        if touched:
            state = self.state
            self.store.set(
                replace(state, version=state.version + 1, loaded=len(self.runs), **changes)
            )

    # -- asking ----------------------------------------------------------------------------

    async def fetch(self) -> DurablyError | None:
        """Make the requests that are wanted most; what is wrong where one failed."""
        wanted, state = self.wanted, self.state
        # Many single runs are mostly new ones: one request for the newest tells of most.
        head = wanted.head or self.fresh or len(wanted.single) > _SINGLE
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
            return fault
        finally:
            self._meanwhile = None
        return None

    async def _get(self, after: Born | None, limit: int) -> list[Run]:
        query = replace(self.state.filter.query(limit, 0), after=after)
        return await self._port.get_runs(query)

    async def _fetch_head(self) -> None:
        fresh = self.fresh
        runs = RunList(self.place, self.keep, rising=self.rising) if fresh else self.runs
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
            runs.overlay_as(self.runs)
        self.runs, self.fresh = runs, False
        self._answered(has_more, None if total is None else total + (0 if fresh else came))

    async def _count(self) -> int | None:
        return await self._port.count_runs(self.state.filter.query(1, 0))

    async def _fetch_older(self) -> None:
        if not await self._goes_on():
            raise DurablyError("This server cannot continue its list: read it page by page.")
        oldest = self.runs.oldest
        after = None if oldest is None else oldest.born
        answer = await self._get(after, PAGE)
        self.wanted.older = False
        self.searched = self.searched + len(answer) if self.keep is not None else 0
        self._merge(self.runs, answer, after, PAGE, None)
        self._answered(len(answer) == PAGE, self.state.total)

    async def _goes_on(self) -> bool:
        port = self._port
        if port.abilities.has("cursor") is None:
            await port.probe()
        return bool(port.abilities.has("cursor"))

    async def _recheck(self) -> None:
        """Compare one more page with the server, until all that is here was compared."""
        wanted = self.wanted
        oldest = self.runs.oldest
        after, has_more = wanted.recheck_from, True
        if oldest is None or (after is not None and after <= oldest.born):
            wanted.recheck = False
        else:
            answer = await self._get(after, PAGE)
            self._merge(self.runs, answer, after, PAGE, self._clock.time())
            wanted.recheck = has_more = len(answer) == PAGE
            wanted.recheck_from = newest_first(answer[-1]) if answer else None
        self._answered(self.state.has_more and has_more, self.state.total)

    async def _fetch_single(self) -> None:
        """A few of the runs of which an event said too little, those in sight first."""
        single = self.wanted.single
        if not single:
            return
        first, last = self.sight
        sight = {run.id for run in self.runs.view()[first : last + 1]}
        ids = sorted(single, key=lambda run_id: run_id not in sight)[:_SINGLE]
        found = await asyncio.gather(*map(self._get_one, ids), return_exceptions=True)
        state, touched = self.state, 0
        oldest = self.runs.oldest
        fault: BaseException | None = None
        for run_id, run in zip(ids, found, strict=True):
            if isinstance(run, BaseException):
                fault = fault or run  # it is asked for again
                continue
            single.pop(run_id, None)
            if run is None or not state.filter.matches(run):
                touched += self.runs.remove(run_id)
            elif not state.has_more or oldest is None or newest_first(run) >= oldest.born:
                self.wanted.unseen.discard(run_id)
                touched += 1
                self.runs.put(run)
        self._replay(self.runs)
        self.tell(touched)
        if fault is not None:
            raise fault
        if self.state.error is not None:
            self.store.set(replace(self.state, error=None))

    async def _get_one(self, run_id: str) -> Run | None:
        try:
            return await self._port.get_run(run_id)
        except NotFound:
            return None

    def _merge(
        self, runs: RunList, answer: list[Run], after: Born | None, limit: int, now: float | None
    ) -> int:
        came = take_answer(runs, self.state.filter, answer, after, limit, now)
        for run in answer:
            self.wanted.single.pop(run.id, None)
            self.wanted.unseen.discard(run.id)
        self._replay(runs)
        return came

    def _replay(self, runs: RunList) -> None:
        """What came while the answer was under way may be newer than the answer."""
        now = self._clock.time()
        for events in self._meanwhile or ():
            take_events(runs, self.wanted, self.state.filter, False, events, now)
        if self._meanwhile is not None:
            self._meanwhile.clear()

    def _answered(self, has_more: bool, total: int | None) -> None:
        cut = self.runs.cut(self._at_most)
        state = self.state
        live = state.connection is None or state.connection.phase is Phase.LIVE
        loaded = len(self.runs)
        has_more = has_more or cut > 0
        self.tell(
            1,
            has_more=has_more,
            is_full=has_more and loaded >= self._at_most,
            total=loaded if not has_more else None if total is None else max(total, loaded + 1),
            is_loading=False,
            is_loading_older=False,
            checking=self.wanted.recheck,
            error=None,
            fetched_at=self._clock.time(),
            stale_since=None if live else state.stale_since,
        )
