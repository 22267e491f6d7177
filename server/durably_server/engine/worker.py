"""Claims runs and executes them, a bounded number at once."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from durably_server.engine.attempt import Attempt, Interruption, Services
from durably_server.engine.clock import iso
from durably_server.engine.executor import execute
from durably_server.engine.jobs import JobRegistry
from durably_server.engine.lease import LeaseKeeper

logger = logging.getLogger("durably_server")


class Worker:
    """A task for each run under way, which first claims it; one poller, one lease keeper.

    A trigger or a run that ends starts a claim at once, and a claim that finds a run starts two
    more, so that claims of a busy worker share commits; an idle worker has one claim under way
    at most. Polling is for what other processes store, and for leases that run out.
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
        self._stopping = False
        self._missed = False
        self._claims: set[asyncio.Task[None]] = set()
        self._runs: set[asyncio.Task[None]] = set()
        self._side_tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to claim."""
        self._begin(self._keeper.keep(), "durably lease keeper")
        self._begin(self._poll(), "durably poller")
        self.wake()

    def wake(self) -> None:
        """There may be something to claim."""
        if self._claims:
            self._missed = True  # a claim under way may have looked too early
        else:
            self._pump()

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
        if self._claims:
            await asyncio.wait(self._claims)
        for attempt in self.active.values():
            attempt.draining = True
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace)
        self.hurry()
        if self._runs:
            # A job that swallows its cancellation is left behind; its lease fences it.
            await asyncio.wait(self._runs, timeout=max(1.0, grace))
        await self._end_side_tasks()

    async def run_one(self) -> bool:
        """Execute one run to its end, on a worker that was not started; whether there was one."""
        self._begin(self._keeper.keep(), "durably lease keeper")
        try:
            attempt = await self._claim()
            if attempt is not None:
                await self._execute(attempt)
            return attempt is not None
        finally:
            await self._end_side_tasks()

    # --- inside ---

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._side_tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def _end_side_tasks(self) -> None:
        for task in self._side_tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._side_tasks.clear()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._polling_interval)
            self.wake()

    def _pump(self) -> None:
        """Start a claim if there is a free place for what it finds."""
        if self._stopping or len(self._runs) + len(self._claims) >= self._max_concurrent_runs:
            return
        task = asyncio.get_running_loop().create_task(self._work())
        self._claims.add(task)
        task.add_done_callback(self._worked)

    def _worked(self, task: "asyncio.Task[None]") -> None:
        self._claims.discard(task)
        if task in self._runs:
            self._runs.discard(task)
            self._pump()

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            attempt = await self._claim()
        except Exception:
            logger.exception("The worker could not claim a run and tries again")
            return
        self._claims.discard(task)
        if attempt is None:
            if self._missed:
                self._missed = False
                self._pump()
            return
        self._runs.add(task)
        self._pump()
        self._pump()
        await self._execute(attempt)

    async def _claim(self) -> Attempt | None:
        now, services = self._services.clock(), self._services
        run = await services.store.claim(
            owner=self.id,
            now=iso(now),
            expires_at=iso(now + self._lease_ms),
            running=self.active.keys(),
        )
        if run is None:
            return None
        if self._stopping:
            await services.store.release(run.id, run.lease_generation, now=services.now())
            return None
        attempt = Attempt(run, services)
        attempt.lease_expires_ms = now + self._lease_ms
        self.active[run.id] = attempt
        return attempt

    async def _execute(self, attempt: Attempt) -> None:
        try:
            await execute(attempt, self._registry)
        finally:
            # A run that was cancelled and retried may have its next attempt here already.
            if self.active.get(attempt.run.id) is attempt:
                del self.active[attempt.run.id]
