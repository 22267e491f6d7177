"""How often and how long: the times of a client, and the clock that it goes by."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """All in seconds. The clock, the sleep and the dice are here too, so that a test can give its
    own and wait for nothing.
    """

    first_delay: float = 0.25
    """Between the loss of a stream and the first attempt; it doubles with each further one."""
    max_delay: float = 15.0
    """Where the doubling ends; also the delay where trying again can hardly help."""
    steady_after: float = 10.0
    """A stream that lived this long was a good one: the next delay is the first again."""
    head_grace: float = 1.0
    """After so long the server is asked for the first time, also because a stream whose answer
    has not begun by then may be open all the same."""
    probe_every: float = 10.0
    """How often the server is asked, beside a stream of many runs, how long an answer takes; three
    times as long while keep-alives say that it is there and nothing happens."""
    quiet_after: float = 15.0
    """Without a byte on the stream of one run for so long, the server is asked after the run."""
    probe_timeout: float = 5.0
    """How long such a question may take before the stream counts as dead."""
    gather: float = 0.02
    """How long a stream that is busy is left alone between two reads, so that what is sent event
    by event is read and dealt with together; 0 reads at once."""
    closing_grace: float = 1.0
    """How long events that are still under way get, once a run is known to be over."""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    def delay(self, failures: int, at_least: float = 0.0) -> float:
        """How long to wait after so many failures in a row (1 or more): a random time between the
        half and the whole of a delay that doubles, so that many clients do not come back at once.
        """
        doubled = max(self.first_delay, at_least) * 2.0 ** min(failures - 1, 30)
        return min(self.max_delay, doubled) * (0.5 + self.random() / 2)
