"""Requests that are wished for often and made seldom: one at a time, a few per second.

A burst of wishes costs one request at once and at most one more after it; the last wish is always
followed by a request that began after it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from .clock import Clock
from .ended import ended

_log = logging.getLogger(__name__)
_LONGEST = 30.0


class Refresher:
    """Calls ``fetch`` when somebody wished for it since it last began.

    ``fetch`` answers whether to try again by itself, later and later (with jitter, at most every
    30 s), because the failure may pass.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bool]],
        clock: Clock,
        *,
        min_interval: float = 0.3,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._interval = min_interval
        self._jitter = jitter
        self._wishes = 0
        self._granted = 0
        self._urgent = asyncio.Event()
        self._due = float("-inf")
        self._failures = 0
        self._loop_task: asyncio.Task[None] | None = None
        self._flight: asyncio.Task[bool] | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._closed = False

    def wish(self) -> None:
        """Have a request begin soon."""
        if self._closed:
            return
        self._wishes += 1
        if self._loop_task is None:
            self._loop_task = asyncio.create_task(self._loop(), name="durably:refresh")

    def at_once(self, *, restart: bool = False) -> None:
        """Have a request begin without waiting for the interval; ``restart`` gives up the one
        that is under way."""
        self._urgent.set()
        self.wish()
        if restart and self._flight is not None:
            self._flight.cancel()

    async def finished(self) -> None:
        """Have a request begin at once, and wait until it ended, well or not."""
        if self._closed:
            return
        self.at_once()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._wishes, waiter))
        await waiter

    def let_go(self) -> None:
        """Give up, from now on; whoever waits is let go. Harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        if self._loop_task is not None:
            self._loop_task.cancel()
        self._release(self._wishes)

    async def aclose(self) -> None:
        """The same, and wait until the request that was under way is over."""
        self.let_go()
        if self._loop_task is not None:
            await asyncio.wait([self._loop_task])

    async def _loop(self) -> None:
        try:
            while self._wishes > self._granted:
                await self._until_due()
                self._urgent.clear()
                wish = self._wishes
                self._due = self._clock.monotonic() + self._interval
                again = await self._fly()
                if again is None:
                    continue
                self._granted = wish
                self._release(wish)
                if again:
                    self._failures += 1
                    pause = min(_LONGEST, 2.0 ** min(self._failures - 1, 10))
                    self._due = self._clock.monotonic() + pause * (0.5 + self._jitter() / 2)
                    self._wishes += 1
                else:
                    self._failures = 0
        finally:
            if self._loop_task is asyncio.current_task():
                self._loop_task = None

    async def _fly(self) -> bool | None:
        """One request: whether to try again, or None where it was given up for a newer one."""
        self._flight = asyncio.create_task(self._run(), name="durably:fetch")
        try:
            await asyncio.wait({self._flight})
            return None if self._flight.cancelled() else self._flight.result()
        finally:
            if not self._flight.done():
                await ended(self._flight)
            self._flight = None

    async def _run(self) -> bool:
        try:
            return await self._fetch()
        except Exception:  # a fault of ours must not end all refreshing
            _log.exception("a refresh raised; it is tried again later")
            return True

    async def _until_due(self) -> None:
        wait = self._due - self._clock.monotonic()
        if wait <= 0 or self._urgent.is_set():
            return
        sleep = asyncio.ensure_future(self._clock.sleep(wait))
        urgent = asyncio.ensure_future(self._urgent.wait())
        try:
            await asyncio.wait({sleep, urgent}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleep, urgent):
                task.cancel()
            await asyncio.gather(sleep, urgent, return_exceptions=True)

    def _release(self, wish: int) -> None:
        waiting = self._waiters
        self._waiters = [pair for pair in waiting if pair[0] > wish]
        for number, waiter in waiting:
            if number <= wish and not waiter.done():
                waiter.set_result(None)
