"""One execution of a run under one lease: when it has to end, and what it tells meanwhile."""

import asyncio
import enum
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from durably_server.engine.background import BackgroundWrites
from durably_server.engine.loglines import LogLines
from durably_server.engine.model import Level, Progress, Run
from durably_server.engine.progress import LiveProgress
from durably_server.engine.services import Services
from durably_server.engine.threads import Handover

_signals = threading.Lock()
T = TypeVar("T")


class Interruption(enum.Enum):
    """Why an execution has to end before the job says so."""

    CANCELLED = "the run was cancelled"
    LEASE_LOST = "another worker has the run"
    STORE = "the database cannot be written"
    SHUTDOWN = "the server is stopping"
    TIMEOUT = "the job took too long"


class Attempt:
    """The state of one execution. All methods belong to the event loop's thread.

    Attributes:
        run: as it was leased.
        loop: the event loop, in the thread ``thread``.
        interruption: why the execution has to end; None while it may go on.
        draining: whether it is handed back at its next step, as the worker stops.
        lease_expires_ms: when the lease runs out, unless it is renewed.
        open_steps: the steps under way, in the order in which they began.
        failed_step: the step that failed last.
        progress: what the job says of how far it is.
        logs: what the job says besides.
        handover: how a thread of the job makes calls on the event loop.
    """

    def __init__(self, run: Run, services: Services) -> None:
        self.run = run
        self.services = services
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.interruption: Interruption | None = None
        self.draining = False
        self.lease_expires_ms = 0
        self.open_steps: dict[str, None] = {}
        self.failed_step: str | None = None
        self._writes = BackgroundWrites(run.id)
        self.progress = LiveProgress(run, services, self._writes)
        self.logs = LogLines(run, services, self._writes)
        self.handover = Handover(self.loop)
        self._task: asyncio.Task[Any] | None = None
        self._signal: threading.Event | None = None

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """A plain function's answer, after what it said and reported before that."""
        try:
            return await self.services.threads.run(function, *args)
        finally:
            await self.handover.caught_up()

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
    def lease_is_over(self) -> bool:
        """Whether somebody else may have the run by now: this process stood still, or the clock
        was set. Any thread may ask."""
        return self.services.clock() >= self.lease_expires_ms

    @property
    def signal(self) -> threading.Event:
        """Set when the execution has to end; made when a job first asks, as few do."""
        with _signals:
            if self._signal is None:
                self._signal = threading.Event()
        if self.interruption is not None:
            self._signal.set()
        return self._signal

    def interrupt(self, why: Interruption) -> None:
        """End the execution: async code is cancelled, plain code stops at its next step."""
        if self.interruption is None:
            self.interruption = why
            if self._signal is not None:
                self._signal.set()
            if self._task is not None:
                self._task.cancel()

    async def interrupt_if_lost(self) -> None:
        """A write touched no row: find out why, and end."""
        if self.interruption is None:
            run = await self.services.store.get_run(self.run.id)
            cancelled = run is not None and run.status == "cancelled"
            self.interrupt(Interruption.CANCELLED if cancelled else Interruption.LEASE_LOST)

    def report(self, progress: Progress) -> None:
        """Take a progress, unless the execution has to end."""
        if self.interruption is None:
            self.progress.report(progress)

    def log(self, level: Level, message: str, data: str | None, step: str | None) -> None:
        """Take a log line, also of a job that tidies up; but not of one that was given up."""
        if self.interruption is not Interruption.TIMEOUT:
            self.logs.write(level, message, data, step)

    async def flush(self) -> None:
        """Store the log lines that wait, and have the last progress stored before what follows."""
        self.progress.flush()
        await self.logs.drain()
        await self._writes.handed_over()
