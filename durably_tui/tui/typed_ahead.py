"""Keys that were typed before the place was there that they are meant for.

Over a slow line the bytes of ``4/disk`` come at once: ``4`` leads to another place when it has come
up to the app, and by then those behind it are on their way through the place that was left. So it
is behind an answer to a question, and behind a command by its name, which may lead anywhere. They
come again, as from the terminal, once the place in front has the keys.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from textual import events

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

PATIENCE = 1.0
"""Seconds that they wait for a place that does not take the keys."""
_LOOK_AGAIN = 0.02
_HOPS = 20
"""Turns of the loop in which a key has come up from the deepest widget to the app."""


class TypedAhead:
    """The keys that wait, in their order."""

    def __init__(self, app: App[Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold keys of ``app`` back; ``clock`` gives seconds, always rising."""
        self._app = app
        self._clock = clock
        self._came: WeakKeyDictionary[events.Key, Screen[Any]] = WeakKeyDictionary()
        """What was in front when a key went on its way."""
        self._spent: WeakSet[events.Key] = WeakSet()
        """Keys that did what they were meant for on their way."""
        self._waiting: deque[events.Key] = deque()
        self._again: deque[events.Key] = deque()
        self._until = 0.0
        self._commands = 0
        """How many commands were told that have not led to where they lead."""
        self._leads_until = 0.0

    def command_begins(self) -> None:
        """What is typed from now on is meant for where a command leads."""
        self._commands += 1
        self._until = self._leads_until = self._clock() + PATIENCE

    def command_ends(self) -> None:
        """It has led there."""
        self._commands -= 1

    @property
    def waits_for_command(self) -> bool:
        """Whether a command has not led yet to where it leads, and is worth waiting for: one that
        takes longer must not keep Esc from anybody."""
        return self._commands > 0 and self._clock() <= self._leads_until

    @staticmethod
    async def come_up() -> None:
        """Wait until every key that is on its way through a place has come up to the app."""
        for _ in range(_HOPS):
            await asyncio.sleep(0)

    def is_spent(self, event: events.Key) -> None:
        """Have a key do nothing more, that is on its way still."""
        self._spent.add(event)

    def comes_again(self, event: events.Key) -> None:
        """Have a key come again that reached what it was not meant for."""
        if not self._waiting:
            self._until = self._clock() + PATIENCE
            self._app.call_later(self._deliver)
        self._waiting.append(event)

    def holds(self, event: events.Key) -> bool:
        """Whether a key that is at the app, from the terminal or as nobody had a use for it, is to
        go no further now, but comes again."""
        if event in self._spent:
            return True
        if not event.is_forwarded:
            if self._clock() > self._until:
                self._again.clear()  # whatever became of them, others are not kept for it
            first = bool(self._again) and self._again[0] is event
            if first:
                self._again.popleft()
            if first or not (self._again or self._waiting or self.waits_for_command):
                if (front := self._front) is not None:
                    self._came[event] = front
                return False
        elif not (self.waits_for_command or self._waiting or self._is_of_another_place(event)):
            return False
        self.comes_again(event)
        return True

    def _is_of_another_place(self, event: events.Key) -> bool:
        came, front = self._came.get(event), self._front
        # What is in front of a place asks for keys by itself.
        return came is not None and front is not None and front is not came and not front.is_modal

    @property
    def _front(self) -> Screen[Any] | None:
        """The screen in front; None while the app leaves."""
        return next(reversed(self._app.screen_stack), None)

    def _deliver(self) -> None:
        front = self._front
        if front is None:
            self._waiting.clear()
            return
        ready = front.is_modal or (
            not self.waits_for_command and front.is_mounted and front.focused is not None
        )
        if self._again or (not ready and self._clock() < self._until):
            self._app.set_timer(_LOOK_AGAIN, self._deliver)
        else:
            # Those that had reached something already may have been told of late.
            waiting = sorted(self._waiting, key=lambda event: event.time)
            keys = [events.Key(event.key, event.character) for event in waiting]
            self._waiting.clear()
            self._again.extend(keys)
            self._until = self._clock() + PATIENCE
            for key in keys:
                self._app.post_message(key)
