"""The Store port in plain Python; the conformance suite holds it and SQLite to the same answers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from durably_server.engine.codec import decode
from durably_server.engine.errors import ConflictError
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
    Status,
    StepRecord,
)
from durably_server.storage.memory.fits import fits, fits_line
from durably_server.storage.memory.stats import stats_of


@dataclass(slots=True)
class _Entry:
    run: Run
    steps: list[StepRecord] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)


class MemoryStore:
    """Fits ``durably_server.engine.store.Store``; nothing in it is ever awaited."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do: what is stored stays until the object goes."""

    # --- runs ---

    async def enqueue(self, run: NewRun) -> Enqueued:
        """See Store."""
        for each in self._sorted():
            if (
                run.idempotency_key is not None
                and each.job_name == run.job_name
                and each.idempotency_key == run.idempotency_key
            ):
                return Enqueued(each, "idempotent")
        waiting = self._waiting(run.job_name, run.concurrency_key)
        if waiting is not None:
            if run.coalesce:
                return Enqueued(waiting, "coalesced")
            raise ConflictError(
                f'A pending run already exists for concurrency key "{run.concurrency_key}" in job '
                f"\"{run.job_name}\". Use coalesce: 'skip' to return the existing run instead."
            )
        stored = run.as_stored()
        self._entries[run.id] = _Entry(stored)
        return Enqueued(stored, "created")

    async def enqueue_many(self, runs: Sequence[NewRun]) -> list[Enqueued]:
        """See Store."""
        before = dict(self._entries)
        try:
            return [await self.enqueue(run) for run in runs]
        except ConflictError:
            self._entries = before
            raise

    async def get_run(self, run_id: str) -> Run | None:
        """See Store."""
        entry = self._entries.get(run_id)
        return None if entry is None else entry.run

    async def get_runs(self, where: RunFilter) -> list[Run]:
        """See Store."""
        found = [
            run
            for run in reversed(self._sorted())
            if fits(run, where) and (where.after is None or (run.created_at, run.id) < where.after)
        ]
        end = None if where.limit is None else where.offset + where.limit
        return found[where.offset : end]

    async def count_runs(self, where: RunFilter) -> int:
        """See Store."""
        return sum(fits(entry.run, where) for entry in self._entries.values())

    async def get_stats(self, *, since: str) -> list[JobStats]:
        """See Store."""
        by_job: dict[str, list[Run]] = defaultdict(list)
        for run in self._sorted():
            by_job[run.job_name].append(run)
        return [stats_of(name, by_job[name], since) for name in sorted(by_job)]

    async def claim(
        self, *, owner: str, now: str, expires_at: str, running: Collection[str], limit: int
    ) -> list[Run]:
        """See Store."""
        claimed: list[Run] = []
        keys: set[str] = set()
        for run in self._sorted():
            over = (
                run.status == "leased"
                and run.lease_expires_at is not None
                and run.lease_expires_at <= now
                and run.id not in running
            )
            if len(claimed) < limit and (run.status == "pending" or over):
                if run.concurrency_key in keys or not self._may_run(run, now):
                    continue
                if run.concurrency_key is not None:
                    keys.add(run.concurrency_key)
                claimed.append(
                    self._put(
                        replace(
                            run,
                            status="leased",
                            lease_owner=owner,
                            lease_expires_at=expires_at,
                            lease_generation=run.lease_generation + 1,
                            started_at=run.started_at or now,
                            updated_at=now,
                        )
                    )
                )
        return claimed

    async def renew_lease(self, run_id: str, generation: int, *, now: str, expires_at: str) -> bool:
        """See Store."""
        entry = self._held(run_id, generation)
        if entry is None:
            return False
        entry.run = replace(entry.run, lease_expires_at=expires_at, updated_at=now)
        return True

    async def release(self, run_id: str, generation: int, *, now: str) -> bool:
        """See Store."""
        entry = self._held(run_id, generation)
        if entry is None:
            return False
        if self._waiting(entry.run.job_name, entry.run.concurrency_key) is not None:
            entry.run = replace(entry.run, lease_expires_at=now, updated_at=now)
        else:
            entry.run = replace(
                entry.run, status="pending", lease_owner=None, lease_expires_at=None, updated_at=now
            )
        return True

    async def complete_run(
        self, run_id: str, generation: int, *, output: str, now: str, keep_steps: bool
    ) -> bool:
        """See Store."""
        entry = self._held(run_id, generation)
        if entry is None:
            return False
        entry.run = replace(entry.run, output=decode(output), error=None)
        return self._end(entry, "completed", now, keep_steps)

    async def fail_run(
        self, run_id: str, generation: int, *, error: str, now: str, keep_steps: bool
    ) -> bool:
        """See Store."""
        entry = self._held(run_id, generation)
        if entry is None:
            return False
        entry.run = replace(entry.run, output=None, error=error)
        return self._end(entry, "failed", now, keep_steps)

    async def cancel_run(self, run_id: str, *, now: str, keep_steps: bool) -> bool:
        """See Store."""
        entry = self._entries.get(run_id)
        if entry is None or entry.run.is_terminal:
            return False
        return self._end(entry, "cancelled", now, keep_steps)

    async def retry_run(self, run_id: str, *, now: str) -> bool:
        """See Store."""
        entry = self._entries.get(run_id)
        if entry is None or entry.run.status not in ("failed", "cancelled"):
            return False
        if self._waiting(entry.run.job_name, entry.run.concurrency_key) is not None:
            raise ConflictError(
                f"Cannot retry run {run_id}: another run with its concurrency key is waiting"
            )
        done = [step.index for step in entry.steps if step.status == "completed"]
        entry.run = replace(
            entry.run,
            status="pending",
            error=None,
            output=None,
            completed_at=None,
            completed_step_count=len(done),
            current_step_index=max(done, default=-1) + 1,
            updated_at=now,
        )
        return True

    async def delete_run(self, run_id: str) -> bool:
        """See Store."""
        entry = self._entries.get(run_id)
        if entry is None or not entry.run.is_terminal:
            return False
        del self._entries[run_id]
        return True

    async def purge_runs(self, *, completed_before: str, limit: int) -> list[str]:
        """See Store."""
        old = [
            (run.completed_at, run.id)
            for run in self._sorted()
            if run.is_terminal
            and run.completed_at is not None
            and run.completed_at < completed_before
        ]
        purged = [run_id for _, run_id in sorted(old)[:limit]]
        for run_id in purged:
            del self._entries[run_id]
        return purged

    # --- steps, progress, logs ---

    async def save_step(self, step: NewStep, generation: int) -> bool:
        """See Store."""
        entry = self._entries.get(step.run_id)
        allowed = ("leased", "cancelled") if step.status == "cancelled" else ("leased",)
        if (
            entry is None
            or entry.run.lease_generation != generation
            or entry.run.status not in allowed
        ):
            return False
        entry.steps.append(
            StepRecord(
                id=step.id,
                run_id=step.run_id,
                name=step.name,
                index=step.index,
                status=step.status,
                output=None if step.output is None else decode(step.output),
                error=step.error,
                started_at=step.started_at,
                completed_at=step.completed_at,
            )
        )
        if step.status == "completed":
            entry.run = replace(
                entry.run,
                current_step_index=max(entry.run.current_step_index, step.index + 1),
                completed_step_count=entry.run.completed_step_count + 1,
                updated_at=step.completed_at,
            )
        return True

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """See Store."""
        return sorted(self._steps(run_id), key=lambda step: (step.index, step.started_at, step.id))

    async def get_completed_step(self, run_id: str, name: str) -> StepRecord | None:
        """See Store."""
        for step in self._steps(run_id):
            if step.name == name and step.status == "completed":
                return step
        return None

    async def get_completed_step_names(self, run_id: str) -> set[str]:
        """See Store."""
        return {step.name for step in self._steps(run_id) if step.status == "completed"}

    def save_step_now(self, step: NewStep, generation: int) -> bool | None:
        """See Store. What is here belongs to the event loop's thread."""
        return None

    async def update_progress(
        self, run_id: str, generation: int, *, progress: str, now: str
    ) -> bool:
        """See Store."""
        entry = self._held(run_id, generation)
        if entry is None:
            return False
        entry.run = replace(entry.run, progress=decode(progress), updated_at=now)
        return True

    async def append_logs(
        self, run_id: str, generation: int, logs: Sequence[NewLog], *, keep: int | None
    ) -> bool:
        """See Store."""
        entry = self._entries.get(run_id)
        if entry is None or entry.run.lease_generation != generation:
            return False
        entry.logs.extend(
            LogRecord(
                id=log.id,
                run_id=run_id,
                job_name=entry.run.job_name,
                step_name=log.step_name,
                level=log.level,
                message=log.message,
                data=None if log.data is None else decode(log.data),
                created_at=log.created_at,
            )
            for log in logs
        )
        entry.logs.sort(key=lambda log: log.id)
        if keep is not None:
            del entry.logs[: max(0, len(entry.logs) - keep)]
        return True

    async def get_logs(self, where: LogFilter) -> list[LogRecord]:
        """See Store."""
        entries = self._entries
        chosen: Iterable[_Entry] = (
            entries.values() if where.run_id is None else filter(None, (entries.get(where.run_id),))
        )
        found = sorted(
            (log for entry in chosen for log in entry.logs if fits_line(log, where)),
            key=lambda log: log.id,
        )
        if where.limit is None:
            return found
        return found[max(0, len(found) - where.limit) :] if where.newest else found[: where.limit]

    # --- inside ---

    def _sorted(self) -> list[Run]:
        return sorted(
            (entry.run for entry in self._entries.values()),
            key=lambda run: (run.created_at, run.id),
        )

    def _steps(self, run_id: str) -> Iterable[StepRecord]:
        entry = self._entries.get(run_id)
        return () if entry is None else entry.steps

    def _held(self, run_id: str, generation: int) -> _Entry | None:
        entry = self._entries.get(run_id)
        if entry is None or entry.run.status != "leased":
            return None
        return entry if entry.run.lease_generation == generation else None

    def _put(self, run: Run) -> Run:
        self._entries[run.id].run = run
        return run

    def _waiting(self, job_name: str, concurrency_key: str | None) -> Run | None:
        if concurrency_key is None:
            return None
        for run in self._sorted():
            if (
                run.status == "pending"
                and run.job_name == job_name
                and run.concurrency_key == concurrency_key
            ):
                return run
        return None

    def _may_run(self, run: Run, now: str) -> bool:
        if run.concurrency_key is None:
            return True
        return not any(
            other.status == "leased"
            and other.id != run.id
            and other.concurrency_key == run.concurrency_key
            and other.lease_expires_at is not None
            and other.lease_expires_at > now
            for other in self._sorted()
        )

    def _end(self, entry: _Entry, status: Status, now: str, keep_steps: bool) -> bool:
        entry.run = replace(
            entry.run,
            status=status,
            lease_owner=None,
            lease_expires_at=None,
            completed_at=now,
            updated_at=now,
        )
        if not keep_steps:
            entry.steps.clear()
        return True
