"""A small store: one frozen state, listeners that are told when it becomes another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Generic

from typing_extensions import TypeVar

S = TypeVar("S")
Listener = Callable[[S], object]
Unsubscribe = Callable[[], None]

_log = logging.getLogger(__name__)


class Store(Generic[S]):
    """Holds one frozen state; not for use from several threads."""

    def __init__(self, state: S) -> None:
        self._state = state
        self._listeners: dict[object, Listener[S]] = {}

    @property
    def state(self) -> S:
        """The state now. It never changes; there will be another one."""
        return self._state

    def update(self, change: Callable[[S], S]) -> S:
        """Replace the state by ``change(state)``; where that answers the same object, nobody
        is told."""
        return self.set(change(self._state))

    def set(self, state: S) -> S:
        """Replace the state, and tell every listener unless it is the same object."""
        if state is self._state:
            return state
        self._state = state
        for listener in tuple(self._listeners.values()):
            try:
                listener(state)
            except Exception:  # one bad listener must not blind the others
                _log.exception("a listener of the state raised; the others were told")
        return state

    def subscribe(self, listener: Listener[S]) -> Unsubscribe:
        """Call ``listener(state)`` after each change, in the order of subscription.

        Returns:
            A function that ends it; calling it twice is harmless.
        """
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    async def wait_for(self, wanted: Callable[[S], bool]) -> S:
        """The first state, from now on, for which ``wanted(state)`` is true."""
        if wanted(self._state):
            return self._state
        found: asyncio.Future[S] = asyncio.get_running_loop().create_future()

        def look(state: S) -> None:
            if not found.done():
                with contextlib.suppress(asyncio.InvalidStateError):
                    try:
                        if wanted(state):
                            found.set_result(state)
                    except Exception as error:
                        found.set_exception(error)

        unsubscribe = self.subscribe(look)
        try:
            return await found
        finally:
            unsubscribe()
