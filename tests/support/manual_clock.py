"""A clock that stands still until a test moves it, so that no test waits."""

from __future__ import annotations

import asyncio
import heapq
import itertools

START = 1_790_000_000.0
_ROUNDS = 60


async def settle() -> None:
    """Let every task run until each waits for something that only a test can bring."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


class ManualClock:
    """Fits ``durably_tui.state.Clock``."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return START + self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), waker))
        await waker

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers in their order and letting each do what it wants."""
        await settle()
        end = self.now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, waker = heapq.heappop(self._sleepers)
            self.now = max(self.now, due)
            if not waker.done():
                waker.set_result(None)
            await settle()
        self.now = end
        await settle()
