"""Between the one who reads a stream and the one who takes from it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from durably_tui.protocol import Connection, Event, StreamBatch

MAX_WAITING_BYTES = 8 * 1024 * 1024


class Inbox:
    """Joins what comes between two takes into one batch, and holds the reader back when full.

    The order of events and of changes of the connection is kept; of changes with no event between
    them only the last is told, as one that left something out where one of the others did.

    Args:
        max_waiting_bytes: how much of the stream, in bytes as read, may wait to be taken.
    """

    def __init__(self, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._max_waiting = max_waiting_bytes
        self._waiting: deque[tuple[Connection, list[Event], list[bytes]]] = deque()
        self._told_epoch = 0
        """The number of the last connection that was taken."""
        self._size = 0
        self._closed = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    def put(
        self,
        connection: Connection,
        events: Sequence[Event] = (),
        frames: Sequence[bytes] = (),
        *,
        size: int = 0,
        joins: bool = False,
    ) -> None:
        """Add events and the connection that they came over.

        Args:
            frames: their data as it came, one each; none where that is not known.
            size: how many bytes they were.
            joins: whether it is the same connection as before, but for its times, so that one
                batch will do for both.
        """
        if self._waiting and (joins or not self._waiting[-1][1]):
            untold, before, data = self._waiting.pop()
            told = self._waiting[-1][0].epoch if self._waiting else self._told_epoch
            if untold.epoch != told and connection.resumed and not untold.resumed:
                connection = replace(connection, resumed=False)
            if len(data) == len(before) and len(frames) == len(events):
                data.extend(frames)
            else:
                data = []
            before.extend(events)
            self._waiting.append((connection, before, data))
        else:
            self._waiting.append((connection, list(events), list(frames)))
        self._size += size
        self._news.set()

    @property
    def is_full(self) -> bool:
        """Whether the reader has to wait until the taker has kept up."""
        return self._size > self._max_waiting and not self._closed

    async def room(self) -> None:
        """Wait until the taker has kept up."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()

    async def take(self) -> StreamBatch | None:
        """The next batch; None once the inbox is closed and empty."""
        while not self._waiting:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        connection, events, frames = self._waiting.popleft()
        self._told_epoch = connection.epoch
        if not self._waiting:
            self._size = 0
            self._room.set()
        return StreamBatch(connection, tuple(events), tuple(frames))

    def close(self) -> None:
        """Nothing more comes; what waits can still be taken."""
        self._closed = True
        self._news.set()
        self._room.set()
