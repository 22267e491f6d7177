"""The port that a database has to fit. Every write of a lease holder names its generation."""

from collections.abc import Collection, Sequence
from typing import Protocol

from durably_server.engine.model import (
    Enqueued,
    JobStats,
    LogFilter,
    LogRecord,
    NewLog,
    NewRun,
    NewStep,
    Run,
    RunFilter,
    StepRecord,
)


class Store(Protocol):
    """Runs, checkpoints and logs, kept so that an answered call survives a crash.

    Times come in as ISO 8601 text, so the clock is the caller's. A ``bool`` answer says whether
    a row was touched: ``False`` to a lease holder means that the lease is lost. Calls take
    effect in the order in which they are started, also when nobody waits in between.
    """

    async def open(self) -> None:
        """Open the database and bring its schema up to date; again is harmless.

        Raises:
            StoreError: it cannot be opened, or a newer version of Durably made it.
        """

    async def close(self) -> None:
        """Finish what was accepted and let go of the database; ``open`` makes it usable again."""

    async def enqueue(self, run: NewRun) -> Enqueued:
        """Store a pending run, or answer with the one that its keys already name.

        Raises:
            ConflictError: a run with this concurrency key is waiting and ``coalesce`` is false.
        """

    async def enqueue_many(self, runs: Sequence[NewRun]) -> list[Enqueued]:
        """All of them or none."""

    async def get_run(self, run_id: str) -> Run | None:
        """One run."""

    async def get_runs(self, where: RunFilter) -> list[Run]:
        """Newest first by (createdAt, id)."""

    async def count_runs(self, where: RunFilter) -> int:
        """How many runs fit, on all pages: whatever ``after``, ``limit`` and ``offset`` say."""

    async def get_stats(self, *, since: str) -> list[JobStats]:
        """Of each job that has runs, by name; the window begins at ``since``. Rates stay 0."""

    async def claim(
        self, *, owner: str, now: str, expires_at: str, running: Collection[str], limit: int
    ) -> list[Run]:
        """Lease up to ``limit`` of the oldest runs that may run, and raise their generations.

        Pending, or leased with a lease that is over and not in ``running`` (the ids that the
        caller itself still executes). A concurrency key with a live lease waits, and of the runs
        with one key only one is taken. No two calls, of this process or of others, take the same.
        """

    async def renew_lease(self, run_id: str, generation: int, *, now: str, expires_at: str) -> bool:
        """Keep a lease; also one that is over, as long as nobody else took it."""

    async def release(self, run_id: str, generation: int, *, now: str) -> bool:
        """Hand a leased run back as pending, with its checkpoints."""

    async def complete_run(
        self, run_id: str, generation: int, *, output: str, now: str, keep_steps: bool
    ) -> bool:
        """End a leased run well; ``output`` is JSON text."""

    async def fail_run(
        self, run_id: str, generation: int, *, error: str, now: str, keep_steps: bool
    ) -> bool:
        """End a leased run as failed."""

    async def cancel_run(self, run_id: str, *, now: str, keep_steps: bool) -> bool:
        """Cancel a pending or leased run, whoever holds it."""

    async def retry_run(self, run_id: str, *, now: str) -> bool:
        """Put a failed or cancelled run back to pending; its finished steps stay finished.

        Raises:
            ConflictError: another run with its concurrency key is waiting.
        """

    async def delete_run(self, run_id: str) -> bool:
        """Delete a terminal run with its steps, labels and logs."""

    async def purge_runs(self, *, completed_before: str, limit: int) -> list[str]:
        """Delete the oldest terminal runs that ended before a time; answers their ids."""

    async def save_step(self, step: NewStep, generation: int) -> bool:
        """Store a checkpoint and count it on the run, both or neither.

        A cancelled step may also be stored on a run that was cancelled under this generation.
        """

    def save_step_now(self, step: NewStep, generation: int) -> bool | None:
        """The same in a thread that may wait for the disk, without the event loop.

        None: that is not possible, or not the quickest way, at this moment; nothing was done.
        """

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """By index, then by start."""

    async def get_completed_step(self, run_id: str, name: str) -> StepRecord | None:
        """The checkpoint of a finished step."""

    async def get_completed_step_names(self, run_id: str) -> set[str]:
        """The names of all finished steps."""

    async def update_progress(
        self, run_id: str, generation: int, *, progress: str, now: str
    ) -> bool:
        """Store the progress of a leased run; JSON text."""

    async def append_logs(
        self, run_id: str, generation: int, logs: Sequence[NewLog], *, keep: int | None
    ) -> bool:
        """Store log lines in order; with ``keep``, delete all but the run's newest lines.

        Whatever the run's status, as the last lines may come after its end. Other writes may
        overtake this one, so that very many lines do not keep them waiting.
        """

    async def get_logs(self, where: LogFilter) -> list[LogRecord]:
        """Oldest first, by id."""
