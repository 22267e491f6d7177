"""The bridge from state to screen: any number of changes, a bounded number of paints.

State may change thousands of times a second. Listeners call ``poke``; the bridge paints at once
when nothing was painted lately, then at its own pace, and always once more after the last change.
While the terminal has not taken the last frame it waits: Textual's writer would queue thirty
frames, and a key press would wait behind all of them.

Ages grow though nothing happens. So it also paints by itself where that is wished: each second
as long as that changes the picture, as some time in it is told in seconds, then ever less often. No
time comes to be told in seconds again unless something happens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from textual.app import App

from .attention import Attention

PAINTS_PER_SECOND = 12.0
PATIENCE = 0.15
"""Seconds after which a change is painted though one key comes after the other."""
_ASK_AGAIN = 0.02
TICK = 1.0
"""Seconds until it paints by itself after something happened."""
LONGEST_TICK = 16.0
"""Seconds to which that doubles once a second went by that changed nothing on the screen: the most
that an age that is told in minutes or hours is behind."""


def terminal_is_ready(app: App[Any]) -> bool:
    """Whether the terminal has taken every frame that was written for it.

    Asks the queue of Textual's writer thread. A driver without one (headless, web) is ready.
    """
    writer = getattr(app._driver, "_writer_thread", None)
    queue = getattr(writer, "_queue", None)
    return queue is None or queue.empty()


def nobody_calls(app: App[Any]) -> bool:
    """Whether no key waits for its answer; an app that takes no note of keys has none."""
    attention: Attention | None = getattr(app, "attention", None)
    return attention is None or not attention.is_called


def frames_written(app: App[Any]) -> int:
    """How many frames an app has written; an app that does not count them has none."""
    return getattr(app, "frames_written", 0)


class PaintBridge:
    """Calls ``paint`` after changes, at most so many times a second, in the app's message loop.

    No timer runs while nothing changes, unless it is to tick.
    """

    def __init__(
        self,
        app: App[Any],
        paint: Callable[[], bool | None],
        *,
        per_second: float = PAINTS_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
        ready: Callable[[], bool] | None = None,
        free: Callable[[], bool] | None = None,
        frames: Callable[[], int] | None = None,
        ticks: bool = False,
    ) -> None:
        """Make a bridge; to be called where the app is running.

        Args:
            app: Whose message loop ``paint`` runs in, so that its errors are the app's.
            paint: Shows the state as it is; False where nobody can see it.
            per_second: The most paints in a second.
            clock: Seconds, always rising.
            ready: Whether the terminal can take a frame; asked of the app's driver by default.
            free: Whether there is nothing more urgent to do; by default whether no key waits for
                its answer. Asked for ``PATIENCE`` at most.
            frames: How many frames were written; asked of the app by default.
            ticks: Whether to paint by itself as well, while it can be seen.
        """
        self._app = app
        self._paint = paint
        self._interval = 1 / per_second
        self._clock = clock
        self._ready = ready if ready is not None else lambda: terminal_is_ready(app)
        self._free = free if free is not None else lambda: nobody_calls(app)
        self._frames = frames if frames is not None else lambda: frames_written(app)
        self._context = copy_context()
        self._due = self._wanted = clock()
        self._timer: asyncio.TimerHandle | None = None
        self._posted = False
        self._closed = False
        self._ticks = ticks
        self._ticker: asyncio.TimerHandle | None = None
        self._tick = TICK
        self._told = self._ticked = False
        self._seen = 0

    def poke(self, *, stirs: bool = True) -> None:
        """Say that something changed. Cheap; to be called as often as things change.

        Args:
            stirs: Whether times may be told in seconds from now on; False where only what is known
                of an idle server was refreshed.
        """
        self._told = self._told or stirs
        self._ask()

    def _pass(self) -> None:
        self._ticked = True
        self._ticker = None
        self._ask()

    def _ask(self) -> None:
        # A paint that is posted but has not begun will show this change as well.
        if self._timer is None and not self._posted and not self._closed:
            self._wanted = max(self._due, self._clock())
            self._wake_in(self._due - self._clock())

    def close(self) -> None:
        """Paint no more."""
        self._closed = True
        for timer in (self._timer, self._ticker):
            if timer is not None:
                timer.cancel()
        self._timer = self._ticker = None

    def _wake_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            max(0.0, seconds), self._wake, context=self._context
        )

    def _wake(self) -> None:
        self._timer = None
        patient = self._clock() - self._wanted < PATIENCE
        if not self._ready() or (patient and not self._free()):
            self._wake_in(_ASK_AGAIN)
            return
        self._posted = self._app.call_later(self._paint_now)

    def _paint_now(self) -> None:
        # What changes from here on, even while painting, is for the next frame.
        self._posted = False
        if self._closed:
            return
        self._due = self._clock() + self._interval
        told, ticked = self._told, self._ticked
        self._told = self._ticked = False
        frames = self._frames()  # those of this paint are seen at the next
        if self._paint() is False or not self._ticks:
            return
        if told:
            # It may have come at once after a tick, and show the same second: the next will tell.
            self._tick, self._seen = TICK, -1
        elif ticked:
            counts = self._tick == TICK and frames != self._seen
            self._tick = TICK if counts else min(2 * self._tick, LONGEST_TICK)
            self._seen = frames
        if self._ticker is not None:
            self._ticker.cancel()
        self._ticker = asyncio.get_running_loop().call_later(
            self._tick, self._pass, context=self._context
        )
