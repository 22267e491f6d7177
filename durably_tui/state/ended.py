"""Ending tasks of one's own, and waiting for their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and wait until it is over.

    A cancel of whoever waits goes on to it: what catches the end of the task by its
    ``CancelledError`` would catch that one as well.
    """
    task.cancel()
    await asyncio.wait([task])


async def all_over(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait until tasks that end by themselves are over. A cancel of whoever waits ends none."""
    if tasks:
        done, _ = await asyncio.wait(tuple(tasks))
        for task in done:
            if not task.cancelled():
                task.result()  # a fault of ours must not pass for an end
