"""``Job``: trigger a job and follow its runs (useJob)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, Self, cast

from durably_tui.protocol import (
    DurablyError,
    Run,
    RunCoalesced,
    RunsQuery,
    RunStart,
    RunStatus,
    RunTrigger,
    StreamBatch,
    Trigger,
    Triggered,
)

from .ended import ended
from .errors import JobCancelled, JobFailed
from .fault import may_pass
from .feed import FeedLease
from .hook import Hook
from .hub import Hub
from .job_run import JobRun
from .job_run_state import JobRunState
from .jobs import I, O, plain
from .run_view import RunView
from .runs_state import RunsFilter
from .store import Store, Unsubscribe

_LONGEST_PAUSE = 30.0
_BEGINNINGS = (RunTrigger, RunCoalesced, RunStart)


class Job(Hook[JobRunState | None], RunView[I, O], Generic[I, O]):
    """One job: trigger it, and follow its current run; ``state`` is None where there is none."""

    def __init__(
        self,
        hub: Hub,
        job_name: str,
        *,
        typed: Callable[[Run], Run[I, O]] | None = None,
        initial_run_id: str | None = None,
        auto_resume: bool = True,
        follow_latest: bool = True,
    ) -> None:
        super().__init__(typed)
        self.job_name = job_name
        self.store = Store[JobRunState | None](None)
        self._hub = hub
        self._initial_run_id = initial_run_id
        self._auto_resume = auto_resume
        self._follow_latest = follow_latest
        self._current: JobRun[I, O] | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._lease: FeedLease | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._user_triggered = False
        self._triggering = 0
        self._started = False
        self._closed = False

    @property
    def current_run_id(self) -> str | None:
        """The run that is followed, or None."""
        return None if self._current is None else self._current.run_id

    @property
    def status(self) -> RunStatus | None:
        """The status of the current run; pending while a trigger is on its way; else None."""
        if self.state is not None:
            return self.state.status
        waiting = self._triggering or self._current is not None
        return RunStatus.PENDING if waiting else None

    async def trigger(
        self,
        input: I,
        *,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        coalesce: str | None = None,
    ) -> Triggered:
        """Ask for a new run and make it the current one.

        Raises:
            DurablyError: the server did not take the trigger.
        """
        self.start()
        self._user_triggered = True
        self._triggering += 1
        self.reset()
        try:
            triggered = await self._hub.port.trigger(
                Trigger(
                    job_name=self.job_name,
                    input=plain(input),
                    labels=dict(labels or {}),
                    idempotency_key=idempotency_key,
                    concurrency_key=concurrency_key,
                    coalesce=coalesce,
                )
            )
        finally:
            self._triggering -= 1
        self._follow(triggered.run_id)
        return triggered

    async def trigger_and_wait(
        self,
        input: I,
        *,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        coalesce: str | None = None,
    ) -> O:
        """Ask for a new run and wait for its output, however long; whatever becomes the current
        run meanwhile.

        Raises:
            JobFailed: the run failed; ``reason`` is its error.
            JobCancelled: the run was cancelled or deleted.
            DurablyError: the server did not take the trigger, or refuses to tell of the run.
        """
        triggered = await self.trigger(
            input,
            labels=labels,
            idempotency_key=idempotency_key,
            concurrency_key=concurrency_key,
            coalesce=coalesce,
        )
        run_id = triggered.run_id
        watch = self._hub.watch(run_id, self.job_name)
        try:
            state = await watch.store.wait_for(_is_over)
        finally:
            self._hub.unwatch(watch)
        if not state.settled and not state.is_gone and state.fault is not None:
            raise state.fault
        if state.is_gone:
            raise JobCancelled(f"Run {run_id} of {self.job_name} was deleted.", run_id)
        if state.status is RunStatus.CANCELLED:
            raise JobCancelled(f"Run {run_id} of {self.job_name} was cancelled.", run_id)
        if state.status is RunStatus.FAILED:
            reason = state.error or "no reason was given"
            raise JobFailed(
                f"Run {run_id} of {self.job_name} failed: {reason}", run_id, reason=state.error
            )
        run = self._typed(state.current) if self._typed else state.current
        return cast("O", run.output)

    def reset(self) -> None:
        """Forget the current run; the run itself goes on."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._current is not None:
            self._current.let_go()
            self._current = None
        self.store.set(None)

    def start(self) -> Self:
        """Begin; harmless when already begun. Needs a running event loop."""
        if self._started or self._closed:
            return self
        self._started = True
        self._hub.open.add(self)
        if self._follow_latest:
            wanted = RunsFilter(job_names=(self.job_name,))
            self._lease = self._hub.pool.acquire(wanted, self._overhear)
        if self._initial_run_id is not None:
            self._follow(self._initial_run_id)
        elif self._auto_resume:
            self._resuming = asyncio.create_task(
                self._resume(), name=f"durably:resume-{self.job_name}"
            )
        return self

    async def aclose(self) -> None:
        """Let everything go."""
        self._closed = True
        self._hub.open.discard(self)
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self.reset()
        task, self._resuming = self._resuming, None
        if task is not None:
            await ended(task)
        await self._hub.closed()

    def _follow(self, run_id: str) -> None:
        if self._closed or run_id == self.current_run_id:
            return
        old = self._current
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._current = JobRun(self._hub, run_id, self.job_name)
        self._unsubscribe = self._current.subscribe(self.store.set)
        self._current.start()
        if old is not None:
            old.let_go()

    def _overhear(self, batch: StreamBatch) -> None:
        latest = None
        for event in batch.events:
            if isinstance(event, _BEGINNINGS) and event.job_name == self.job_name:
                latest = event.run_id
        if latest is not None:
            self._follow(latest)

    async def _resume(self) -> None:
        """Take up the job's running run, else its pending one, unless there is one by then."""
        pause = 1.0
        while True:
            try:
                running, pending = await asyncio.gather(
                    self._newest(RunStatus.RUNNING), self._newest(RunStatus.PENDING)
                )
                break
            except DurablyError as error:
                if not may_pass(error):
                    return  # what is wrong is told where something is asked for
            await self._hub.clock.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
        found = running or pending
        if found and not self._user_triggered and self._current is None:
            self._follow(found[0].id)

    async def _newest(self, status: RunStatus) -> list[Run]:
        query = RunsQuery(job_names=(self.job_name,), statuses=(status,), limit=1)
        return await self._hub.port.get_runs(query)


def _is_over(state: JobRunState) -> bool:
    refused = state.fault is not None and not may_pass(state.fault)
    return state.settled or state.is_gone or refused
