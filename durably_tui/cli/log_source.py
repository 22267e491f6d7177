"""Where log lines come from: what a server has stored, and what it sends as it happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from durably_tui.protocol import LogEntry, LogLevel, LogWrite, Phase, Run

from .stream_notes import Witness

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient

LOOK_AGAIN = 0.1
"""Seconds until lines that a server may be about to store are looked for again."""
LOOKS_IN_VAIN = 3
MOST_LINES = 100_000
"""Stored lines of one run that are asked for: the most that a server gives in one answer."""


async def stored(
    client: DurablyClient, run_id: str, levels: Sequence[LogLevel], limit: int = MOST_LINES
) -> list[LogEntry] | None:
    """The newest lines of a run that the server has stored, oldest first; None where it stores
    none."""
    if limit == 0:
        return []
    return await client.get_logs(run_id, levels=[str(level) for level in levels], limit=limit)


async def followed(
    client: DurablyClient, runs: Sequence[Run], levels: Sequence[LogLevel], limit: int
) -> AsyncGenerator[list[LogEntry], None]:
    """The stored lines of the runs, then new ones as they come, until all runs have ended.

    Raises:
        DurablyError: a stream could not be opened, or a run no longer exists.
    """
    lots: asyncio.Queue[list[LogEntry] | None] = asyncio.Queue(maxsize=64)

    async def follow(run: Run) -> None:
        async with aclosing(_of_one(client, run.id, levels, limit)) as found:
            async for lot in found:
                await lots.put(lot)

    async def follow_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(follow(run), name=f"durably:logs-{run.id}")
        except asyncio.CancelledError:
            raise  # nobody takes anything any more: to wait for room would be for ever
        except BaseException:
            await lots.put(None)
            raise
        await lots.put(None)

    task = asyncio.create_task(follow_all(), name="durably:logs")
    try:
        while (lot := await lots.get()) is not None:
            yield lot
        try:
            await task
        except* Exception as group:  # the first says what the others would
            raise group.exceptions[0] from None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _of_one(
    client: DurablyClient, run_id: str, levels: Sequence[LogLevel], limit: int
) -> AsyncGenerator[list[LogEntry], None]:
    """The stream is opened first, then what is stored is fetched, so that nothing is missed; what
    came by both ways is left out once."""
    witness = Witness("log lines")
    twice: Counter[tuple[object, ...]] | None = None
    last: str | None = None
    is_joined = False
    """Whether there is nothing between the stored lines and those of the stream."""
    stream = client.subscribe(run_id)
    async with aclosing(stream.batches()) as batches:
        async for batch in batches:
            witness.see(batch.connection)
            if twice is None and batch.connection.phase in (Phase.LIVE, Phase.ENDED):
                past = await stored(client, run_id, levels, limit)
                is_joined = past is None or limit == 0
                twice = Counter(map(_told, past or ()))
                last = past[-1].id if past else None
                yield past or []
            now = datetime.now(UTC)
            lines = [event.entry(now) for event in batch.events if isinstance(event, LogWrite)]
            if lines and not is_joined:
                is_joined = True
                if not (twice and _told(lines[0]) in twice):
                    async for late in _stored_late(client, run_id, last, until=lines[0]):
                        yield late
            if twice:
                lines = [line for line in lines if not _taken(twice, line)]
            if lines:
                yield lines
    if not is_joined:
        async for late in _stored_late(client, run_id, last, until=None):
            yield late


async def _stored_late(
    client: DurablyClient, run_id: str, after: str | None, *, until: LogEntry | None
) -> AsyncGenerator[list[LogEntry], None]:
    """Lines that were sent before the stream was open and are stored only now: a server stores
    many at once, a moment after it has sent them. Those before ``until``, or all."""
    in_vain = 0
    while in_vain < LOOKS_IN_VAIN:
        found = await client.get_logs(run_id, after=after, limit=MOST_LINES) or []
        if not found:
            in_vain += 1
            await asyncio.sleep(LOOK_AGAIN)
            continue
        in_vain, after = 0, found[-1].id
        told = None if until is None else _told(until)
        at = next((n for n, line in enumerate(found) if _told(line) == told), None)
        yield found[:at]
        if at is not None:
            return


def _told(line: LogEntry) -> tuple[object, ...]:
    return (line.timestamp, line.level, line.step_name, line.message)


def _taken(twice: Counter[tuple[object, ...]], line: LogEntry) -> bool:
    """Whether the line was among those that were stored."""
    told = _told(line)
    if twice[told] <= 0:
        return False
    twice[told] -= 1
    return True
