"""What happens: events as they come, and waiting for the end of a run."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from durably_server.engine.errors import NotFoundError, RunCancelledError, RunFailedError
from durably_server.engine.events import (
    ENDS_A_RUN,
    Event,
    Listener,
    LogWrite,
    RunDelete,
    RunProgress,
    Unsubscribe,
    replay,
)
from durably_server.engine.model import Run
from durably_server.engine.reading import Reading


class Watching(Reading):
    """The events of an engine."""

    def on(self, event_type: str | None, listener: Listener) -> Unsubscribe:
        """Call ``listener`` on each event of a type (``"run:complete"``), or of all (None)."""
        return self._bus.on(event_type, listener)

    async def subscribe(self, run_id: str) -> AsyncIterator[Event]:
        """The current state of a run as events, then what happens to it, until it has ended.

        Raises:
            NotFoundError: no such run.
        """
        waiting: deque[Event] = deque()
        arrived = asyncio.Event()

        def listen(event: Event) -> None:
            waiting.append(event)
            arrived.set()

        unsubscribe = self._bus.on_run(run_id, listen)
        try:
            run = await self._existing(run_id)
            if not any(event.type in ENDS_A_RUN for event in waiting):
                waiting.extendleft(reversed(self.replay(run)))
                arrived.set()
            while True:
                await arrived.wait()
                arrived.clear()
                while waiting:
                    event = waiting.popleft()
                    yield event
                    if event.type in ENDS_A_RUN:
                        return
        finally:
            unsubscribe()

    def replay(self, run: Run) -> list[Event]:
        """The state of a run as the events that a late subscriber has missed."""
        return replay(run, self._time())

    async def wait_for_run(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Mapping[str, Any]], None] | None = None,
        on_log: Callable[[LogWrite], None] | None = None,
    ) -> Run:
        """Wait until a run is completed, wherever it runs.

        Raises:
            NotFoundError: no such run.
            RunFailedError, RunCancelledError: it did not end well.
            TimeoutError: it did not end in ``timeout`` seconds.
        """
        ended = asyncio.Event()
        deleted = False

        def listen(event: Event) -> None:
            nonlocal deleted
            if isinstance(event, RunProgress) and on_progress is not None:
                on_progress(event.progress)
            elif isinstance(event, LogWrite) and on_log is not None:
                on_log(event)
            elif event.type in ENDS_A_RUN:
                deleted = deleted or isinstance(event, RunDelete)
                ended.set()

        deadline = None if timeout is None else time.monotonic() + timeout
        unsubscribe = self._bus.on_run(run_id, listen)
        try:
            while True:
                run = await self.get_run(run_id)
                if deleted:
                    raise RunCancelledError(run_id)
                if run is None:
                    raise NotFoundError(f"Run not found: {run_id}")
                if run.status == "completed":
                    return run
                if run.status == "failed":
                    raise RunFailedError(run_id, run.error or "Run failed")
                if run.status == "cancelled":
                    raise RunCancelledError(run_id)
                wait = self._settings.polling_interval
                if deadline is not None:
                    wait = min(wait, deadline - time.monotonic())
                    if wait <= 0:
                        raise TimeoutError(f"Run {run_id} did not end in {timeout} s.")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await ended.wait()
                ended.clear()
        finally:
            unsubscribe()
