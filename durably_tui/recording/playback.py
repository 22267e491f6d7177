"""Where a replay is and how quickly it goes: held, played, stepped and sought."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress

from durably_tui.state.ended import ended

from .reading import HEARD, Recording

MIN_SPEED, MAX_SPEED = 0.1, 1000.0
MARK_EVERY = 1000
"""Lines between two places from which a replay can begin as well as at the beginning."""
_LOOK_UP = 200
"""After so many lines in a row others get their turn."""


class Playback:
    """The position in a recording. All positions are seconds since it began.

    Time does not pass a line that was not delivered: what takes long makes the replay late, not
    wrong.
    """

    def __init__(self, recording: Recording, *, monotonic: Callable[[], float]) -> None:
        self.recording = recording
        self.speed = 1.0
        """Seconds of the recording in a second."""
        self.held = True
        """Whether it stands still."""
        self.on_mark: Callable[[], None] | None = None
        """Called after each ``MARK_EVERY`` lines, when all that came by then has been taken in."""
        self._monotonic = monotonic
        self._next = 0
        self._at = 0.0
        self._since = monotonic()
        self._pinned: float | None = None
        """The time of the line that is being delivered."""
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    # -- where it is -----------------------------------------------------------------------

    @property
    def duration(self) -> float:
        """Of the whole recording, in seconds."""
        return self.recording.duration

    @property
    def position(self) -> float:
        """Seconds since the beginning of the recording."""
        if self._pinned is not None:
            return self._pinned
        limit = self.duration
        if self._next < len(self.recording):
            # Not quite that of a line which was not delivered: what is sought there has it.
            limit = min(limit, math.nextafter(self.recording.times[self._next], 0))
        return max(self._at, min(self._ideal(), limit))

    @property
    def delivered(self) -> int:
        """How many lines of the recording were played."""
        return self._next

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to play."""
        return self._next >= len(self.recording) and self.position >= self.duration

    def now(self) -> float:
        """The time at this position, in seconds since the epoch."""
        return self.recording.began + self.position

    # -- playing ---------------------------------------------------------------------------

    def go(self) -> None:
        """Play on from here; harmless at the end. Needs a running event loop."""
        self._set(held=False)
        if self._task is None:
            self._task = asyncio.create_task(self._play(), name="durably:replay")

    def hold(self) -> None:
        """Stand still."""
        self._set(held=True)

    def set_speed(self, speed: float) -> None:
        """Play at this speed from here on; no more than what is sensible."""
        self._set(held=self.held, speed=min(MAX_SPEED, max(MIN_SPEED, speed)))

    async def seek(self, to: float) -> None:
        """Go forward to a position, past everything before it; backwards it cannot go.

        Every line on the way is delivered, so the state is as if it had been played.
        """
        to = min(to, self.duration)
        async with self._turn:
            while self._next < len(self.recording) and self.recording.times[self._next] <= to:
                await self._deliver()
                if self._next % _LOOK_UP == 0:
                    await asyncio.sleep(0)
            if to > self.position:
                self._put(to)
        self._changed.set()

    async def step(self) -> bool:
        """Hold, and go on to the next thing that the stream brought; False where none is left."""
        self.hold()
        async with self._turn:
            while self._next < len(self.recording):
                kind = self.recording.kinds[self._next]
                await self._deliver()
                if kind in HEARD:
                    return True
        return False

    def before(self) -> float:
        """Where the stream brought something last before this position."""
        here = self.position
        return next(
            (
                self.recording.times[at]
                for at in range(self._next - 1, -1, -1)
                if self.recording.kinds[at] in HEARD and self.recording.times[at] < here
            ),
            0.0,
        )

    async def deliver(self, at: int) -> None:
        """Hand on one line; the position is at its time by now."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            await ended(task)

    # -- inside ----------------------------------------------------------------------------

    async def _play(self) -> None:
        while True:
            self._changed.clear()
            wait = self._wait()
            if wait is None or wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                continue
            async with self._turn:
                due = bisect_right(self.recording.times, self._ideal()) - self._next
                for _ in range(min(due, _LOOK_UP)):
                    if not self.held:
                        await self._deliver()
            await asyncio.sleep(0)

    def _wait(self) -> float | None:
        """Real seconds until the next line; None where none is to come."""
        if self.held or self._next >= len(self.recording):
            return None
        return (self.recording.times[self._next] - self._ideal()) / self.speed

    async def _deliver(self) -> None:
        at = self._next
        moment = self.recording.times[at]
        if self._ideal() < moment:
            self._put(moment)
        self._pinned = moment
        self._next += 1
        try:
            await self.deliver(at)
            if self.on_mark is not None and self._next % MARK_EVERY == 0:
                self.on_mark()
        finally:
            self._pinned = None

    def _ideal(self) -> float:
        """Where it would be if nothing took time."""
        if self.held:
            return self._at
        return self._at + max(0.0, self._monotonic() - self._since) * self.speed

    def _set(self, *, held: bool, speed: float | None = None) -> None:
        at = self.position
        self.held = held
        self.speed = self.speed if speed is None else speed
        self._put(at)
        self._changed.set()

    def _put(self, at: float) -> None:
        self._at = at
        self._since = self._monotonic()
