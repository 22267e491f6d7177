"""``create_durably_client``: every hook of one server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Generic, Self, overload

from .actions import RunActions
from .clock import Clock, SystemClock
from .feed import FeedInfo
from .history import History, HistoryLimits
from .job import Job
from .job_logs import JobLogs
from .job_run import JobRun
from .jobs import I, JobLike, O
from .ports import DurablyPort
from .runs import Runs
from .store import Store


class JobHooks(Generic[I, O]):
    """The hooks of one job."""

    job_name: str

    def use_job(
        self,
        *,
        initial_run_id: str | None = None,
        auto_resume: bool = True,
        follow_latest: bool = True,
    ) -> Job[I, O]:
        """Trigger the job and follow its current run (useJob)."""
        raise NotImplementedError

    def use_run(
        self,
        run_id: str | None,
        *,
        on_start: Callable[[], object] | None = None,
        on_complete: Callable[[], object] | None = None,
        on_fail: Callable[[], object] | None = None,
    ) -> JobRun[I, O]:
        """Watch one run of the job (useJobRun)."""
        raise NotImplementedError

    def use_logs(self, run_id: str | None, *, max_logs: int = 0) -> JobLogs:
        """The log lines of one run of the job (useJobLogs)."""
        raise NotImplementedError


class DurablyHooks:
    """Every hook of one server. Closing it closes all that it gave out."""

    port: DurablyPort
    feed: FeedInfo
    history_store: Store[History]

    @property
    def history(self) -> History:
        """What passed on the streams, per run."""
        raise NotImplementedError

    @overload
    def job(self, job: str) -> JobHooks[Any, Any]: ...
    @overload
    def job(self, job: JobLike[I, O]) -> JobHooks[I, O]: ...
    def job(self, job: str | JobLike[Any, Any]) -> JobHooks[Any, Any]:
        """The hooks of one job, by name, or by a definition that types them."""
        raise NotImplementedError

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
        """A live page of runs (useRuns); a job definition filters by its name and types them."""
        raise NotImplementedError

    def use_run_actions(self) -> RunActions:
        """Act on runs (useRunActions)."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close every hook and every stream; no task is left."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError


def create_durably_client(
    api: DurablyPort, *, clock: Clock | None = None, limits: HistoryLimits | None = None
) -> DurablyHooks:
    """Every hook of the server behind ``api``."""
    _ = clock or SystemClock()
    raise NotImplementedError
