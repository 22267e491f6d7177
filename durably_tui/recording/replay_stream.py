"""A stream of a replay: fed by the player, which waits until it has been read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

import msgspec

from durably_tui.protocol import (
    Connection,
    Event,
    Phase,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    StreamBatch,
)

_PATIENCE = 20
"""Turns of the event loop in which whoever has opened a stream has to begin to read it."""
_ENDS = (RunComplete, RunFail, RunCancel, RunDelete)


class ReplayStream:
    """What the recorded stream brought that is wanted here. Fits ``protocol.EventStream``."""

    def __init__(
        self,
        connection: Connection,
        wanted: Callable[[Event], bool],
        *,
        of_run: bool,
        on_close: Callable[[ReplayStream], None],
    ) -> None:
        """Begin with the connection as it is.

        Args:
            connection: of the recorded stream.
            wanted: which events to hand on.
            of_run: whether it is over with the end of a run.
            on_close: called once it is closed.
        """
        self.connection = connection
        self._wanted = wanted
        self._of_run = of_run
        self._on_close = on_close
        self._waiting: deque[StreamBatch] = deque()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._patience = _PATIENCE
        self._is_read = False
        self._is_over = False

    async def taken(self) -> None:
        """Wait until whoever reads has dealt with all that was put; where nobody does, not long."""
        while not (self._is_read or self._is_over) and self._patience:
            # Who has opened it begins to read in a moment.
            self._patience -= 1
            await asyncio.sleep(0)
        await self._idle.wait()

    def put(self, batch: StreamBatch) -> None:
        """Hand on what of a batch is wanted."""
        if self._is_over:
            return
        events = tuple(event for event in batch.events if self._wanted(event))
        if batch.events and not events:
            self.connection = batch.connection
            return
        self._send(msgspec.structs.replace(batch, events=events))
        if self._of_run and any(isinstance(event, _ENDS) for event in events):
            self.end()

    def end(self) -> None:
        """Its subject is over."""
        ended = msgspec.structs.replace(self.connection, phase=Phase.ENDED)
        self._send(StreamBatch(ended))
        self._is_over = True

    def _send(self, batch: StreamBatch) -> None:
        self.connection = batch.connection
        self._waiting.append(batch)
        self._news.set()
        if self._is_read:
            self._idle.clear()

    async def batches(self) -> AsyncGenerator[StreamBatch, None]:
        """Events as they come together, and changes of the connection; ends when closed."""
        self._is_read = True
        if self._waiting:
            self._idle.clear()
        try:
            while True:
                while self._waiting:
                    yield self._waiting.popleft()
                if self._is_over:
                    return
                self._idle.set()
                self._news.clear()
                await self._news.wait()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the stream. ``batches`` ends."""
        self._is_over = True
        self._is_read = False
        self._waiting.clear()
        self._news.set()
        self._idle.set()
        self._on_close(self)
