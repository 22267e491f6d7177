"""``JobStats``: what became of the runs of every job, counted by the server where it counts."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    DurablyError,
    Event,
    JobInfo,
    RunsQuery,
    Stats,
    StreamBatch,
    Unauthorised,
)

from .fault import as_fault, may_pass
from .hub import Hub
from .job_stats_figures import BUCKETS, JobSummary, Source, summary
from .job_stats_records import JobRecords, Ledger, RunRecord, met, noted, recalled
from .overview import WatchedOverview

WINDOW = 3600.0
RECENT_RUNS = 300
"""Runs of all jobs that are fetched to begin with."""
RUNS_OF_A_JOB = 200
"""Runs of the job in focus that are fetched."""
SECONDS_BETWEEN_REQUESTS = 2.0


class JobStatsState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of all jobs."""

    window: float = WINDOW
    """How far figures look back, in seconds."""
    ledger: Ledger = Ledger()
    jobs: tuple[JobInfo, ...] | None = None
    """The registered jobs; None where the server does not list them, or not to this client."""
    stats: Stats | None = None
    """What the server counted; None where it counts nothing, or not for this client."""
    is_loading: bool = False
    error: DurablyError | None = None
    """Why the last request failed; the figures are those of the last one that did not."""
    fetched_at: float | None = None
    """When the server last answered, in seconds since the epoch; None: never yet."""

    @property
    def source(self) -> Source:
        """Who counted."""
        return Source.SEEN if self.stats is None else Source.SERVER

    @property
    def counted_window(self) -> float:
        """How far the figures look back, in seconds: as ``window`` once that was answered."""
        return (self.stats.window if self.stats else 0.0) or self.window


