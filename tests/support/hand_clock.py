"""A clock that a test turns by hand, so that nothing waits for real seconds."""

import asyncio
import heapq
import itertools
from typing import Any

from durably_tui.client import Pace


class HandClock:
    """Time stands still until `advance`; sleepers wake in the order in which they are due."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        """Every length that was asked for, in order."""
        self._sleepers: list[tuple[float, int, float, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self._news = asyncio.Event()

    def pace(self, **times: Any) -> Pace:
        """A pace that goes by this clock, with dice that always show the longest delay, and
        that reads at once."""
        times.setdefault("gather", 0.0)
        return Pace(clock=lambda: self.now, sleep=self.sleep, random=lambda: 1.0, **times)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._count), seconds, due))
        self._news.set()
        await due

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, and everybody who is due wake up."""
        until = self.now + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self.now, _, _, due = heapq.heappop(self._sleepers)
            if not due.done():
                due.set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
        self.now = until

    async def asleep(self, seconds: float) -> None:
        """Wait until somebody sleeps for so long."""
        async with asyncio.timeout(10):
            while not any(length == seconds and not due.done()
                          for _, _, length, due in self._sleepers):  # fmt: skip
                self._news.clear()
                await self._news.wait()

    async def sleep_out(self, *lengths: float) -> None:
        """Let those who sleep for so long wake up, one length after the other."""
        for seconds in lengths:
            await self.asleep(seconds)
            await self.advance(seconds)

    async def passes(self, seconds: float) -> None:
        """Let time pass from one who wakes up to the next, each time until all sleep again."""
        until = self.now + seconds
        while True:
            async with asyncio.timeout(10):
                while not self._sleepers:
                    self._news.clear()
                    await self._news.wait()
            if (due := self._sleepers[0][0]) > until:
                await self.advance(until - self.now)
                return
            await self.advance(due - self.now)
