"""``ErrorGroups``: what fails, by kind, live."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    DurablyError,
    Event,
    Run,
    RunComplete,
    RunFail,
    RunsQuery,
    RunStatus,
    StepStatus,
    StreamBatch,
)

from .error_groups_book import Book, Failure, met, noted, recalled, with_steps
from .error_groups_fold import ErrorGroup, grouped
from .fault import as_fault, may_pass
from .hub import Hub
from .overview import WatchedOverview

PAGE = 200
FIRST_PAGES = 3
"""Pages of failed runs that are fetched to begin with; after that, the newest."""
JOBS_AT_ONCE = 50
"""Jobs of which completed runs are asked for in one request; an old server takes one each."""
STEPS_AT_ONCE = 10
"""Runs whose steps are asked for in one go, to learn in which they failed."""
SECONDS_BETWEEN_REQUESTS = 3.0


class ErrorGroupsState(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is known of failures."""

    book: Book = Book()
    has_more: bool = False
    """Whether there are older failed runs than those that were fetched."""
    is_loading: bool = False
    error: DurablyError | None = None
    """Why the last request failed; the groups are as they were."""
    fetched_at: float | None = None
    """When the server last answered, in seconds since the epoch; None: never yet."""

    @functools.cached_property
    def groups(self) -> tuple[ErrorGroup, ...]:
        """The groups, the one that failed last first; made when somebody looks."""
        return grouped(self.book)

    def get(self, key: str) -> ErrorGroup | None:
        """The group of a key, or None where it is gone."""
        return next((group for group in self.groups if group.key == key), None)


class ErrorGroups(WatchedOverview[ErrorGroupsState]):
    """Failed runs by job, step and kind of message, from what was seen and fetched.

    After failures, and after runs that may have made up for some, the newest failed runs are
    fetched again, at most every ``SECONDS_BETWEEN_REQUESTS``, while ``watched``.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__(
            hub,
            ErrorGroupsState(is_loading=True),
            seconds_between_requests=SECONDS_BETWEEN_REQUESTS,
        )
        self._meanwhile: list[Sequence[Event]] | None = None
        self._asked: set[str] = set()
        self._failing: frozenset[str] = frozenset()
        """Jobs of which runs are failed, when that was looked at last."""

    @property
    def groups(self) -> tuple[ErrorGroup, ...]:
        """The groups, the one that failed last first."""
        return self.state.groups

    @property
    def is_loading(self) -> bool:
        """A request is under way, or the first has not begun."""
        return self.state.is_loading

    @property
    def error(self) -> DurablyError | None:
        """Why the last request failed, or None."""
        return self.state.error

    # -- inside ----------------------------------------------------------------------------

    def _recall(self) -> None:
        past = recalled(self._hub.pool.history.state)
        self.store.update(lambda state: replace(state, book=past))

    def _take(self, batch: StreamBatch) -> None:
        events = batch.events
        if self._meanwhile is not None:
            self._meanwhile.append(events)
        book = noted(self.state.book, events, self._hub.clock.time())
        if book is not self.state.book:
            self.store.update(lambda state: replace(state, book=book))
        if self._is_another(batch):
            self._wants_all = True
            self._refresher.at_once()
        elif any(type(event) is RunFail or self._may_help(event) for event in events):
            self._fall_behind()

    def _may_help(self, event: Event) -> bool:
        """Whether a run completed that may have had the input of one that failed."""
        return type(event) is RunComplete and event.job_name in self._failing

    async def _fetch(self) -> bool:
        self.store.update(lambda state: replace(state, is_loading=True))
        everything, self._wants_all = self._wants_all, False
        self._is_behind = False
        self._meanwhile = []
        try:
            failed, has_more = await self._pages(FIRST_PAGES if everything else 1)
            self._failing = frozenset(run.job_name for run in failed) | self._open_jobs()
            completed = await self._completed() if self._failing else []
        except BaseException as error:
            self._wants_all = self._wants_all or everything
            self._meanwhile = None
            if not isinstance(error, Exception):
                raise
            fault = as_fault(error)
            self.store.update(lambda state: replace(state, is_loading=False, error=fault))
            return may_pass(fault)
        now = self._hub.clock.time()
        book = met(self.state.book, (*completed, *failed), now)
        for events in self._meanwhile or ():
            book = noted(book, events, now)
        self._meanwhile = None
        self.store.update(
            lambda state: replace(
                state,
                book=book,
                has_more=has_more if everything else state.has_more,
                is_loading=False,
                error=None,
                fetched_at=now,
            )
        )
        await self._learn_steps()
        return False

    async def _pages(self, most: int) -> tuple[list[Run], bool]:
        """The newest failed runs, and whether there are others."""
        found: dict[str, Run] = {}
        for page in range(most):
            query = RunsQuery(statuses=(RunStatus.FAILED,), limit=PAGE + 1, offset=page * PAGE)
            runs = await self._hub.port.get_runs(query)
            found |= {run.id: run for run in runs[:PAGE]}
            if len(runs) <= PAGE:
                return list(found.values()), False
        return list(found.values()), True

    async def _completed(self) -> list[Run]:
        """The newest completed runs of the jobs that fail."""
        jobs = tuple(sorted(self._failing))[:JOBS_AT_ONCE]
        query = RunsQuery(job_names=jobs, statuses=(RunStatus.COMPLETED,), limit=PAGE)
        return await self._hub.port.get_runs(query)

    def _open_jobs(self) -> set[str]:
        return {group.job_name for group in self.groups if group.open}

    async def _learn_steps(self) -> None:
        """Ask for the steps of the newest failure of each group in which none is known.

        Servers that forget steps at the end of a run are not asked: those have no ``/retry``.
        """
        port = self._hub.port
        if port.abilities.retry is None:
            with contextlib.suppress(DurablyError):
                await port.probe()
        if not port.abilities.retry:
            return
        unknown = [
            group.sample
            for group in self.groups
            if group.step_name is None and group.sample.run_id not in self._asked
        ][:STEPS_AT_ONCE]
        # Of a failure that is forgotten nobody asks any more.
        self._asked &= self.state.book.failures.keys()
        names: dict[str, str] = {}
        for failure in unknown:
            self._asked.add(failure.run_id)
            name = await self._failed_step(failure)
            if name is not None:
                names[failure.run_id] = name
        if names:
            self.store.update(lambda state: replace(state, book=with_steps(state.book, names)))
        if len(unknown) == STEPS_AT_ONCE:
            self._refresher.wish()

    async def _failed_step(self, failure: Failure) -> str | None:
        try:
            steps = await self._hub.port.get_steps(failure.run_id)
        except DurablyError:
            return None
        return next((s.name for s in reversed(steps) if s.status is StepStatus.FAILED), None)