class JobStats(WatchedOverview[JobStatsState]):
    """The figures of every job, live.

    A server that counts is asked again after events, at most every ``SECONDS_BETWEEN_REQUESTS``,
    while ``watched``; one that does not is asked for runs at the start and after a lost connection
    only.
    """

    def __init__(self, hub: Hub, *, window: float = WINDOW) -> None:
        super().__init__(
            hub,
            JobStatsState(window=window, is_loading=True),
            seconds_between_requests=SECONDS_BETWEEN_REQUESTS,
        )
        self._runs = self._asking(self._fetch_focus)
        self._meanwhile: list[list[Sequence[Event]]] = []
        self._focus: str | None = None
        self._made: dict[str, tuple[tuple[Any, ...], JobSummary]] = {}

    @property
    def source(self) -> Source:
        """Who counted."""
        return self.state.source

    @property
    def is_loading(self) -> bool:
        """A request is under way, or the first has not begun."""
        return self.state.is_loading

    @property
    def error(self) -> DurablyError | None:
        """Why the last request failed, or None."""
        return self.state.error

    def summaries(self, now: float | None = None) -> tuple[JobSummary, ...]:
        """Every job by name, those that never ran included where the server lists jobs.

        The same objects again for jobs of which nothing changed. ``now``: seconds since the epoch.
        """
        now = self._hub.clock.time() if now is None else now
        state = self.state
        infos = {job.name: job for job in state.jobs or ()}
        figures = {job.job_name: job for job in state.stats.jobs} if state.stats else {}
        window = state.counted_window
        tick = math.floor(now / (window / BUCKETS))
        made: dict[str, tuple[tuple[Any, ...], JobSummary]] = {}
        for name in sorted(infos.keys() | figures.keys() | state.ledger.jobs.keys()):
            records, known = state.ledger.of(name), state.ledger.known_from(name)
            info, told = infos.get(name), figures.get(name)
            drawn_from = (records, known, info, told, tick, window)
            before = self._made.get(name)
            if before is None or not _same(before[0], drawn_from):
                found = summary(
                    name,
                    records,
                    now,
                    window=window,
                    known_from=known,
                    info=info,
                    figures=told,
                )
                before = (drawn_from, found)
            made[name] = before
        self._made = made
        return tuple(found for _, found in made.values())

    def records(self, job_name: str) -> JobRecords:
        """The known runs of a job, the newest last: what a plot of it is drawn from."""
        return self.state.ledger.of(job_name)

    def last_input(self, job_name: str) -> RunRecord | None:
        """The newest run of a job whose input is known."""
        runs = self.records(job_name).runs.values()
        return next((run for run in reversed(runs) if run.has_input), None)

    def set_window(self, seconds: float) -> None:
        """Look back so far.

        Raises:
            ValueError: no time at all.
        """
        if seconds <= 0:
            raise ValueError(f"A window must be longer than 0 s, not {seconds}.")
        if seconds != self.state.window:
            self.store.update(lambda state: replace(state, window=seconds))
            if self._lease is not None and self.state.stats is not None:
                self._refresher.at_once(restart=True)

    def focus(self, job_name: str | None) -> None:
        """Have the last runs of one job fetched as well, as somebody looks at it."""
        if job_name != self._focus:
            self._focus = job_name
            if self._lease is not None:
                self._runs.wish()

    def _recall(self) -> None:
        past = recalled(self._hub.pool.history.state)
        self.store.update(lambda state: replace(state, ledger=past))
        if self._focus is not None:
            self._runs.wish()

    def _is_whole(self, job_name: str) -> bool:
        """Whether enough runs of a job are known to draw it."""
        ledger = self.state.ledger
        known = len(ledger.of(job_name).runs)
        return known >= RUNS_OF_A_JOB or ledger.known_from(job_name) == -math.inf

    def _take(self, batch: StreamBatch) -> None:
        now = self._hub.clock.time()
        before = self.state
        for waiting in self._meanwhile:
            waiting.append(batch.events)
        self.store.update(lambda state: _noting(state, noted(state.ledger, batch.events, now)))
        if self._is_another(batch):
            self._wants_all = True
            self._refresher.at_once()
        elif self.state is not before and self.state.stats is not None:
            self._fall_behind()

    async def _fetch(self) -> bool:
        self.store.update(lambda state: replace(state, is_loading=True))
        port, everything = self._hub.port, self._wants_all
        self._wants_all = self._is_behind = False
        stats, jobs = None, self.state.jobs
        try:
            if everything:
                await self._meet(None, RECENT_RUNS)
            with contextlib.suppress(Unauthorised):  # a token for some runs only: those are counted
                stats = await port.get_stats(window=self.state.window)
                if everything:
                    listed = await port.get_jobs()
                    jobs = None if listed is None else tuple(listed)
        except BaseException as error:
            self._wants_all = self._wants_all or everything
            if not isinstance(error, Exception):
                raise
            fault = as_fault(error)
            self.store.update(lambda state: replace(state, is_loading=False, error=fault))
            return may_pass(fault)
        now = self._hub.clock.time()
        self.store.update(
            lambda state: replace(
                state, stats=stats, jobs=jobs, is_loading=False, error=None, fetched_at=now
            )
        )
        return False

    async def _fetch_focus(self) -> bool:
        name = self._focus
        try:
            if name is not None and not self._is_whole(name):
                await self._meet(name, RUNS_OF_A_JOB)
        except Exception as error:
            fault = as_fault(error)
            self.store.update(lambda state: replace(state, error=fault))
            return may_pass(fault)
        return False

    async def _meet(self, job_name: str | None, limit: int) -> None:
        """Fetch the newest runs, of one job or of all; what events tell meanwhile is newer."""
        meanwhile: list[Sequence[Event]] = []
        self._meanwhile.append(meanwhile)
        names = () if job_name is None else (job_name,)
        try:
            runs = await self._hub.port.get_runs(RunsQuery(job_names=names, limit=limit))
        finally:
            # By itself: two that began together are equal as long as they have heard the same.
            self._meanwhile = [each for each in self._meanwhile if each is not meanwhile]
        now = self._hub.clock.time()
        ledger = met(self.state.ledger, runs, now, limit=limit, job_name=job_name)
        for events in meanwhile:
            ledger = noted(ledger, events, now)
        self.store.update(lambda state: replace(state, ledger=ledger))


def _noting(state: JobStatsState, ledger: Ledger) -> JobStatsState:
    return state if ledger is state.ledger else replace(state, ledger=ledger)


def _same(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    return all(
        a is b or (isinstance(a, float | int) and a == b) for a, b in zip(before, now, strict=True)
    )
