"""What is done with runs that are there: retried, triggered anew, cancelled, deleted, purged."""

import math

from durably_server.engine.attempt import Interruption
from durably_server.engine.errors import ConflictError, InvalidRequestError
from durably_server.engine.events import RunCancel, RunDelete, RunRetry, of_run
from durably_server.engine.model import Run
from durably_server.engine.triggering import Triggering

PURGE_BATCH = 500


class Steering(Triggering):
    """Acts on the runs of an engine."""

    async def retry(self, run_id: str) -> Run:
        """Put a failed or cancelled run back to pending; it resumes after its last finished step.

        Raises:
            NotFoundError: no such run.
            ConflictError: it is pending, leased or completed, or its concurrency key is taken.
        """
        run = await self._existing(run_id)
        if run.status not in ("failed", "cancelled") or not await self._store.retry_run(
            run_id, now=self._time()
        ):
            raise ConflictError(f"Cannot retry {await self._status(run)} run: {run_id}")
        self._bus.emit(RunRetry(**of_run(run)))
        self._workers.wake()
        return await self._existing(run_id)

    async def retrigger(self, run_id: str) -> Run:
        """A new run with the input, labels and concurrency key of a run that has ended.

        Raises:
            NotFoundError: no such run, or its job is not registered.
            InvalidRequestError: the job no longer accepts that input.
            ConflictError: it has not ended, or its concurrency key is taken.
        """
        run = await self._existing(run_id)
        if not run.is_terminal:
            raise ConflictError(f"Cannot retrigger {run.status} run: {run_id}")
        definition = self._definition(run.job_name)
        new = self._new_run(
            definition,
            definition.parse_input(run.input),
            concurrency_key=run.concurrency_key,
            labels=run.labels,
        )
        return (await self._enqueue(new)).run

    async def cancel(self, run_id: str) -> None:
        """Cancel a pending or leased run; async code is cancelled at once.

        Raises:
            NotFoundError: no such run.
            ConflictError: it has already ended.
        """
        run = await self._existing(run_id)
        attempt = self._workers.attempt(run_id)
        if attempt is not None:
            await attempt.flush()  # a cancelled run takes no more progress
        if run.is_terminal or not await self._store.cancel_run(
            run_id, now=self._time(), keep_steps=self._settings.preserve_steps
        ):
            status = await self._status(run)
            already = "already cancelled" if status == "cancelled" else status
            raise ConflictError(f"Cannot cancel {already} run: {run_id}")
        self._bus.emit(RunCancel(**of_run(run)))
        attempt = self._workers.attempt(run_id)
        if attempt is not None:
            attempt.interrupt(Interruption.CANCELLED)
        self._workers.wake()

    async def delete_run(self, run_id: str) -> None:
        """Delete a run that has ended, with its steps and logs.

        Raises:
            NotFoundError: no such run.
            ConflictError: it has not ended.
        """
        run = await self._existing(run_id)
        if not run.is_terminal or not await self._store.delete_run(run_id):
            raise ConflictError(f"Cannot delete {await self._status(run)} run: {run_id}")
        self._bus.emit(RunDelete(**of_run(run)))

    async def purge_runs(self, older_than: float, limit: int = PURGE_BATCH) -> int:
        """Delete up to ``limit`` runs that ended more than ``older_than`` seconds ago."""
        if not 0 <= older_than < math.inf:
            raise InvalidRequestError("older_than must be a number of seconds that is not negative")
        await self.migrate()
        before = self._time(seconds_ago=older_than)
        return len(await self._store.purge_runs(completed_before=before, limit=limit))

    async def _status(self, run: Run) -> str:
        """The status now, as it may have changed since the run was read."""
        found = await self._store.get_run(run.id)
        return run.status if found is None else found.status
