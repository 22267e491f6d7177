"""``create_durably_client``: every hook of one server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, overload

from durably_tui.protocol import Run

from .account import HistoryLimits
from .actions import Action, RunActions
from .all_runs import AT_MOST, AllRuns
from .bulk import Bulk
from .clock import Clock, SystemClock
from .error_groups import ErrorGroups
from .feed import FeedInfo
from .history import History
from .hub import Hub
from .job import Job
from .job_logs import JobLogs
from .job_run import Callback, JobRun
from .job_stats import WINDOW, JobStats
from .jobs import I, JobLike, O, job_name_of, typed
from .merged_logs import MergedLogs
from .ports import DurablyPort
from .run_counts import RunCounts
from .runs import Runs
from .runs_state import RunsFilter
from .store import Store
from .turns import GiveWay


class JobHooks(Generic[I, O]):
    """The hooks of one job."""

    def __init__(self, hub: Hub, job: str | JobLike[I, O]) -> None:
        self.job_name = job_name_of(job)
        self._hub = hub
        self._typed = typed(job)

    def use_job(
        self,
        *,
        initial_run_id: str | None = None,
        auto_resume: bool = True,
        follow_latest: bool = True,
    ) -> Job[I, O]:
        """Trigger the job and follow its current run (useJob).

        Args:
            initial_run_id: follow this run first.
            auto_resume: on start, follow the job's running run, else its pending one; never in
                the place of one that was triggered here.
            follow_latest: switch to every run of the job that is triggered or started.
        """
        return Job(
            self._hub,
            self.job_name,
            typed=self._typed,
            initial_run_id=initial_run_id,
            auto_resume=auto_resume,
            follow_latest=follow_latest,
        )

    def use_run(
        self,
        run_id: str | None,
        *,
        on_start: Callback | None = None,
        on_complete: Callback | None = None,
        on_fail: Callback | None = None,
    ) -> JobRun[I, O]:
        """Watch one run of the job (useJobRun)."""
        return JobRun(
            self._hub,
            run_id,
            self.job_name,
            typed=self._typed,
            on_start=on_start,
            on_complete=on_complete,
            on_fail=on_fail,
        )

    def use_logs(self, run_id: str | None, *, max_logs: int = 0) -> JobLogs:
        """The log lines of one run of the job (useJobLogs); ``max_logs`` 0 is no limit but that
        of the history."""
        return JobLogs(self._hub, run_id, self.job_name, max_logs=max_logs)


class DurablyHooks:
    """Every hook of one server. Closing it closes all that it gave out, but not the port."""

    def __init__(self, port: DurablyPort, clock: Clock, limits: HistoryLimits) -> None:
        self.port = port
        self._hub = Hub(port, clock, limits)
        self.feed = FeedInfo(self._hub.pool)
        self.history_store: Store[History] = self._hub.pool.history

    @property
    def history(self) -> History:
        """What passed on the streams, per run."""
        return self.history_store.state

    def take_turns(self, give_way: GiveWay) -> None:
        """Have ``give_way`` awaited before events are taken in.

        They are taken in by the hundred, and everything else that is ready runs in between. A
        program that draws can have its keys go first: the next events are taken in when
        ``give_way`` comes back, and meanwhile the streams wait.
        """
        self._hub.pool.give_way = give_way

    @overload
    def job(self, job: str) -> JobHooks[Any, Any]: ...
    @overload
    def job(self, job: JobLike[I, O]) -> JobHooks[I, O]: ...
    def job(self, job: str | JobLike[Any, Any]) -> JobHooks[Any, Any]:
        """The hooks of one job, by name, or by a definition that types them."""
        return JobHooks(self._hub, job)

    @overload
    def use_runs(
        self,
        job_definition: None = None,
        *,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int = 10,
        realtime: bool = True,
    ) -> Runs[Any, Any]: ...
    @overload
    def use_runs(
        self,
        job_definition: JobLike[I, O],
        *,
        job_name: None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int = 10,
        realtime: bool = True,
    ) -> Runs[I, O]: ...
    def use_runs(
        self,
        job_definition: JobLike[Any, Any] | None = None,
        *,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int = 10,
        realtime: bool = True,
    ) -> Runs[Any, Any]:
        """A live page of runs (useRuns); a job definition filters by its name and types them.

        Args:
            job_definition: a job that gives the runs their types.
            job_name: one or many.
            status: one or many, in the words of ``RunStatus``.
            labels: all must match.
            page_size: rows of one page, at least 1.
            realtime: keep page 0 live; else ``refresh`` is the only news.

        Raises:
            ValueError: a status that no run can have, or a page size below 1.
        """
        name = job_name if job_definition is None else job_definition.name
        return Runs(
            self._hub,
            filter=RunsFilter.of(name, status, labels),
            page_size=page_size,
            realtime=realtime,
            typed=typed(job_definition),
        )

    def use_all_runs(
        self,
        *,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        at_most: int = AT_MOST,
        realtime: bool = True,
    ) -> AllRuns:
        """Every run that matches, live and without pages; for servers with the feature ``cursor``.

        Args:
            job_name: one or many.
            status: one or many, in the words of ``RunStatus``.
            labels: all must match.
            at_most: how many runs are kept, at least 1.
            realtime: keep them live; else ``refresh`` is the only news.

        Raises:
            ValueError: a status that no run can have, or ``at_most`` below 1.
        """
        wanted = RunsFilter.of(job_name, status, labels)
        return AllRuns(self._hub, filter=wanted, at_most=at_most, realtime=realtime)

    def use_run_actions(self) -> RunActions:
        """Act on runs (useRunActions)."""
        return RunActions(self.port)

    def use_bulk(self, action: Action, runs: Iterable[Run]) -> Bulk:
        """Do one action to many runs; nothing is sent before its ``start``."""
        act = partial(self.use_run_actions().do, action)
        return Bulk(action, act, runs, clock=self._hub.clock)

    def use_merged_logs(self, runs: Iterable[str] = ()) -> MergedLogs:
        """The log lines of all runs, or of those with these ids, in one log."""
        return MergedLogs(self._hub, tuple(runs))

    def use_job_stats(self, *, window: float = WINDOW) -> JobStats:
        """The figures of every job over the last ``window`` seconds, live."""
        return JobStats(self._hub, window=window)

    def use_run_counts(self) -> RunCounts:
        """How many runs of the whole server are in which status, live."""
        return RunCounts(self._hub)

    def use_error_groups(self) -> ErrorGroups:
        """What fails, by job, step and kind of message, live."""
        return ErrorGroups(self._hub)

    async def aclose(self) -> None:
        """Close every hook and every stream; no task is left."""
        self.feed.close()
        await self._hub.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def create_durably_client(
    api: DurablyPort, *, clock: Clock | None = None, limits: HistoryLimits | None = None
) -> DurablyHooks:
    """Every hook of the server behind ``api``. Nothing is sent before a hook is started.

    Args:
        api: the server, such as a ``durably_tui.client.DurablyClient``.
        clock: where time comes from.
        limits: how much of what passes on the streams is kept.
    """
    return DurablyHooks(api, clock or SystemClock(), limits or HistoryLimits())
