"""What every hook is: a state that is watched from ``start`` to ``aclose``."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, Self

from .store import Listener, S, Store, Unsubscribe


class Hook(Generic[S]):
    """A frozen state that becomes another one as time goes.

    Use as ``async with``, or ``start()`` and ``await aclose()``.
    """

    store: Store[S]

    @property
    def state(self) -> S:
        """Everything, frozen."""
        return self.store.state

    def subscribe(self, listener: Listener[S]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        return self.store.subscribe(listener)

    def start(self) -> Self:
        """Begin; harmless when already begun. Needs a running event loop."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Let everything go."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
