"""What the hooks need of a server, whoever speaks to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from durably_tui.protocol import (
    Abilities,
    EventStream,
    JobInfo,
    LogEntry,
    Run,
    RunsQuery,
    Stats,
    Step,
    Trigger,
    Triggered,
)


class DurablyPort(Protocol):
    """One server. Every method raises a ``DurablyError`` where it cannot do what it says."""

    @property
    def abilities(self) -> Abilities:
        """What is known of the server by now."""

    async def probe(self) -> Abilities:
        """Find out what the server can do, without a side effect on it."""

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        """The runs that match, newest first."""

    async def count_runs(self, query: RunsQuery | None = None) -> int | None:
        """How many runs match on all pages; None where the server does not count."""

    async def get_run(self, run_id: str) -> Run | None:
        """One run, or None if the server has no run with that id."""

    async def get_steps(self, run_id: str) -> list[Step]:
        """The steps that the server still has of a run, by index."""

    async def get_jobs(self) -> list[JobInfo] | None:
        """The registered jobs; None where the server does not list them."""

    async def get_stats(self, *, window: float = 3600) -> Stats | None:
        """The figures of each job over the last ``window`` seconds; None where the server counts
        nothing."""

    async def get_logs(
        self,
        run_id: str | None = None,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = 1000,
    ) -> list[LogEntry] | None:
        """Stored lines of a run or of all, oldest first: the newest of those between two ids, with
        ``after`` alone the oldest; None where the server stores none."""

    async def trigger(self, trigger: Trigger, /) -> Triggered:
        """Ask for a new run."""

    async def retry(self, run_id: str) -> None:
        """The same run goes back to pending and resumes after its last finished step."""

    async def retrigger(self, run_id: str) -> str:
        """A new run with the same input and labels; answers its id."""

    async def cancel(self, run_id: str) -> None:
        """Cancel a run that is pending or running."""

    async def delete_run(self, run_id: str) -> None:
        """Delete a run that has ended."""

    def subscribe(self, run_id: str) -> EventStream:
        """The events of one run; it ends when the run is over."""

    def subscribe_runs(
        self,
        job_name: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> EventStream:
        """The events of all runs that match; it never ends by itself."""
