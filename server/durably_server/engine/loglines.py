"""A run's log lines: told at once, stored together, the newest of them kept."""

import asyncio

from durably_server.engine import codec
from durably_server.engine.background import BackgroundWrites
from durably_server.engine.events import LogWrite, of_run
from durably_server.engine.model import Level, NewLog, Run
from durably_server.engine.services import Services

INTERVAL = 0.05
"""Seconds that log lines wait for each other before they are stored together."""
BATCH = 150
"""Lines in one write: others wait for one of these at most."""


_Line = tuple[str | None, Level, str, str | None, str]
"""A line that waits to be stored: its step, level, message, data as JSON, and time."""


class LogLines:
    """The log lines of one execution."""

    def __init__(self, run: Run, services: Services, writes: BackgroundWrites) -> None:
        self._run = run
        self._services = services
        self._writes = writes
        self._keep = services.settings.max_logs_per_run
        self._waiting: list[_Line] = []
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.Task[bool]] = set()
        self._stored = 0

    def write(self, level: Level, message: str, data: str | None, step: str | None) -> None:
        """Tell a line at once, and store it with the others of the moment; ``data`` is JSON."""
        message = codec.printable(message)
        told = self._services.bus.emit(
            LogWrite(
                **of_run(self._run),
                step_name=step,
                level=level,
                message=message,
                data=None if data is None else codec.decode(data),
                has_data=data is not None,
            )
        )
        self._waiting.append((step, level, message, data, told.timestamp))
        if len(self._waiting) > 2 * self._keep:
            del self._waiting[: -self._keep]
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL, self.flush)
        elif len(self._waiting) >= BATCH and not self._under_way:
            # A flood goes in small parts: a large one would keep the loop from everybody's steps.
            self.flush()

    def flush(self) -> None:
        """Hand what waits to the store, unless it still has earlier lines to write."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and not self._under_way:
            # Numbered only now, so that ids are stored in their own order, and a reader who
            # asks for what came after an id misses nothing. What would be deleted at once is
            # not stored at all.
            waiting = self._waiting[-self._keep :]
            self._waiting.clear()
            ids = self._services.ids.many(len(waiting))
            lines = [NewLog(log_id, *line) for log_id, line in zip(ids, waiting, strict=True)]
            for at in range(0, len(lines), BATCH):
                self._store(lines[at : at + BATCH])

    async def drain(self) -> None:
        """Store all lines that were written before this call."""
        for _ in range(2):  # what is under way already, and then what had to wait for it
            self.flush()
            if self._under_way:
                await asyncio.wait(self._under_way)

    def _store(self, lines: list[NewLog]) -> None:
        self._stored += len(lines)
        # Of what earlier attempts have stored, only the database knows.
        full = self._stored > self._keep or self._run.lease_generation > 1
        write = self._writes.begin(
            self._services.store.append_logs(
                self._run.id,
                self._run.lease_generation,
                lines,
                keep=self._keep if full else None,
            )
        )
        self._under_way.add(write)
        write.add_done_callback(self._written)

    def _written(self, write: "asyncio.Task[bool]") -> None:
        self._under_way.discard(write)
        if self._waiting and self._timer is None:
            self.flush()
