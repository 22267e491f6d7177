"""How a flood of events is taken in: in short turns, between which the event loop does the rest.

A stream that was left alone for a moment brings thousands of events at once. Taken in one go they
would keep a key waiting for as long as that takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from durably_tui.protocol import EventStream, StreamBatch

EVENTS_OF_A_TURN = 1024
"""So many events take a few milliseconds, whoever listens; in smaller turns the taking itself is
what costs (a quarter as many would take twice the CPU for each event)."""

GiveWay = Callable[[], Awaitable[None]]
"""Awaited before each batch: comes back when it may be taken in."""


async def at_once() -> None:
    """Let no batch wait."""


async def in_turns(
    stream: EventStream, before: Callable[[], GiveWay]
) -> AsyncGenerator[StreamBatch, None]:
    """The batches of a stream, none with more than ``EVENTS_OF_A_TURN`` events.

    Nothing is left out and the order is kept; the stream waits meanwhile, and holds its server
    back once it has as much as it may keep.

    Args:
        stream: it is listened to, and closed by whoever opened it.
        before: gives what is awaited before each batch, asked each time.
    """
    taken = 0
    async with aclosing(stream.batches()) as batches:
        async for batch in batches:
            for part in parts(batch):
                taken += len(part.events)
                if taken > EVENTS_OF_A_TURN:
                    taken = len(part.events)
                    await asyncio.sleep(0)  # everything else that is ready runs once
                await before()()
                yield part


def parts(batch: StreamBatch) -> list[StreamBatch]:
    """A batch in pieces of at most ``EVENTS_OF_A_TURN`` events; itself where it is no larger."""
    events = batch.events
    if len(events) <= EVENTS_OF_A_TURN:
        return [batch]
    return [
        StreamBatch(
            batch.connection,
            events[at : at + EVENTS_OF_A_TURN],
            batch.frames[at : at + EVENTS_OF_A_TURN],
        )
        for at in range(0, len(events), EVENTS_OF_A_TURN)
    ]
