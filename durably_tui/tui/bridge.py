"""The bridge from state to screen: any number of changes, a bounded number of paints.

State may change thousands of times a second. Listeners call ``poke``; the bridge paints at once
when nothing was painted lately, then at its own pace, and always once more after the last change.
While the terminal has not taken the last frame it waits: Textual's writer would queue thirty
frames, and a key press would wait behind all of them.
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


class PaintBridge:
    """Calls ``paint`` after changes, at most so many times a second, in the app's message loop.

    No timer runs while nothing changes.
    """

    def __init__(
        self,
        app: App[Any],
        paint: Callable[[], None],
        *,
        per_second: float = PAINTS_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
        ready: Callable[[], bool] | None = None,
        free: Callable[[], bool] | None = None,
    ) -> None:
        """Make a bridge; to be called where the app is running.

        Args:
            app: Whose message loop ``paint`` runs in, so that its errors are the app's.
            paint: Shows the state as it is.
            per_second: The most paints in a second.
            clock: Seconds, always rising.
            ready: Whether the terminal can take a frame; asked of the app's driver by default.
            free: Whether there is nothing more urgent to do; by default whether no key waits for
                its answer. Asked for ``PATIENCE`` at most.
        """
        self._app = app
        self._paint = paint
        self._interval = 1 / per_second
        self._clock = clock
        self._ready = ready if ready is not None else lambda: terminal_is_ready(app)
        self._free = free if free is not None else lambda: nobody_calls(app)
        self._context = copy_context()
        self._due = self._wanted = clock()
        self._timer: asyncio.TimerHandle | None = None
        self._posted = False
        self._closed = False

    def poke(self) -> None:
        """Say that something changed. Cheap; to be called as often as things change."""
        # A paint that is posted but has not begun will show this change as well.
        if self._timer is None and not self._posted and not self._closed:
            self._wanted = max(self._due, self._clock())
            self._wake_in(self._due - self._clock())

    def close(self) -> None:
        """Paint no more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
        self._paint()
