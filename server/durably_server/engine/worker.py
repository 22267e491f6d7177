"""Claims runs and executes them, a bounded number at once."""

import asyncio
import contextlib
import logging

from durably_server.engine.attempt import Attempt, Interruption, Services
from durably_server.engine.clock import iso
from durably_server.engine.executor import execute
from durably_server.engine.jobs import JobRegistry
from durably_server.engine.lease import LeaseKeeper

logger = logging.getLogger("durably_server")


class Worker:
    """One claim loop, one lease keeper, and a task for each run under way.

    A trigger or a run that ends wakes the loop at once; polling is for what other processes
    store, and for leases that run out.
    """

    def __init__(
        self,
        services: Services,
        registry: JobRegistry,
        *,
        max_concurrent_runs: int,
        polling_interval: float,
        lease: float,
        lease_renewal: float,
    ) -> None:
        self.id = f"worker_{services.ids.next()}"
        self.active: dict[str, Attempt] = {}
        self._services = services
        self._registry = registry
        self._max_concurrent_runs = max_concurrent_runs
        self._polling_interval = polling_interval
        self._lease_ms = int(lease * 1000)
        self._keeper = LeaseKeeper(self.active.values(), lease=lease, renewal=lease_renewal)
        self._wake = asyncio.Event()
        self._stopping = False
        self._runs: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._keeper_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to claim."""
        self._start_keeping()
        self._loop_task = asyncio.get_running_loop().create_task(
            self._claim_loop(), name="durably worker"
        )

    def wake(self) -> None:
        """There may be something to claim."""
        self._wake.set()

    def hurry(self) -> None:
        """Interrupt what a stopping worker still waits for."""
        if self._stopping:
            for attempt in list(self.active.values()):
                attempt.interrupt(Interruption.SHUTDOWN)

    async def stop(self, grace: float) -> None:
        """Claim no more, give what runs ``grace`` seconds, then hand it back as pending.

        A job that comes to a step boundary meanwhile is handed back there; a job that ends
        meanwhile is ended.
        """
        self._stopping = True
        self._wake.set()
        if self._loop_task is not None:
            await self._loop_task
        for attempt in self.active.values():
            attempt.draining = True
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace)
        for attempt in list(self.active.values()):
            attempt.interrupt(Interruption.SHUTDOWN)
        if self._runs:
            # A job that swallows its cancellation is left behind; its lease fences it.
            await asyncio.wait(self._runs, timeout=max(1.0, grace))
        await self._stop_keeping()

    async def run_one(self) -> bool:
        """Execute one run to its end, on a worker that was not started; whether there was one."""
        self._start_keeping()
        try:
            task = await self._claim()
            if task is not None:
                await task
            return task is not None
        finally:
            await self._stop_keeping()

    def _start_keeping(self) -> None:
        self._keeper_task = asyncio.get_running_loop().create_task(
            self._keeper.keep(), name="durably lease keeper"
        )

    async def _stop_keeping(self) -> None:
        if self._keeper_task is not None:
            self._keeper_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper_task

    async def _claim(self) -> "asyncio.Task[None] | None":
        """Claim a run and begin it; the task ends with the run. None: nothing to do."""
        now = self._services.clock()
        run = await self._services.store.claim(
            owner=self.id,
            now=iso(now),
            expires_at=iso(now + self._lease_ms),
            running=self.active.keys(),
        )
        if run is None:
            return None
        attempt = Attempt(run, self._services)
        attempt.lease_expires_ms = now + self._lease_ms
        self.active[run.id] = attempt
        task = asyncio.get_running_loop().create_task(execute(attempt, self._registry))
        self._runs.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, attempt))
        return task

    def _ended(self, task: "asyncio.Task[None]", attempt: Attempt) -> None:
        self._runs.discard(task)
        if self.active.get(attempt.run.id) is attempt:
            del self.active[attempt.run.id]
        self._wake.set()

    async def _claim_loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                while not self._stopping and len(self._runs) < self._max_concurrent_runs:
                    if await self._claim() is None:
                        break
            except Exception:
                logger.exception("The worker could not claim a run and tries again")
                await asyncio.sleep(self._polling_interval)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._polling_interval)
