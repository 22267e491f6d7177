"""The state machine of a Durably 0.8 server: runs, steps, events and a worker, in memory.

It starts with the runs that the recordings in tests/wire/v0.8 list last, and its clock goes on
from there, so that a run made now is the newest. The behaviour is that of 0.8, troubles included
(`/retry` keeps the run, a cancelled run still finishes its step, a failed step counts in
`stepCount`). Not known from the recordings, so absent: the steps of the seeded `echo` runs.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from support.jobs08 import JOBS, Cancelled, JobFailed, Refused, Row, Step, checked, elapsed_ms
from support.recordings import exchange
from ulid import ULID

Event = dict[str, Any]
Listener = Callable[[Event], None]


def recorded(name: str) -> Any:
    return exchange("v0.8", name).body


def clock_from_recordings() -> Callable[[], datetime]:
    """A clock that starts when the recordings end."""
    start = datetime(2026, 11, 22, 6, 48, tzinfo=UTC)
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)


class Durably08:
    """The store, the events and the worker of one 0.8 server.

    `listeners` get every event whole (with `timestamp` and `sequence`); what a route shows of it
    is the route's business.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or clock_from_recordings()
        self.listeners: list[Listener] = []
        self.next_id: str | None = None
        self.runs: dict[str, Row] = {}
        self.run_steps: dict[str, list[Row]] = {}
        self._sequence = itertools.count(87)  # the recordings end at 86
        self._wake = asyncio.Event()
        self.seed()

    def seed(self) -> None:
        """Forget everything and begin again with the recorded runs."""
        self.runs = {run["id"]: run for run in reversed(recorded("runs-bad-limit"))}
        self.run_steps = {}
        for name in ("steps-completed", "steps-failed"):
            for step in recorded(name):
                self.run_steps.setdefault(step["runId"], []).append(step)

    def rewind(self, name: str) -> None:
        """Go to the moment at which the exchange `name` was recorded."""
        self.seed()
        route, _, case = name.partition("-")
        if name == "cancel-active":
            self._put({**recorded("run-cancelled"), "status": "running"})
        elif name == "cancel-again":
            self._put(recorded("run-cancelled"))
        elif case in ("active", "cancelled", "failed"):
            self._put(recorded(f"run-{case}"))
        if name == "steps-active":
            steps = recorded(name)
            self.run_steps[steps[0]["runId"]] = steps
        if route == "trigger" and case != "idempotent-2":
            self.next_id = recorded(name).get("runId")
            if self.next_id:
                del self.runs[self.next_id]

    def _put(self, run: Row) -> None:
        self.runs[run["id"]] = run

    # Reading

    def get_run(self, run_id: str) -> Row | None:
        return self.runs.get(run_id)

    def get_runs(
        self, job_name: str | None, status: str | None, limit: int | None, offset: int | None
    ) -> list[Row]:
        """Newest first; SQLite reads a negative limit as none and a negative offset as 0."""
        rows = [
            run
            for run in self.runs.values()
            if (not job_name or run["jobName"] == job_name)
            and (not status or run["status"] == status)
        ]
        rows.sort(key=lambda run: run["createdAt"], reverse=True)
        rows = rows[max(offset or 0, 0) :]
        return rows if limit is None or limit < 0 else rows[:limit]

    def get_steps(self, run_id: str) -> list[Row]:
        return self.run_steps.get(run_id, [])

    # Acting

    def trigger(
        self,
        job_name: str,
        payload: Any,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
    ) -> Row:
        """Make a run, or give the one with that idempotency key; both emit `run:trigger`."""
        payload = checked(JOBS[job_name].fields, payload)
        run = next(
            (
                run
                for run in self.runs.values()
                if idempotency_key
                and (run["jobName"], run["idempotencyKey"]) == (job_name, idempotency_key)
            ),
            None,
        )
        if run is None:
            now = self.now()
            run_id, self.next_id = self.next_id or str(ULID.from_datetime(self.clock())), None
            run = self.runs[run_id] = {
                "id": run_id,
                "jobName": job_name,
                "payload": payload,
                "status": "pending",
                "idempotencyKey": idempotency_key,
                "concurrencyKey": concurrency_key,
                "currentStepIndex": 0,
                "stepCount": 0,
                "progress": None,
                "output": None,
                "error": None,
                "heartbeatAt": now,
                "createdAt": now,
                "updatedAt": now,
            }
        self.emit("run:trigger", run, payload=payload)
        self._wake.set()
        return run

    def retry(self, run_id: str) -> None:
        """Put a failed or cancelled run back to pending; its finished steps stay."""
        run = self._run_unless(run_id, "retry", completed="", pending="", running="")
        self.update(run_id, status="pending", error=None)
        self.emit("run:retry", run)
        self._wake.set()

    def cancel(self, run_id: str) -> None:
        run = self._run_unless(run_id, "cancel", completed="", failed="", cancelled="already ")
        self.update(run_id, status="cancelled")
        self.emit("run:cancel", run)

    def delete_run(self, run_id: str) -> None:
        """Delete an ended run. 0.8 tells nobody: there is no `run:delete`."""
        self._run_unless(run_id, "delete", pending="", running="")
        del self.runs[run_id]
        self.run_steps.pop(run_id, None)

    def _run_unless(self, run_id: str, verb: str, **refused: str) -> Row:
        run = self.runs.get(run_id)
        if run is None:
            raise Refused(f"Run not found: {run_id}")
        status = run["status"]
        if status in refused:
            raise Refused(f"Cannot {verb} {refused[status]}{status} run: {run_id}")
        return run

    # Working

    async def work(self) -> None:
        """Execute pending runs, oldest first and one at a time, until cancelled.

        Runs that an earlier worker left running go back to pending first: 0.8 does that with
        every run whose heartbeat is old.
        """
        for run in self.runs.values():
            if run["status"] == "running":
                self.update(run["id"], status="pending")
        while True:
            if not await self.process_one():
                self._wake.clear()
                await self._wake.wait()

    async def process_one(self) -> bool:
        """Execute the oldest pending run to its end; False when none is pending."""
        pending = [run for run in self.runs.values() if run["status"] == "pending"]
        if not pending:
            return False
        run = min(pending, key=lambda run: (run["createdAt"], run["id"]))
        run_id = run["id"]
        self.update(run_id, status="running", heartbeatAt=self.now())
        self.emit("run:start", run, payload=run["payload"])
        began = time.monotonic()
        try:
            output = await JOBS[run["jobName"]].run(Step(self, run), run["payload"])
        except Cancelled:
            return True
        except JobFailed as failure:
            if run["status"] != "cancelled":
                self.update(run_id, status="failed", error=str(failure))
                failed = next(s for s in self.get_steps(run_id) if s["status"] == "failed")
                self.emit("run:fail", run, error=str(failure), failedStepName=failed["name"])
            return True
        if run["status"] != "cancelled":
            self.update(run_id, status="completed", output=output)
            self.emit("run:complete", run, output=output, duration=elapsed_ms(began))
        return True

    def write_step(self, run: Row, row: Row) -> None:
        """Store the outcome of one step; finished or failed, it counts."""
        if run["id"] not in self.runs:
            return
        step = {"id": str(ULID.from_datetime(self.clock())), "runId": run["id"], **row}
        self.run_steps.setdefault(run["id"], []).append({**step, "completedAt": self.now()})
        run["stepCount"] += 1

    def now(self) -> str:
        return self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def update(self, run_id: str, **changes: Any) -> None:
        if run_id in self.runs:
            self.runs[run_id].update(changes, updatedAt=self.now())

    def emit(self, type: str, run: Row, **fields: Any) -> None:
        # 0.8 forgot the job's name in `log:write`.
        job = {} if type == "log:write" else {"jobName": run["jobName"]}
        self.publish(
            {"type": type, "runId": run["id"], **job, **fields}
            | {"timestamp": self.now(), "sequence": next(self._sequence)}
        )

    def publish(self, event: Event) -> None:
        """Hand an event to every listener as it is."""
        for listener in list(self.listeners):
            listener(event)
