"""The engine as a whole: made from options, started and stopped."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Unpack

from durably_server.engine.jobs import JobDefinition
from durably_server.engine.maintenance import sweep_for_ever
from durably_server.engine.options import EngineOptions, Settings
from durably_server.engine.steering import Steering
from durably_server.engine.store import Store


class Engine(Steering):
    """Jobs on a store. Made by ``Durably``, which chooses the store.

    Raises:
        InvalidRequestError: an option is unknown, or out of its range.
        JobDefinitionError: something in ``jobs`` is no job.
    """

    def __init__(
        self,
        store: Store,
        jobs: Iterable[JobDefinition[Any, Any]] = (),
        **options: Unpack[EngineOptions],
    ) -> None:
        super().__init__(store, jobs, Settings.of(options))
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a worker claims runs."""
        return self._workers.running

    async def start(self) -> None:
        """Begin to execute runs; again is harmless."""
        await self.migrate()
        self._workers.start()
        keep = self._settings.retain_runs
        if keep is not None and self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().create_task(
                sweep_for_ever(lambda limit: self.purge_runs(keep, limit)),
                name="durably sweeper",
            )

    async def init(self) -> None:
        """``migrate`` and ``start``."""
        await self.start()

    async def stop(self, grace: float | None = None) -> None:
        """Stop executing, hand back what does not end within ``grace`` seconds, close the store.

        A run that was under way is pending again, not failed, and resumes after its last
        finished step when a worker takes it up.
        """
        await self._workers.stop(self._settings.stop_grace if grace is None else grace)
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper
        self._services.threads.close()
        await self._close()

    def hurry(self) -> None:
        """End the grace of a stop that is under way: hand everything back now."""
        self._workers.hurry()

    async def __aenter__(self) -> "Engine":
        await self.init()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def process_one(self) -> bool:
        """Execute one run to its end, without a started worker; whether there was one."""
        await self.migrate()
        return await self._workers.run_one()

    async def process_until_idle(self, max_runs: int | None = None) -> int:
        """Execute runs one after the other until none waits; how many there were."""
        count = 0
        while (max_runs is None or count < max_runs) and await self.process_one():
            count += 1
        return count
