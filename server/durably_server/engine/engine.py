"""The engine as a whole: what a program does with its jobs and runs."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, Unpack, overload

from durably_server.engine import codec
from durably_server.engine.attempt import Attempt, Interruption, Services
from durably_server.engine.clock import IdFactory, iso, wall_clock
from durably_server.engine.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RunCancelledError,
    RunFailedError,
)
from durably_server.engine.events import (
    ENDS_A_RUN,
    Event,
    EventBus,
    Listener,
    LogWrite,
    RunCancel,
    RunCoalesced,
    RunDelete,
    RunProgress,
    RunRetry,
    RunTrigger,
    Unsubscribe,
    replay,
)
from durably_server.engine.filters import LogFilters, RunFilters, log_filter, run_filter
from durably_server.engine.jobs import JobDefinition, JobRegistry
from durably_server.engine.maintenance import sweep_for_ever
from durably_server.engine.model import (
    STATUSES,
    Disposition,
    Enqueued,
    JobStats,
    Labels,
    LogRecord,
    NewRun,
    Run,
    StepRecord,
    check_labels,
)
from durably_server.engine.options import (
    EngineOptions,
    LabelSchema,
    check_options,
    parse_duration,
)
from durably_server.engine.store import Store
from durably_server.engine.threads import ThreadPool
from durably_server.engine.worker import Worker

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")

PURGE_BATCH = 500
MAX_WINDOW = 366 * 86_400.0
"""Seconds that ``stats`` may look back."""
_SPARE_THREADS = 32


@dataclass(frozen=True, slots=True)
class Triggered:
    """The answer to a trigger: the run, and whether it was made for it."""

    run: Run
    disposition: Disposition

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.run.id


@dataclass(frozen=True, slots=True)
class Finished(Generic[OutputT]):
    """The answer to ``trigger_and_wait``: the run's id and what its job returned."""

    id: str
    output: OutputT
    disposition: Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One run of a batch that has options of its own; see :meth:`Engine.trigger`."""

    input: Any
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    labels: Labels | None = None
    coalesce: str | None = None


class Engine:
    """Jobs on a store. Made by ``Durably``, which chooses the store.

    Raises:
        InvalidRequestError: an option is out of its range.
        JobDefinitionError: something in ``jobs`` is no job.
    """

    def __init__(
        self,
        store: Store,
        jobs: Iterable[JobDefinition[Any, Any]] = (),
        **options: Unpack[EngineOptions],
    ) -> None:
        max_concurrent_runs = options.get("max_concurrent_runs", 1)
        polling_interval = options.get("polling_interval", 1.0)
        lease = options.get("lease", 30.0)
        lease_renewal = options.get("lease_renewal", min(5.0, lease / 3))
        clock = options.get("clock", wall_clock)
        check_options(
            max_concurrent_runs=max_concurrent_runs,
            polling_interval=polling_interval,
            lease=lease,
            lease_renewal=lease_renewal,
        )
        retain_runs, schema = options.get("retain_runs"), options.get("labels")
        self._retain_runs = None if retain_runs is None else parse_duration(retain_runs)
        self._check_labels = check_labels if schema is None else LabelSchema(schema).check
        self._store = store
        self._jobs = JobRegistry()
        self._jobs.add(jobs)
        self._bus = EventBus(clock)
        self._ids = IdFactory(clock)
        self._clock = clock
        self._threads = ThreadPool(max_concurrent_runs + _SPARE_THREADS)
        self._services = Services(
            store=store,
            bus=self._bus,
            clock=clock,
            ids=self._ids,
            threads=self._threads,
            keep_steps=options.get("preserve_steps", True),
            max_logs=options.get("max_logs_per_run", 10_000),
        )
        self._max_concurrent_runs = max_concurrent_runs
        self._polling_interval = polling_interval
        self._lease = lease
        self._lease_renewal = lease_renewal
        self._stop_grace = options.get("stop_grace", 5.0)
        self._worker: Worker | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._workers: set[Worker] = set()
        self._opened = False
        self._opening = asyncio.Lock()

    # --- life ---

    def register(self, *jobs: JobDefinition[Any, Any]) -> None:
        """Add jobs; a running worker takes them up at once.

        Raises:
            JobDefinitionError: not a job, or its name is taken by another one.
        """
        self._jobs.add(jobs)

    def get_job(self, name: str) -> JobDefinition[Any, Any] | None:
        """The registered job of that name."""
        return self._jobs.get(name)

    @property
    def jobs(self) -> tuple[JobDefinition[Any, Any], ...]:
        """All registered jobs."""
        return tuple(self._jobs)

    @property
    def running(self) -> bool:
        """Whether the worker claims runs."""
        return self._worker is not None

    async def migrate(self) -> None:
        """Open the database and bring its schema up to date. Every other call does it if needed.

        Raises:
            StoreError: it cannot be opened.
        """
        if not self._opened:
            async with self._opening:
                if not self._opened:
                    await self._store.open()
                    self._opened = True

    async def start(self) -> None:
        """Begin to execute runs; again is harmless."""
        await self.migrate()
        if self._worker is None:
            self._worker = self._new_worker()
            self._workers.add(self._worker)
            self._worker.start()
            if self._retain_runs is not None:
                self._sweeper = asyncio.get_running_loop().create_task(
                    sweep_for_ever(self._purge_old), name="durably sweeper"
                )

    async def init(self) -> None:
        """``migrate`` and ``start``."""
        await self.start()

    async def stop(self, grace: float | None = None) -> None:
        """Stop executing, hand back what does not end within ``grace`` seconds, close the store.

        A run that was under way is pending again, not failed, and resumes after its last
        finished step when a worker takes it up.
        """
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop(self._stop_grace if grace is None else grace)
            self._workers.discard(worker)
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper
        self._threads.close()
        async with self._opening:
            if self._opened:
                self._opened = False
                await self._store.close()

    def hurry(self) -> None:
        """End the grace of a stop that is under way: hand everything back now."""
        for worker in self._workers:
            worker.hurry()

    async def __aenter__(self) -> "Engine":
        await self.init()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def process_one(self) -> bool:
        """Execute one run to its end, without a started worker; whether there was one."""
        await self.migrate()
        worker = self._new_worker()
        self._workers.add(worker)
        try:
            return await worker.run_one()
        finally:
            self._workers.discard(worker)

    async def process_until_idle(self, max_runs: int | None = None) -> int:
        """Execute runs one after the other until none waits; how many there were."""
        count = 0
        while (max_runs is None or count < max_runs) and await self.process_one():
            count += 1
        return count

    def _new_worker(self) -> Worker:
        return Worker(
            self._services,
            self._jobs,
            max_concurrent_runs=self._max_concurrent_runs,
            polling_interval=self._polling_interval,
            lease=self._lease,
            lease_renewal=self._lease_renewal,
        )

    # --- triggers ---

    async def trigger(
        self,
        job: JobDefinition[InputT, Any] | str,
        input: Any,
        *,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        labels: Labels | None = None,
        coalesce: str | None = None,
    ) -> Triggered:
        """Store a run; when this returns, it survives a crash.

        Args:
            job: a registered job, or its name.
            input: a value that the job's input type accepts.
            idempotency_key: the same key and job again answer with the first run.
            concurrency_key: runs with the same key run one at a time, and at most one waits.
            labels: text to text.
            coalesce: ``"skip"`` answers with the run that already waits for the key.

        Raises:
            NotFoundError: no such job.
            InvalidRequestError: the input, a label or an option is refused.
            ConflictError: a run with the concurrency key already waits.
        """
        definition = self._definition(job)
        run = self._new_run(
            definition,
            definition.check_input(input),
            idempotency_key=idempotency_key,
            concurrency_key=concurrency_key,
            labels=labels,
            coalesce=coalesce,
        )
        await self.migrate()
        return self._announce(run, await self._store.enqueue(run))

    async def batch_trigger(
        self,
        job: JobDefinition[InputT, Any] | str,
        items: Sequence[Any],
        *,
        labels: Labels | None = None,
    ) -> list[Triggered]:
        """Store many runs of a job, all or none.

        Args:
            job: a registered job, or its name.
            items: inputs, or :class:`BatchItem` where one has options of its own.
            labels: for the items that have none of their own.

        Raises:
            NotFoundError: no such job.
            InvalidRequestError: one of the items, or a label, is refused.
            ConflictError: a run with one of the concurrency keys already waits.
        """
        definition = self._definition(job)
        runs = [self._batch_run(definition, at, item, labels) for at, item in enumerate(items)]
        if not runs:
            return []
        await self.migrate()
        stored = await self._store.enqueue_many(runs)
        return [self._announce(run, each) for run, each in zip(runs, stored, strict=True)]

    def _batch_run(
        self, definition: JobDefinition[Any, Any], at: int, item: Any, labels: Labels | None
    ) -> NewRun:
        found = item if isinstance(item, BatchItem) else BatchItem(input=item)
        try:
            return self._new_run(
                definition,
                definition.check_input(found.input),
                idempotency_key=found.idempotency_key,
                concurrency_key=found.concurrency_key,
                labels=labels if found.labels is None else found.labels,
                coalesce=found.coalesce,
            )
        except InvalidRequestError as error:
            raise InvalidRequestError(f"{error} (item {at} of the batch)") from None

    @overload
    async def trigger_and_wait(
        self,
        job: JobDefinition[Any, OutputT],
        input: Any,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        labels: Labels | None = None,
        coalesce: str | None = None,
    ) -> Finished[OutputT]: ...
    @overload
    async def trigger_and_wait(
        self,
        job: str,
        input: Any,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        labels: Labels | None = None,
        coalesce: str | None = None,
    ) -> Finished[Any]: ...
    async def trigger_and_wait(
        self,
        job: JobDefinition[Any, Any] | str,
        input: Any,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        labels: Labels | None = None,
        coalesce: str | None = None,
    ) -> Finished[Any]:
        """Trigger, and wait for the output, typed as the job says.

        Raises:
            RunFailedError, RunCancelledError: it did not end well.
            TimeoutError: it did not end in ``timeout`` seconds.
        """
        definition = self._definition(job)
        triggered = await self.trigger(
            definition,
            input,
            idempotency_key=idempotency_key,
            concurrency_key=concurrency_key,
            labels=labels,
            coalesce=coalesce,
        )
        run = await self.wait_for_run(triggered.id, timeout=timeout)
        return Finished(run.id, definition.parse_output(run.output), triggered.disposition)

    async def wait_for_run(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Mapping[str, Any]], None] | None = None,
        on_log: Callable[[LogWrite], None] | None = None,
    ) -> Run:
        """Wait until a run is completed, wherever it runs.

        Raises:
            NotFoundError: no such run.
            RunFailedError, RunCancelledError: it did not end well.
            TimeoutError: it did not end in ``timeout`` seconds.
        """
        ended = asyncio.Event()
        deleted = False

        def listen(event: Event) -> None:
            nonlocal deleted
            if isinstance(event, RunProgress) and on_progress is not None:
                on_progress(event.progress)
            elif isinstance(event, LogWrite) and on_log is not None:
                on_log(event)
            elif event.type in ENDS_A_RUN:
                deleted = deleted or isinstance(event, RunDelete)
                ended.set()

        deadline = None if timeout is None else time.monotonic() + timeout
        unsubscribe = self._bus.on_run(run_id, listen)
        try:
            while True:
                run = await self.get_run(run_id)
                if deleted:
                    raise RunCancelledError(run_id)
                if run is None:
                    raise NotFoundError(f"Run not found: {run_id}")
                if run.status == "completed":
                    return run
                if run.status == "failed":
                    raise RunFailedError(run_id, run.error or "Run failed")
                if run.status == "cancelled":
                    raise RunCancelledError(run_id)
                wait = self._polling_interval
                if deadline is not None:
                    wait = min(wait, deadline - time.monotonic())
                    if wait <= 0:
                        raise TimeoutError(f"Run {run_id} did not end in {timeout} s.")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), wait)
                ended.clear()
        finally:
            unsubscribe()

    # --- reading ---

    async def get_run(self, run_id: str) -> Run | None:
        """One run, with the live progress where it runs in this process."""
        await self.migrate()
        run = await self._store.get_run(run_id)
        return None if run is None else self._with_progress(run)

    async def get_runs(
        self, *, limit: int | None = None, offset: int = 0, **filters: Unpack[RunFilters]
    ) -> list[Run]:
        """Runs, newest first by (createdAt, id); see :class:`RunFilters`.

        Raises:
            InvalidRequestError: a filter, the limit or the offset is refused.
        """
        where = run_filter(filters, limit=limit, offset=offset)
        await self.migrate()
        return [self._with_progress(run) for run in await self._store.get_runs(where)]

    async def count_runs(self, **filters: Unpack[RunFilters]) -> int:
        """How many runs fit, on all pages; ``after`` does not matter.

        Raises:
            InvalidRequestError: a filter is refused.
        """
        where = run_filter(filters)
        await self.migrate()
        return await self._store.count_runs(where)

    async def stats(self, window_seconds: float = 3600.0) -> list[JobStats]:
        """Counts, rates and durations of each job, registered or only in the database, by name.

        Raises:
            InvalidRequestError: the window is not positive.
        """
        if not 0 < window_seconds <= MAX_WINDOW:
            raise InvalidRequestError("Invalid window: must be between 0 and 366 days")
        await self.migrate()
        since = iso(self._clock() - int(window_seconds * 1000))
        stored = {each.job_name: each for each in await self._store.get_stats(since=since)}
        none = dict.fromkeys(STATUSES, 0)
        for definition in self._jobs:
            stored.setdefault(definition.name, JobStats(job_name=definition.name, counts=none))
        return [
            replace(
                each,
                rate_per_minute=(each.completed + each.failed + each.cancelled)
                * 60
                / window_seconds,
            )
            for _, each in sorted(stored.items())
        ]

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """The checkpoints of a run, by index."""
        await self.migrate()
        return await self._store.get_steps(run_id)

    async def get_logs(
        self, run_id: str | None = None, *, limit: int | None = None, **filters: Unpack[LogFilters]
    ) -> list[LogRecord]:
        """Log lines of a run, or of all runs, oldest first; see :class:`LogFilters`.

        ``limit`` counts from the newest line; with ``after`` alone from the oldest, so that a
        reader who has fallen behind goes on without a gap.

        Raises:
            InvalidRequestError: a filter or the limit is refused.
        """
        where = log_filter(run_id, filters, limit=limit)
        await self.migrate()
        for worker in self._workers:
            for attempt in worker.active.values():
                if run_id is None or attempt.run.id == run_id:
                    attempt.flush_logs()
        await asyncio.sleep(0)  # lets the writes be handed over, before the read
        return await self._store.get_logs(where)

    # --- actions ---

    async def retry(self, run_id: str) -> Run:
        """Put a failed or cancelled run back to pending; it resumes after its last finished step.

        Raises:
            NotFoundError: no such run.
            ConflictError: it is pending, leased or completed, or its concurrency key is taken.
        """
        run = await self._existing(run_id)
        if run.status not in ("failed", "cancelled") or not await self._store.retry_run(
            run_id, now=iso(self._clock())
        ):
            raise ConflictError(f"Cannot retry {await self._status(run)} run: {run_id}")
        self._bus.emit(RunRetry(run_id=run.id, job_name=run.job_name, labels=run.labels))
        self._wake()
        return await self._existing(run_id)

    async def retrigger(self, run_id: str) -> Run:
        """A new run with the input, labels and concurrency key of a run that has ended.

        Raises:
            NotFoundError: no such run, or its job is not registered.
            InvalidRequestError: the job no longer accepts that input.
            ConflictError: it has not ended, or its concurrency key is taken.
        """
        run = await self._existing(run_id)
        if not run.is_terminal:
            raise ConflictError(f"Cannot retrigger {run.status} run: {run_id}")
        definition = self._definition(run.job_name)
        new = self._new_run(
            definition,
            definition.parse_input(run.input),
            concurrency_key=run.concurrency_key,
            labels=run.labels,
        )
        return self._announce(new, await self._store.enqueue(new)).run

    async def cancel(self, run_id: str) -> None:
        """Cancel a pending or leased run; async code is cancelled at once.

        Raises:
            NotFoundError: no such run.
            ConflictError: it has already ended.
        """
        run = await self._existing(run_id)
        attempt = self._attempt(run_id)
        if attempt is not None:
            await attempt.flush()  # a cancelled run takes no more progress
        if run.is_terminal or not await self._store.cancel_run(
            run_id, now=iso(self._clock()), keep_steps=self._services.keep_steps
        ):
            status = await self._status(run)
            already = "already cancelled" if status == "cancelled" else status
            raise ConflictError(f"Cannot cancel {already} run: {run_id}")
        self._bus.emit(RunCancel(run_id=run.id, job_name=run.job_name, labels=run.labels))
        attempt = self._attempt(run_id)
        if attempt is not None:
            attempt.interrupt(Interruption.CANCELLED)
        self._wake()

    async def delete_run(self, run_id: str) -> None:
        """Delete a run that has ended, with its steps and logs.

        Raises:
            NotFoundError: no such run.
            ConflictError: it has not ended.
        """
        run = await self._existing(run_id)
        if not run.is_terminal or not await self._store.delete_run(run_id):
            raise ConflictError(f"Cannot delete {await self._status(run)} run: {run_id}")
        self._bus.emit(RunDelete(run_id=run.id, job_name=run.job_name, labels=run.labels))

    async def purge_runs(self, older_than: float, limit: int = PURGE_BATCH) -> int:
        """Delete up to ``limit`` runs that ended more than ``older_than`` seconds ago."""
        if not 0 <= older_than < float("inf"):
            raise InvalidRequestError("older_than must be a number of seconds that is not negative")
        await self.migrate()
        before = iso(max(0, self._clock() - int(older_than * 1000)))
        return len(await self._store.purge_runs(completed_before=before, limit=limit))

    async def _purge_old(self, limit: int) -> int:
        assert self._retain_runs is not None
        return await self.purge_runs(self._retain_runs, limit)

    # --- events ---

    def on(self, event_type: str | None, listener: Listener) -> Unsubscribe:
        """Call ``listener`` on each event of a type (``"run:complete"``), or of all (None)."""
        return self._bus.on(event_type, listener)

    async def subscribe(self, run_id: str) -> AsyncIterator[Event]:
        """The current state of a run as events, then what happens to it, until it has ended.

        Raises:
            NotFoundError: no such run.
        """
        waiting: deque[Event] = deque()
        arrived = asyncio.Event()

        def listen(event: Event) -> None:
            waiting.append(event)
            arrived.set()

        unsubscribe = self._bus.on_run(run_id, listen)
        try:
            run = await self._existing(run_id)
            if not any(event.type in ENDS_A_RUN for event in waiting):
                waiting.extendleft(reversed(self.replay(run)))
                arrived.set()
            while True:
                await arrived.wait()
                arrived.clear()
                while waiting:
                    event = waiting.popleft()
                    yield event
                    if event.type in ENDS_A_RUN:
                        return
        finally:
            unsubscribe()

    def replay(self, run: Run) -> list[Event]:
        """The state of a run as the events that a late subscriber has missed."""
        return replay(run, iso(self._clock()))

    # --- inside ---

    def _definition(self, job: JobDefinition[Any, Any] | str) -> JobDefinition[Any, Any]:
        name = job if isinstance(job, str) else job.name
        found = self._jobs.get(name)
        if found is None or (not isinstance(job, str) and found is not job):
            raise NotFoundError(f"Job not found: {name}")
        return found

    def _new_run(
        self,
        definition: JobDefinition[Any, Any],
        value: Any,
        *,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        labels: Labels | None = None,
        coalesce: str | None = None,
    ) -> NewRun:
        if coalesce is not None and coalesce != "skip":
            raise InvalidRequestError(f"Invalid coalesce value: '{coalesce}'. Valid values: 'skip'")
        if coalesce is not None and not concurrency_key:
            raise InvalidRequestError("coalesce requires concurrencyKey")
        checked = self._check_labels(labels)
        run_id, ms = self._ids.new()
        return NewRun(
            id=run_id,
            job_name=definition.name,
            input=definition.dump_input(value),
            created_at=iso(ms),
            labels=checked,
            idempotency_key=idempotency_key or None,
            concurrency_key=concurrency_key or None,
            coalesce=coalesce == "skip",
        )

    def _announce(self, asked: NewRun, stored: Enqueued) -> Triggered:
        run = stored.run
        if stored.disposition == "created":
            self._bus.emit(
                RunTrigger(run_id=run.id, job_name=run.job_name, labels=run.labels, input=run.input)
            )
            self._wake()
        elif stored.disposition == "coalesced":
            self._bus.emit(
                RunCoalesced(
                    run_id=run.id,
                    job_name=run.job_name,
                    labels=run.labels,
                    skipped_input=codec.decode(asked.input),
                    skipped_labels=asked.labels,
                )
            )
        return Triggered(run, stored.disposition)

    def _wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    def _attempt(self, run_id: str) -> Attempt | None:
        for worker in self._workers:
            if run_id in worker.active:
                return worker.active[run_id]
        return None

    def _with_progress(self, run: Run) -> Run:
        attempt = self._attempt(run.id)
        if (
            attempt is None
            or attempt.progress is None
            or attempt.run.lease_generation != run.lease_generation
        ):
            return run
        return replace(run, progress=attempt.progress)

    async def _existing(self, run_id: str) -> Run:
        run = await self.get_run(run_id)
        if run is None:
            raise NotFoundError("Run not found")
        return run

    async def _status(self, run: Run) -> str:
        """The status now, as it may have changed since the run was read."""
        found = await self._store.get_run(run.id)
        return run.status if found is None else found.status
