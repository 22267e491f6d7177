"""Writes that nobody waits for while a run goes on: of its progress, and of its log lines."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger("durably_server")


class BackgroundWrites:
    """The writes of one run that are under way. One that fails is logged, and harms nobody."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._tasks: set[asyncio.Task[bool]] = set()

    def begin(self, write: Coroutine[Any, Any, bool]) -> "asyncio.Task[bool]":
        """Start a write."""
        task = asyncio.get_running_loop().create_task(write)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def handed_over(self) -> None:
        """Wait until the store has them all, which keeps their order; not until they are stored."""
        if self._tasks:
            await asyncio.sleep(0)

    def _ended(self, task: "asyncio.Task[bool]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("Run %s: progress or logs were not stored: %s", self._run_id, error)
