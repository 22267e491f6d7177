"""What is stored: runs, steps, log lines and figures, with the live progress of what runs here."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Unpack

from durably_server.engine.core import Core
from durably_server.engine.errors import InvalidRequestError, NotFoundError
from durably_server.engine.filters import LogFilters, RunFilters, log_filter, run_filter
from durably_server.engine.model import STATUSES, JobStats, LogRecord, Run, StepRecord

MAX_WINDOW = 366 * 86_400.0
"""Seconds that ``stats`` may look back."""
STORED_WITHIN = 2.0
"""Seconds that ``get_logs`` waits for lines that were told and are not stored yet."""


class Reading(Core):
    """The queries of an engine."""

    async def get_run(self, run_id: str) -> Run | None:
        """One run, with the live progress where it runs in this process."""
        await self.migrate()
        run = await self._store.get_run(run_id)
        return None if run is None else self._with_progress(run)

    async def get_runs(
        self, *, limit: int | None = None, offset: int = 0, **filters: Unpack[RunFilters]
    ) -> list[Run]:
        """Runs, newest first by (createdAt, id); see :class:`RunFilters`.

        Raises:
            InvalidRequestError: a filter, the limit or the offset is refused.
        """
        where = run_filter(filters, limit=limit, offset=offset)
        await self.migrate()
        return [self._with_progress(run) for run in await self._store.get_runs(where)]

    async def count_runs(self, **filters: Unpack[RunFilters]) -> int:
        """How many runs fit, on all pages; ``after`` does not matter.

        Raises:
            InvalidRequestError: a filter is refused.
        """
        where = run_filter(filters)
        await self.migrate()
        return await self._store.count_runs(where)

    async def stats(self, window_seconds: float = 3600.0) -> list[JobStats]:
        """Counts, rates and durations of each job, registered or only in the database, by name.

        Raises:
            InvalidRequestError: the window is not positive.
        """
        if not 0 < window_seconds <= MAX_WINDOW:
            raise InvalidRequestError("Invalid window: must be between 0 and 366 days")
        await self.migrate()
        found = await self._store.get_stats(since=self._time(seconds_ago=window_seconds))
        stored = {each.job_name: each for each in found}
        none = dict.fromkeys(STATUSES, 0)
        for definition in self._jobs:
            stored.setdefault(definition.name, JobStats(job_name=definition.name, counts=none))
        return [
            replace(
                each,
                rate_per_minute=(each.completed + each.failed + each.cancelled)
                * 60
                / window_seconds,
            )
            for _, each in sorted(stored.items())
        ]

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """The checkpoints of a run, by index."""
        await self.migrate()
        return await self._store.get_steps(run_id)

    async def get_logs(
        self, run_id: str | None = None, *, limit: int | None = None, **filters: Unpack[LogFilters]
    ) -> list[LogRecord]:
        """Log lines of a run, or of all runs, oldest first; see :class:`LogFilters`.

        ``limit`` counts from the newest line; with ``after`` alone from the oldest, so that a
        reader who has fallen behind goes on without a gap. What was told by then is waited for.

        Raises:
            InvalidRequestError: a filter or the limit is refused.
        """
        where = log_filter(run_id, filters, limit=limit)
        await self.migrate()
        told = [
            attempt.logs.drain()
            for attempt in self._workers.attempts()
            if run_id is None or attempt.run.id == run_id
        ]
        # Whoever asks after a stream was opened has neither heard what was told before that, nor
        # would find it here before it is stored.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*told), STORED_WITHIN)
        return await self._store.get_logs(where)

    def _with_progress(self, run: Run) -> Run:
        attempt = self._workers.attempt(run.id)
        if attempt is None or attempt.run.lease_generation != run.lease_generation:
            return run
        return replace(run, progress=attempt.progress.newest or run.progress)

    async def _existing(self, run_id: str) -> Run:
        run = await self.get_run(run_id)
        if run is None:
            raise NotFoundError("Run not found")
        return run
