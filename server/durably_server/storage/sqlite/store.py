"""The Store port on SQLite."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

from durably_server.engine.clock import iso, wall_clock
from durably_server.engine.errors import StoreError
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
from durably_server.storage.sqlite import additions, claims, listing, reads, stats, writes
from durably_server.storage.sqlite.connection import connect
from durably_server.storage.sqlite.readers import Readers
from durably_server.storage.sqlite.schema import migrate
from durably_server.storage.sqlite.writer import Writer


class SqliteStore:
    """Runs, steps and logs in one SQLite file. Fits ``durably_server.engine.store.Store``.

    Writes are handed to the writer when a method is called and first awaited; they commit in
    that order.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open_writer: Writer | None = None
        self._open_readers: Readers | None = None

    async def open(self) -> None:
        """Open the file, or make it, and bring its schema up to date.

        Raises:
            StoreError: it cannot be opened, or a newer version of Durably made it.
        """
        if self._open_writer is None:
            self._open_writer, self._open_readers = await asyncio.to_thread(self._connect)

    async def close(self) -> None:
        """Commit what was accepted and close all connections."""
        writer, self._open_writer = self._open_writer, None
        readers, self._open_readers = self._open_readers, None
        if readers is not None:
            await readers.close()
        if writer is not None:
            await writer.close()

    def _connect(self) -> tuple[Writer, Readers]:
        db = connect(self._path, read_only=False)
        try:
            migrate(db, iso(wall_clock()))
            additions.add(db)
            readers = Readers(self._path)
        except BaseException:
            db.close()
            raise
        return Writer(db), readers

    @property
    def _writer(self) -> Writer:
        if self._open_writer is None:
            raise StoreError("The database is not open: call migrate() first.")
        return self._open_writer

    @property
    def _readers(self) -> Readers:
        if self._open_readers is None:
            raise StoreError("The database is not open: call migrate() first.")
        return self._open_readers

    async def enqueue(self, run: NewRun) -> Enqueued:
        """See Store."""
        return await self._writer.submit(lambda db: writes.enqueue(db, run))

    async def enqueue_many(self, runs: Sequence[NewRun]) -> list[Enqueued]:
        """See Store."""
        return await self._writer.submit(lambda db: [writes.enqueue(db, run) for run in runs])

    async def claim(
        self, *, owner: str, now: str, expires_at: str, running: Collection[str], limit: int
    ) -> list[Run]:
        """See Store."""
        mine = frozenset(running)
        return await self._writer.submit(
            lambda db: claims.claim(db, owner, now, expires_at, mine, limit)
        )

    async def renew_lease(self, run_id: str, generation: int, *, now: str, expires_at: str) -> bool:
        """See Store."""
        return await self._writer.submit(
            lambda db: writes.renew_lease(db, run_id, generation, now, expires_at)
        )

    async def release(self, run_id: str, generation: int, *, now: str) -> bool:
        """See Store."""
        return await self._writer.submit(lambda db: writes.release(db, run_id, generation, now))

    async def complete_run(
        self, run_id: str, generation: int, *, output: str, now: str, keep_steps: bool
    ) -> bool:
        """See Store."""
        return await self._writer.submit(
            lambda db: writes.end_run(
                db, run_id, generation, "completed", output, None, now, keep_steps
            )
        )

    async def fail_run(
        self, run_id: str, generation: int, *, error: str, now: str, keep_steps: bool
    ) -> bool:
        """See Store."""
        return await self._writer.submit(
            lambda db: writes.end_run(
                db, run_id, generation, "failed", None, error, now, keep_steps
            )
        )

    async def cancel_run(self, run_id: str, *, now: str, keep_steps: bool) -> bool:
        """See Store."""
        return await self._writer.submit(lambda db: writes.cancel_run(db, run_id, now, keep_steps))

    async def retry_run(self, run_id: str, *, now: str) -> bool:
        """See Store."""
        return await self._writer.submit(lambda db: writes.retry_run(db, run_id, now))

    async def delete_run(self, run_id: str) -> bool:
        """See Store."""
        return await self._writer.submit(lambda db: writes.delete_run(db, run_id))

    async def purge_runs(self, *, completed_before: str, limit: int) -> list[str]:
        """See Store."""
        return await self._writer.submit(lambda db: writes.purge_runs(db, completed_before, limit))

    async def save_step(self, step: NewStep, generation: int) -> bool:
        """See Store."""
        return await self._writer.submit(lambda db: writes.save_step(db, step, generation))

    def save_step_now(self, step: NewStep, generation: int) -> bool | None:
        """See Store."""
        return self._writer.run_now(lambda db: writes.save_step(db, step, generation))

    async def update_progress(
        self, run_id: str, generation: int, *, progress: str, now: str
    ) -> bool:
        """See Store."""
        return await self._writer.submit(
            lambda db: writes.update_progress(db, run_id, generation, progress, now)
        )

    async def append_logs(
        self, run_id: str, generation: int, logs: Sequence[NewLog], *, keep: int | None
    ) -> bool:
        """See Store."""
        return await self._writer.submit(
            lambda db: writes.append_logs(db, run_id, generation, logs, keep), bulk=True
        )

    async def get_run(self, run_id: str) -> Run | None:
        """See Store."""
        return await self._readers.run(lambda db: reads.get_run(db, run_id))

    async def get_runs(self, where: RunFilter) -> list[Run]:
        """See Store."""
        read = self._readers.run if where.limit is not None else self._readers.run_all
        if where.text is not None:
            read = self._readers.search
        return await read(lambda db: listing.get_runs(db, where))

    async def count_runs(self, where: RunFilter) -> int:
        """See Store."""
        read = self._readers.run if listing.is_counted(where) else self._readers.search
        return await read(lambda db: listing.count_runs(db, where))

    async def get_stats(self, *, since: str) -> list[JobStats]:
        """See Store."""
        return await self._readers.run(lambda db: stats.get_stats(db, since))

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """See Store."""
        return await self._readers.run(lambda db: reads.get_steps(db, run_id))

    async def get_completed_step(self, run_id: str, name: str) -> StepRecord | None:
        """See Store."""
        return await self._readers.run(lambda db: reads.get_completed_step(db, run_id, name))

    async def get_completed_step_names(self, run_id: str) -> set[str]:
        """See Store."""
        return await self._readers.run(lambda db: reads.get_completed_step_names(db, run_id))

    async def get_logs(self, where: LogFilter) -> list[LogRecord]:
        """See Store."""
        return await self._readers.run(lambda db: reads.get_logs(db, where))
