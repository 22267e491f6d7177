"""A run's progress: told at once, stored at a bounded rate, the last one always."""

import asyncio
import math
import operator
from typing import Any

from durably_server.engine import codec
from durably_server.engine.background import BackgroundWrites
from durably_server.engine.events import RunProgress, of_run
from durably_server.engine.model import Progress, Run
from durably_server.engine.services import Services

INTERVAL = 0.5
"""Seconds between two stored progresses of one run; readers of this process see the live one."""


class LiveProgress:
    """The progress of one execution.

    Attributes:
        newest: as JSON has it; None before the first.
    """

    def __init__(self, run: Run, services: Services, writes: BackgroundWrites) -> None:
        self._run = run
        self._services = services
        self._writes = writes
        self._timer: asyncio.TimerHandle | None = None
        self._waits = False
        self.newest: dict[str, Any] | None = None

    def report(self, progress: Progress) -> None:
        """Tell it, and store it now or when it is time."""
        self.newest = progress.as_json()
        self._services.bus.emit(RunProgress(**of_run(self._run), progress=self.newest))
        self._waits = True
        if self._timer is None:
            self._due()

    def flush(self) -> None:
        """Begin to store what still waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waits:
            self._store()

    def _due(self) -> None:
        self._timer = None
        if self._waits:
            self._store()
            self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._due)

    def _store(self) -> None:
        self._waits = False
        self._writes.begin(
            self._services.store.update_progress(
                self._run.id,
                self._run.lease_generation,
                progress=codec.encode_leniently(self.newest),
                now=self._services.now(),
            )
        )


def progress_of(current: Any, total: Any, message: Any) -> Progress | None:
    """What a job says as numbers and text that JSON has; None if ``current`` is not finite.

    Raises:
        TypeError, ValueError: ``current`` or ``total`` is no number at all.
    """
    done = _number(current)
    if done is None:
        return None
    of = None if total is None else _number(total)
    return Progress(done, of, None if message is None else codec.printable(str(message)))


def _number(value: Any) -> float | None:
    if type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        number = float(value)
    return number if math.isfinite(number) else None
