"""Time and identity: ISO 8601 UTC text with milliseconds, and ULIDs that never go backwards."""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock

Clock = Callable[[], int]
"""Milliseconds since 1970, UTC."""

_RANDOM_BYTES = 10
_RANDOM_MAX = (1 << (8 * _RANDOM_BYTES)) - 1
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def wall_clock() -> int:
    """The time now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=64)
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
        self._entropy = b""

    def new(self) -> tuple[str, int]:
        """A new id and the millisecond that it carries."""
        now = self._clock()
        with self._lock:
            if now > self._last_ms or self._random >= _RANDOM_MAX:
                self._last_ms = max(now, self._last_ms + 1)
                # The top bit stays clear, which leaves room to count up within the millisecond.
                self._random = self._take() >> 1
            else:
                self._random += 1
            ms, random = self._last_ms, self._random
        return _base32((ms << (8 * _RANDOM_BYTES)) | random), ms

    def next(self) -> str:
        """A new id."""
        return self.new()[0]

    def many(self, count: int) -> list[str]:
        """So many new ids, which nothing comes between."""
        first, ms = self.new()
        made = [first]
        with self._lock:
            if ms == self._last_ms and self._random < _RANDOM_MAX - count:
                start = (ms << (8 * _RANDOM_BYTES)) | (self._random + 1)
                made += [_base32(value) for value in range(start, start + count - 1)]
                self._random += count - 1
                return made
        return made + [self.next() for _ in range(count - 1)]

    def _take(self) -> int:
        # Many at once: each call of the system gives the interpreter away to another thread.
        if not self._entropy:
            self._entropy = os.urandom(_RANDOM_BYTES * 256)
        taken, self._entropy = self._entropy[:_RANDOM_BYTES], self._entropy[_RANDOM_BYTES:]
        return int.from_bytes(taken)


def _base32(value: int) -> str:
    """26 characters of Crockford's alphabet, as the ULID specification writes 128 bits."""
    # The upper part stays the same while ids count up within a millisecond.
    return (
        _upper(value >> 50)
        + _PAIRS[(value >> 40) & 1023]
        + _PAIRS[(value >> 30) & 1023]
        + _PAIRS[(value >> 20) & 1023]
        + _PAIRS[(value >> 10) & 1023]
        + _PAIRS[value & 1023]
    )


@lru_cache(maxsize=4)
def _upper(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(70, -1, -10)])
