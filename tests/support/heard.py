"""A stream of the client, read in the background so that a test can wait for what it brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from support.peers import PATIENCE

from durably_tui.protocol import Connection, Event, EventStream, Phase


class Heard:
    """Every event and every state of the connection so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.connections: list[Connection] = []
        self.ended = False
        self._changed = asyncio.Event()

    @property
    def words(self) -> list[str]:
        """The events by their words."""
        return [event.type for event in self.events]

    @property
    def phases(self) -> list[Phase]:
        """How the connection went on, each change once."""
        phases = [connection.phase for connection in self.connections]
        return [p for p, before in zip(phases, [None, *phases], strict=False) if p is not before]

    def of(self, run_id: str) -> list[str]:
        """The words of one run's events."""
        return [event.type for event in self.events if event.run_id == run_id]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition()` is true; fails at the end of the stream, or late."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    assert not self.ended, f"ended with {self.words}"
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never came; there were {self.words}, {self.phases}") from None

    async def until_live(self, epoch: int = 1) -> None:
        """Wait until the stream was opened so often."""
        await self.until(
            lambda: (
                self.connections
                and self.connections[-1].phase is Phase.LIVE
                and self.connections[-1].epoch >= epoch
            )
        )

    async def until_word(self, word: str, run_id: str) -> None:
        """Wait for an event of a run."""
        await self.until(lambda: word in self.of(run_id))

    async def until_end(self) -> None:
        """Wait until the stream has ended by itself."""
        await self.until(lambda: self.ended)

    async def read(self, stream: EventStream) -> None:
        """Take in all of a stream."""
        async for batch in stream.batches():
            self.events += batch.events
            self.connections.append(batch.connection)
            self._changed.set()
        self.ended = True
        self._changed.set()


@asynccontextmanager
async def hearing(stream: EventStream) -> AsyncIterator[Heard]:
    """Read `stream` for the length of the block."""
    heard = Heard()
    async with aclosing(stream):
        task = asyncio.create_task(heard.read(stream), name="hearing")
        try:
            yield heard
        finally:
            await stream.aclose()
            await task
