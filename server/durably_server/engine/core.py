"""What every part of an engine stands on: its jobs, its store, and who works on it."""

import asyncio
from collections.abc import Iterable
from typing import Any

from durably_server.engine.clock import iso
from durably_server.engine.errors import NotFoundError
from durably_server.engine.jobs import JobDefinition, JobRegistry
from durably_server.engine.options import Settings
from durably_server.engine.services import Services
from durably_server.engine.store import Store
from durably_server.engine.workers import Workers


class Core:
    """The jobs of an engine, and its store, opened when it is first needed.

    The rest comes in layers, each of which uses those below it: reading, watching, triggering,
    steering, and the engine as a whole.
    """

    def __init__(
        self, store: Store, jobs: Iterable[JobDefinition[Any, Any]], settings: Settings
    ) -> None:
        self._settings = settings
        self._services = Services(store, settings)
        self._store = store
        self._bus = self._services.bus
        self._jobs = JobRegistry()
        self._jobs.add(jobs)
        self._workers = Workers(self._services, self._jobs)
        self._opened = False
        self._opening = asyncio.Lock()

    def register(self, *jobs: JobDefinition[Any, Any]) -> None:
        """Add jobs; a running worker takes them up at once.

        Raises:
            JobDefinitionError: not a job, or its name is taken by another one.
        """
        self._jobs.add(jobs)

    def get_job(self, name: str) -> JobDefinition[Any, Any] | None:
        """The registered job of that name."""
        return self._jobs.get(name)

    @property
    def jobs(self) -> tuple[JobDefinition[Any, Any], ...]:
        """All registered jobs."""
        return tuple(self._jobs)

    async def migrate(self) -> None:
        """Open the database and bring its schema up to date. Every other call does it if needed.

        Raises:
            StoreError: it cannot be opened.
        """
        if not self._opened:
            async with self._opening:
                if not self._opened:
                    await self._store.open()
                    self._opened = True

    async def _close(self) -> None:
        async with self._opening:
            if self._opened:
                self._opened = False
                await self._store.close()

    def _definition(self, job: JobDefinition[Any, Any] | str) -> JobDefinition[Any, Any]:
        name = job if isinstance(job, str) else job.name
        found = self._jobs.get(name)
        if found is None or (not isinstance(job, str) and found is not job):
            raise NotFoundError(f"Job not found: {name}")
        return found

    def _time(self, seconds_ago: float = 0.0) -> str:
        """The time now, or some time ago, as ISO 8601 text."""
        return iso(max(0, self._settings.clock() - int(seconds_ago * 1000)))
