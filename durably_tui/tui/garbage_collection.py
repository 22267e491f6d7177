"""When the garbage collector may look at everything: while nobody types.

It takes from a tenth to half a second with what a monitor has in memory, and by itself it looks
every few seconds while many events come. A key waits for it. Where the keys never cease it is done
all the same, but seldom: what is left behind would else stay for as long, and the sockets in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Mapping

LOOK_EVERY = 10.0
"""Seconds between two looks whether it is time, while there is enough to look at."""
QUIET = 2.0
"""Seconds without a key after which it is."""
OVERDUE, PAUSE = 60.0, 0.3
"""Seconds without a look after which it is time as soon as no key came for so many."""
_YOUNG, _YOUNGER_ROUNDS, _NEVER = 10_000, 20, 1_000_000
_ROUNDS = 20
"""Rounds of the younger generations after which it is worth while."""


def begin() -> None:
    """Leave what is in memory now out of every look, and look at the rest only when told."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _YOUNGER_ROUNDS, _NEVER)


class Tidier:
    """Looks at everything that is not frozen when it is time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Make one; ``clock`` gives seconds, always rising."""
        self._clock = clock
        self._looked_at = clock()

    def tidy(self, quiet_seconds: float) -> bool:
        """Look, if there is enough to look at and no key came for that long.

        Answers whether it did.
        """
        now = self._clock()
        rest = PAUSE if now - self._looked_at >= OVERDUE else QUIET
        if gc.get_count()[2] < _ROUNDS or quiet_seconds < rest:
            return False
        self._looked_at = now
        gc.collect()
        return True


class Reminder:
    """Has somebody tidy, again and again until they did, once there is enough to look at.

    The collector itself tells when there is: no timer runs in a monitor that nothing happens to.
    """

    def __init__(self, tidy: Callable[[], bool]) -> None:
        """Remind ``tidy``, in the event loop that runs; it answers whether it did."""
        self._tidy = tidy
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._called = self._closed = False
        gc.callbacks.append(self._collected)

    def close(self) -> None:
        """Remind no more."""
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self._collected)
        if self._timer is not None:
            self._timer.cancel()
        self._called = self._closed = True

    def _collected(self, phase: str, info: Mapping[str, int]) -> None:
        """A generation was looked at: in any thread, in the middle of anything."""
        enough = phase == "stop" and info["generation"] == 1 and gc.get_count()[2] >= _ROUNDS
        if enough and not self._called and not self._loop.is_closed():
            self._called = True
            self._loop.call_soon_threadsafe(self._later)

    def _later(self) -> None:
        if self._closed:
            return
        self._timer = self._loop.call_later(LOOK_EVERY, self._remind)

    def _remind(self) -> None:
        if self._tidy():
            self._called = False
        else:
            self._later()
