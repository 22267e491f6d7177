"""A stream of events whose connection and batches a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import Connection, Event, Phase, StreamBatch


class FakeStream:
    """A stream whose connection and batches a test decides."""

    def __init__(self, wants: Any) -> None:
        self.wants = wants
        self.connection = Connection()
        self.closed = False
        self._queue: asyncio.Queue[StreamBatch | None] = asyncio.Queue()

    def live(self) -> None:
        """The connection is made, perhaps again."""
        self.turn(Phase.LIVE, epoch=self.connection.epoch + 1)

    def turn(self, phase: Phase, **changes: Any) -> None:
        self.connection = replace(self.connection, phase=phase, **changes)
        self._queue.put_nowait(StreamBatch(self.connection))

    def send(self, events: Iterable[Event]) -> None:
        self._queue.put_nowait(StreamBatch(self.connection, tuple(events)))

    def end(self) -> None:
        self.turn(Phase.ENDED)
        self._queue.put_nowait(None)

    async def batches(self) -> AsyncGenerator[StreamBatch, None]:
        while not self.closed:
            batch = await self._queue.get()
            if batch is None:
                return
            yield batch

    async def aclose(self) -> None:
        self.closed = True
        self._queue.put_nowait(None)
