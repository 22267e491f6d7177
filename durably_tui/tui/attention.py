"""Keys first: while one waits for its answer, whatever else there is to do gives way.

A key passes through half a dozen message queues before its effect is on the screen. Each time the
event loop goes round, a busy stream would put a turn of its own in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

MOST = 0.1
"""Seconds that a key holds the rest back at most: some keys have no effect to be seen."""
OWED = 0.02
"""Seconds that whoever waited has to itself at most."""


class Attention:
    """Whether a key waits for its answer. For use in one event loop.

    A key is answered by the first frame after it was acted on; where nobody says that it was, by
    the second frame after it came.
    """

    def __init__(self, *, most: float = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold back for ``most`` seconds; ``clock`` gives seconds, always rising."""
        self._most = most
        self._clock = clock
        self._until = 0.0
        self._frames = 0
        self._owed_until = 0.0
        self._answered = asyncio.Event()
        self._called_at = clock()

    @property
    def is_called(self) -> bool:
        """Whether a key waits for its answer now."""
        return self._frames > 0 and self._clock() < self._until

    @property
    def quiet_seconds(self) -> float:
        """How long no key came."""
        return self._clock() - self._called_at

    def call(self) -> None:
        """A key came."""
        self._frames = 2
        self._called_at = self._clock()
        self._until = self._called_at + self._most
        self._answered.clear()

    def acted(self) -> None:
        """The key did what it does; the picture of it is still to come."""
        self._frames = min(self._frames, 1)

    def shown(self) -> None:
        """A frame was written."""
        self._frames -= 1
        if self._frames <= 0:
            self._frames = 0
            self._answered.set()

    async def give_way(self) -> None:
        """Come back when no key waits.

        Whoever waited has as long to itself before it waits again: a key that is held down slows
        the others, and never stops them.
        """
        began = self._clock()
        if not self.is_called or began < self._owed_until:
            return
        try:
            async with asyncio.timeout(max(0.0, self._until - began)):
                await self._answered.wait()
        except TimeoutError:
            self._frames = 0
        now = self._clock()
        self._owed_until = now + min(now - began, OWED)
