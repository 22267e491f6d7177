"""What the hooks of one server share."""

from __future__ import annotations

import asyncio
from typing import Protocol

from .account import HistoryLimits
from .clock import Clock
from .ended import all_over
from .feed import FeedPool
from .ports import DurablyPort
from .run_watch import RunWatch


class Closable(Protocol):
    """A hook that was given out."""

    async def aclose(self) -> None:
        """Let everything go."""


class Hub:
    """The port, the clock, the feeds, and one watch for each run that is watched."""

    def __init__(self, port: DurablyPort, clock: Clock, limits: HistoryLimits) -> None:
        self.port = port
        self.clock = clock
        self.pool = FeedPool(port, clock, limits)
        self.open: set[Closable] = set()
        """Hooks that were started and not closed."""
        self._watches: dict[str, RunWatch] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def watch(self, run_id: str, job_name: str) -> RunWatch:
        """The watch of a run, shared; ``unwatch`` it as often."""
        watch = self._watches.get(run_id)
        if watch is None:
            watch = self._watches[run_id] = RunWatch(
                self.port, self.pool, self.clock, run_id, job_name
            )
            watch.start()
        watch.users += 1
        return watch

    def unwatch(self, watch: RunWatch) -> None:
        """Stop using a watch; it closes behind the last one."""
        watch.users -= 1
        if watch.users == 0:
            if self._watches.get(watch.run_id) is watch:
                del self._watches[watch.run_id]
            task = asyncio.create_task(watch.aclose(), name=f"durably:close-{watch.run_id}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def closed(self) -> None:
        """Wait until everything that was let go is closed."""
        await all_over(self._closing)
        await self.pool.drained()

    async def aclose(self) -> None:
        """Close every hook, every watch and every stream."""
        for hook in tuple(self.open):
            await hook.aclose()
        for watch in tuple(self._watches.values()):
            watch.users = 1
            self.unwatch(watch)
        await self.closed()
        await self.pool.aclose()
