"""One execution of a run under one lease: its checkpoints, progress and logs, all fenced."""

import asyncio
import enum
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from durably_server.engine import codec
from durably_server.engine.clock import Clock, IdFactory, iso
from durably_server.engine.events import (
    EventBus,
    LogWrite,
    RunProgress,
    StepCancel,
    StepComplete,
    StepFail,
    StepStart,
)
from durably_server.engine.model import (
    Level,
    NewLog,
    NewStep,
    Progress,
    Run,
    StepRecord,
    StepStatus,
)
from durably_server.engine.store import Store
from durably_server.engine.threads import ThreadPool

logger = logging.getLogger("durably_server")

PROGRESS_INTERVAL = 0.5
"""Seconds between two stored progresses of one run; readers of this process see the live one."""
LOG_INTERVAL = 0.05
"""Seconds that log lines wait for each other before they are stored together."""
LOG_BATCH = 200
"""Lines in one write: others wait for one of these at most."""

_signals = threading.Lock()
_current_step: ContextVar[str | None] = ContextVar("durably_current_step", default=None)


class Interruption(enum.Enum):
    """Why an execution has to end before the job says so."""

    CANCELLED = "the run was cancelled"
    LEASE_LOST = "another worker has the run"
    SHUTDOWN = "the server is stopping"
    TIMEOUT = "the job took too long"


@dataclass(frozen=True, slots=True)
class Services:
    """What every attempt of an engine shares."""

    store: Store
    bus: EventBus
    clock: Clock
    ids: IdFactory
    threads: ThreadPool
    keep_steps: bool
    max_logs: int

    def now(self) -> str:
        """The time now as ISO 8601 text."""
        return iso(self.clock())


@dataclass(slots=True)
class OpenStep:
    """A step that has begun."""

    name: str
    index: int
    started_ms: int


class _Line(NamedTuple):
    """A log line that waits to be stored."""

    step: str | None
    level: Level
    message: str
    data: str | None
    created_at: str


