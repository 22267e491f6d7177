"""Time and identity: ISO 8601 UTC text with milliseconds, and ULIDs that never go backwards."""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock

from ulid import ULID

Clock = Callable[[], int]
"""Milliseconds since 1970, UTC."""

_RANDOM_BYTES = 10
_RANDOM_MAX = (1 << (8 * _RANDOM_BYTES)) - 1


def wall_clock() -> int:
    """The time now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def iso(ms: int) -> str:
    """``2026-11-22T06:47:20.763Z``, as every Durably server writes times."""
    seconds, millis = divmod(ms, 1000)
    return f"{_second(seconds)}.{millis:03d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    # Not strftime, whose %Y does not fill up years before 1000, and text must sort as time does.
    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()


class IdFactory:
    """Makes ULIDs whose order is the order of their making, even inside one millisecond.

    A clock that steps back does not step the ids back: the last millisecond is kept until the
    clock has passed it again. ``createdAt`` is taken from the id, so that (createdAt, id) and id
    sort alike.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._last_ms = 0
        self._random = 0

    def new(self) -> tuple[str, int]:
        """A new id and the millisecond that it carries."""
        now = self._clock()
        with self._lock:
            if now > self._last_ms or self._random >= _RANDOM_MAX:
                self._last_ms = max(now, self._last_ms + 1)
                # The top bit stays clear, which leaves room to count up within the millisecond.
                self._random = int.from_bytes(os.urandom(_RANDOM_BYTES)) >> 1
            else:
                self._random += 1
            ms, random = self._last_ms, self._random
        return str(ULID.from_bytes(ms.to_bytes(6) + random.to_bytes(_RANDOM_BYTES))), ms

    def next(self) -> str:
        """A new id."""
        return self.new()[0]
