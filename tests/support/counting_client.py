"""A client that counts what the hooks ask it for."""

from __future__ import annotations

from collections import Counter

from durably_tui.client import DurablyClient
from durably_tui.protocol import Run, RunsQuery, Step


class CountingClient(DurablyClient):
    """Counts the requests that read, by the method that made them."""

    @property
    def asked(self) -> Counter[str]:
        """How often each method was called."""
        counted: Counter[str] = self.__dict__.setdefault("_asked", Counter())
        return counted

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        self.asked["get_runs"] += 1
        return await super().get_runs(query)

    async def get_run(self, run_id: str) -> Run | None:
        self.asked["get_run"] += 1
        return await super().get_run(run_id)

    async def get_steps(self, run_id: str) -> list[Step]:
        self.asked["get_steps"] += 1
        return await super().get_steps(run_id)