class Attempt:
    """The state of one execution. All methods belong to the event loop's thread."""

    def __init__(self, run: Run, services: Services) -> None:
        self.run = run
        self.services = services
        self.loop = asyncio.get_running_loop()
        self.interruption: Interruption | None = None
        self.draining = False
        self.lease_expires_ms = 0
        self.failed_step: str | None = None
        self.progress: dict[str, Any] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._next_index = 0
        self._finished: set[str] | None = None
        self._open: dict[str, None] = {}
        self._progress_timer: asyncio.TimerHandle | None = None
        self._progress_waits = False
        self._signal: threading.Event | None = None
        self._logs: list[_Line] = []
        self._log_timer: asyncio.TimerHandle | None = None
        self._log_writes = 0
        self._handed: deque[Callable[[], None]] = deque()
        self._handing = False
        self._stored_logs = 0
        self._writes: set[asyncio.Task[Any]] = set()

    # --- its end ---

    def bind(self, task: "asyncio.Task[Any]") -> None:
        """The task that executes the job, to be cancelled when the attempt is interrupted."""
        self._task = task
        if self.interruption is not None:
            task.cancel()

    @property
    def is_interrupted(self) -> bool:
        """Whether the execution has to end."""
        return self.interruption is not None

    @property
    def signal(self) -> threading.Event:
        """Set when the execution has to end; made when a job first asks, as few do."""
        with _signals:
            if self._signal is None:
                self._signal = threading.Event()
        if self.interruption is not None:
            self._signal.set()
        return self._signal

    @property
    def open_step(self) -> str | None:
        """The step under way that began first."""
        return next(iter(self._open), None)

    def interrupt(self, why: Interruption) -> None:
        """End the execution: async code is cancelled, plain code stops at its next step."""
        if self.interruption is None:
            self.interruption = why
            if self._signal is not None:
                self._signal.set()
            if self._task is not None:
                self._task.cancel()

    async def flush(self) -> None:
        """Store what progress and logs still wait, before the run's last write."""
        if self._progress_timer is not None:
            self._progress_timer.cancel()
            self._progress_timer = None
        if self._progress_waits:
            self._store_progress()
        self.flush_logs()
        while self._writes:
            await asyncio.wait(self._writes)
            self.flush_logs()

    # --- steps ---

    async def begin_step(self, name: str) -> StepRecord | OpenStep | None:
        """The checkpoint of a finished step, the step that now begins, or None if interrupted."""
        if self.draining:
            self.interrupt(Interruption.SHUTDOWN)
        if self.is_interrupted:
            return None
        index = self._next_index
        self._next_index += 1
        if self._finished is None:
            resumed = self.run.lease_generation > 1 or self.run.completed_step_count > 0
            store = self.services.store
            self._finished = await store.get_completed_step_names(self.run.id) if resumed else set()
        if name in self._finished:
            done = await self.services.store.get_completed_step(self.run.id, name)
            if done is not None:
                return done
        if self.interruption is not None:
            return None
        if name in self._open:
            raise RuntimeError(f'Step "{name}" is already running in this run: name it apart.')
        self._open[name] = None
        self.services.bus.emit(
            StepStart(
                run_id=self.run.id,
                job_name=self.run.job_name,
                labels=self.run.labels,
                step_name=name,
                step_index=index,
            )
        )
        return OpenStep(name, index, self.services.clock())

    async def complete_step(self, step: OpenStep, output: Any) -> bool:
        """Store a checkpoint. False: it was refused, and the attempt is interrupted.

        Raises:
            NotJsonError: the output has no JSON form.
        """
        text = codec.encode_text(output)
        if not await self._save(step, "completed", output=text):
            await self._lost()
            return False
        if self._finished is not None:
            self._finished.add(step.name)
        self.services.bus.emit(
            StepComplete(
                run_id=self.run.id,
                job_name=self.run.job_name,
                labels=self.run.labels,
                step_name=step.name,
                step_index=step.index,
                output=output,
                duration=self.services.clock() - step.started_ms,
            )
        )
        return True

    async def fail_step(self, step: OpenStep, reason: str) -> None:
        """Store that a step has raised."""
        if self.interruption is not None:
            return
        if not await self._save(step, "failed", error=reason):
            await self._lost()
            await self.interrupt_step(step)
            return
        self.failed_step = step.name
        self.services.bus.emit(
            StepFail(
                run_id=self.run.id,
                job_name=self.run.job_name,
                labels=self.run.labels,
                step_name=step.name,
                step_index=step.index,
                error=reason,
            )
        )

    async def interrupt_step(self, step: OpenStep) -> None:
        """Store that a step was under way when its run was cancelled; else nothing is said."""
        if self.interruption is Interruption.CANCELLED:
            # Told before it is stored: the task may be cancelled at the next await.
            self.services.bus.emit(
                StepCancel(
                    run_id=self.run.id,
                    job_name=self.run.job_name,
                    labels=self.run.labels,
                    step_name=step.name,
                    step_index=step.index,
                )
            )
            if self.services.keep_steps:  # else the cancel has just deleted the others
                await self._save(step, "cancelled", error="the run was cancelled")

    async def _save(
        self,
        step: OpenStep,
        status: StepStatus,
        output: str | None = None,
        error: str | None = None,
    ) -> bool:
        record = NewStep(
            id=self.services.ids.next(),
            run_id=self.run.id,
            name=step.name,
            index=step.index,
            status=status,
            output=output,
            error=error,
            started_at=iso(step.started_ms),
            completed_at=self.services.now(),
        )
        self._open.pop(step.name, None)
        return await self.services.store.save_step(record, self.run.lease_generation)

    async def _lost(self) -> None:
        """A write touched no row: find out why, and end."""
        if self.interruption is None:
            run = await self.services.store.get_run(self.run.id)
            cancelled = run is not None and run.status == "cancelled"
            self.interrupt(Interruption.CANCELLED if cancelled else Interruption.LEASE_LOST)

    # --- progress and logs ---

    def hand_over(self, call: Callable[[], None]) -> None:
        """Have the loop make a call that a thread may not make; calls keep their order.

        The loop is woken once for all that wait, since each wake-up costs a system call.
        """
        self._handed.append(call)
        if not self._handing:
            self._handing = True
            try:
                self.loop.call_soon_threadsafe(self._take_over)
            except RuntimeError:  # the loop is closed: a thread left behind has no reader
                self._handed.clear()

    def _take_over(self) -> None:
        # In this order: what is appended from now on wakes the loop again, or is taken here.
        self._handing = False
        while self._handed:
            self._handed.popleft()()

    def report(self, progress: Progress) -> None:
        """Tell the progress at once, and store it at a bounded rate, the last one always."""
        if self.interruption is not None:
            return
        self.progress = progress.as_json()
        self.services.bus.emit(
            RunProgress(
                run_id=self.run.id,
                job_name=self.run.job_name,
                labels=self.run.labels,
                progress=self.progress,
            )
        )
        if self._progress_timer is None:
            self._store_progress()
            self._progress_timer = self.loop.call_later(PROGRESS_INTERVAL, self._progress_due)
        else:
            self._progress_waits = True

    def _progress_due(self) -> None:
        self._progress_timer = None
        if self._progress_waits:
            self._store_progress()
            self._progress_timer = self.loop.call_later(PROGRESS_INTERVAL, self._progress_due)

    def _store_progress(self) -> None:
        self._progress_waits = False
        self._write(
            self.services.store.update_progress(
                self.run.id,
                self.run.lease_generation,
                progress=codec.encode_leniently(self.progress),
                now=self.services.now(),
            )
        )

    def log(self, level: Level, message: str, data: Any, has_data: bool, step: str | None) -> None:
        """Tell a log line at once, and store it with the others of the moment."""
        text = codec.encode_leniently(data) if has_data else None
        message = codec.printable(message)
        told = self.services.bus.emit(
            LogWrite(
                run_id=self.run.id,
                job_name=self.run.job_name,
                labels=self.run.labels,
                step_name=step,
                level=level,
                message=message,
                data=None if text is None else codec.decode(text),
                has_data=has_data,
            )
        )
        self._logs.append(_Line(step, level, message, text, told.timestamp))
        if len(self._logs) > 2 * self.services.max_logs:
            del self._logs[: -self.services.max_logs]
        if self._log_timer is None:
            self._log_timer = self.loop.call_later(LOG_INTERVAL, self.flush_logs)

    def flush_logs(self) -> None:
        """Hand the waiting log lines to the store, unless it still has earlier ones to write."""
        if self._log_timer is not None:
            self._log_timer.cancel()
            self._log_timer = None
        if self._logs and self._log_writes == 0:
            keep = self.services.max_logs
            # Numbered only now, so that ids are stored in their own order, and a reader who
            # asks for what came after an id misses nothing. What would be deleted at once is
            # not stored at all.
            waiting = self._logs[-keep:]
            ids = self.services.ids.many(len(waiting))
            lines = [NewLog(log_id, *line) for log_id, line in zip(ids, waiting, strict=True)]
            self._logs.clear()
            for at in range(0, len(lines), LOG_BATCH):
                batch = lines[at : at + LOG_BATCH]
                self._stored_logs += len(batch)
                # Of what earlier attempts have stored, only the database knows.
                full = self._stored_logs > keep or self.run.lease_generation > 1
                self._log_writes += 1
                write = self._write(
                    self.services.store.append_logs(
                        self.run.id,
                        self.run.lease_generation,
                        batch,
                        keep=keep if full else None,
                    )
                )
                write.add_done_callback(self._logs_written)

    def _logs_written(self, write: "asyncio.Task[bool]") -> None:
        self._log_writes -= 1
        if self._logs and self._log_timer is None and not self._log_writes:
            self.flush_logs()

    def _write(self, write: Coroutine[Any, Any, bool]) -> "asyncio.Task[bool]":
        task = self.loop.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._written)
        return task

    def _written(self, task: "asyncio.Task[bool]") -> None:
        self._writes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("Run %s: progress or logs were not stored: %s", self.run.id, error)


def current_step() -> str | None:
    """The name of the step in whose function this code runs."""
    return _current_step.get()


def enter_step(name: str) -> Any:
    """Name the step whose function begins; give the answer to :func:`leave_step`."""
    return _current_step.set(name)


def leave_step(token: Any) -> None:
    """The step's function has ended."""
    _current_step.reset(token)
