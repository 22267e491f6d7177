"""Claims runs and executes them, a bounded number at once."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from durably_server.engine.attempt import Attempt, Interruption
from durably_server.engine.clock import iso
from durably_server.engine.executor import execute
from durably_server.engine.jobs import JobRegistry
from durably_server.engine.lease import LeaseKeeper
from durably_server.engine.services import Services

logger = logging.getLogger("durably_server")

HAND_BACK = 1.0
"""Seconds that interrupted runs have to be handed back in."""


class Worker:
    """One task for each run under way, one claim at a time, one poller, one lease keeper.

    A trigger, or a run that ends, starts a claim at once; it takes as many runs as there are free
    places, and goes on while it finds any. A place is free when its run's last write is asked for:
    the claim then shares that write's commit. Polling is for what other processes store, and for
    leases that run out.
    """

    def __init__(self, services: Services, registry: JobRegistry) -> None:
        settings = services.settings
        self.id = f"worker_{services.ids.next()}"
        self.active: dict[str, Attempt] = {}
        self._services = services
        self._registry = registry
        self._max_concurrent_runs = settings.max_concurrent_runs
        self._polling_interval = settings.polling_interval
        self._lease_ms = int(settings.lease * 1000)
        self._keeper = LeaseKeeper(
            self.active.values(), lease=settings.lease, renewal=settings.lease_renewal
        )
        self._stopping = False
        self._wanted = False
        self._claiming: asyncio.Task[None] | None = None
        self._busy = 0
        self._runs: set[asyncio.Task[None]] = set()
        self._side_tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to claim."""
        self._begin(self._keeper.keep(), "durably lease keeper")
        self._begin(self._poll(), "durably poller")
        self.wake()

    def wake(self) -> None:
        """There may be something to claim."""
        self._wanted = True
        self._look()

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
        if self._claiming is not None:
            await asyncio.wait((self._claiming,))
        for attempt in self.active.values():
            attempt.draining = True
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace)
        self.hurry()
        if self._runs:
            # A job that swallows its cancellation is left behind; its lease fences it.
            await asyncio.wait(self._runs, timeout=HAND_BACK)
        await self._end_side_tasks()

    async def run_one(self) -> bool:
        """Execute one run to its end, on a worker that was not started; whether there was one."""
        self._begin(self._keeper.keep(), "durably lease keeper")
        try:
            attempts = await self._claim(1)
            for attempt in attempts:
                await self._execute(attempt)
            return bool(attempts)
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

    def _look(self) -> None:
        """Start a claim if one is wanted and there is a free place for what it finds."""
        free = self._max_concurrent_runs - self._busy
        if self._wanted and free > 0 and self._claiming is None and not self._stopping:
            self._wanted = False
            self._claiming = asyncio.get_running_loop().create_task(self._fill(free))

    async def _fill(self, free: int) -> None:
        try:
            for attempt in await self._claim(free):
                self._wanted = True  # where these were there may be more
                self._busy += 1
                task = asyncio.get_running_loop().create_task(self._run(attempt))
                self._runs.add(task)
                task.add_done_callback(self._runs.discard)
        except Exception:
            logger.exception("The worker could not claim a run and tries again")
        finally:
            self._claiming = None
            self._look()

    async def _run(self, attempt: Attempt) -> None:
        place = [attempt]  # emptied by whoever gives the place back first

        def give_back() -> None:
            if place:
                place.clear()
                self._busy -= 1
                self.wake()

        try:
            await self._execute(attempt, give_back)
        finally:
            give_back()

    async def _claim(self, limit: int) -> list[Attempt]:
        now, services = self._services.clock(), self._services
        runs = await services.store.claim(
            owner=self.id,
            now=iso(now),
            expires_at=iso(now + self._lease_ms),
            running=self.active.keys(),
            limit=limit,
        )
        if self._stopping:
            for run in runs:
                await services.store.release(run.id, run.lease_generation, now=services.now())
            return []
        attempts = [Attempt(run, services) for run in runs]
        for attempt in attempts:
            attempt.lease_expires_ms = now + self._lease_ms
            self.active[attempt.run.id] = attempt
        return attempts

    async def _execute(self, attempt: Attempt, ending: Callable[[], None] = lambda: None) -> None:
        self._services.running += 1
        try:
            await execute(attempt, self._registry, ending)
        finally:
            self._services.running -= 1
            # A run that was cancelled and retried may have its next attempt here already.
            if self.active.get(attempt.run.id) is attempt:
                del self.active[attempt.run.id]
