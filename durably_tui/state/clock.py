"""Time as an argument: everything here that looks at a clock or waits takes one of these."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A source of time and of waiting. All durations are seconds."""

    def time(self) -> float:
        """Seconds since the epoch, for people."""

    def monotonic(self) -> float:
        """Seconds that only ever go up, for intervals."""

    async def sleep(self, seconds: float) -> None:
        """Wait at least so long."""


class SystemClock:
    """The machine's own clock and asyncio's sleep."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only ever go up."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)
