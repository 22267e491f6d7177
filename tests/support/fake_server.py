"""The runs of a small Durably server in memory, and what happens to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import (
    Abilities,
    Event,
    LogEntry,
    LogWrite,
    NotFound,
    Progress,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunProgress,
    RunRetry,
    RunsQuery,
    RunStart,
    RunStatus,
    RunTrigger,
    Step,
    StepComplete,
    StepFail,
    StepStart,
    StepStatus,
)
from durably_tui.state.log_gap import first_id_at

from .manual_clock import START

_FIRST = datetime.fromtimestamp(START, UTC)


class FakeServer:
    """Keeps runs and steps by the rules of a 0.15 server (or, with ``retry``, of one that resumes
    the same run). What is published goes to ``tell``."""

    def __init__(self, *, retry: bool = False, preserve_steps: bool = False) -> None:
        self.abilities = Abilities(
            generation="fake", retry=retry, retrigger=True, labels=True, many=True, leased=True
        )
        self.preserve_steps = preserve_steps
        self.runs: dict[str, Run] = {}
        self.steps: dict[str, list[Step]] = {}
        self.lines: list[LogEntry] = []
        """What ``/logs`` answers from, for abilities with that feature."""
        self.published: list[Event] = []
        self._made = 0
        self._sequence = 0

    def tell(self, event: Event) -> None:
        """Bring an event to who listens; nobody does."""

    def made(
        self, job: str = "job", *, input: Any = None, labels: Mapping[str, str] | None = None
    ) -> str:
        self._made += 1
        run_id = f"R{self._made:05}"
        self.runs[run_id] = Run(
            id=run_id,
            job_name=job,
            status=RunStatus.PENDING,
            input=input,
            labels=dict(labels or {}),
            created_at=_FIRST + timedelta(milliseconds=self._made // 2),
        )
        self.steps[run_id] = []
        self._publish(RunTrigger(run_id=run_id, input=input))
        return run_id

    def started(self, run_id: str) -> None:
        self._set(run_id, status=RunStatus.RUNNING, started_at=self._at())
        self._publish(RunStart(run_id=run_id, lease_owner="w"))

    def progressed(self, run_id: str, current: int, total: int | None = None) -> None:
        progress = Progress(current, total)
        self._set(run_id, progress=progress)
        self._publish(RunProgress(run_id=run_id, progress=progress))

    def step_started(self, run_id: str, name: str, index: int) -> None:
        self._publish(StepStart(run_id=run_id, step_name=name, step_index=index))

    def stepped(self, run_id: str, name: str, index: int, output: Any = None) -> None:
        self._set(run_id, current_step_index=index + 1, completed_step_count=index + 1)
        self.steps[run_id].append(
            Step(
                name=name,
                index=index,
                status=StepStatus.COMPLETED,
                id=f"{run_id}-{name}",
                run_id=run_id,
                output=output,
                completed_at=self._at(),
            )
        )
        self._publish(
            StepComplete(run_id=run_id, step_name=name, step_index=index, output=output, duration=5)
        )

    def step_failed(self, run_id: str, name: str, index: int, error: str) -> None:
        self._publish(StepFail(run_id=run_id, step_name=name, step_index=index, error=error))

    def logged(self, run_id: str, message: str) -> None:
        self._publish(LogWrite(run_id=run_id, message=message))
        written = self.published[-1]
        assert isinstance(written, LogWrite)
        assert written.timestamp is not None
        line_id = first_id_at(written.timestamp.timestamp())[:10] + f"{len(self.lines):016}"
        self.lines.append(replace(written.entry(), id=line_id))

    def completed(self, run_id: str, output: Any = None) -> None:
        self._end(run_id, RunStatus.COMPLETED, output=output)
        self._publish(RunComplete(run_id=run_id, output=output, duration=1))

    def failed(self, run_id: str, error: str) -> None:
        self._end(run_id, RunStatus.FAILED, error=error)
        self._publish(RunFail(run_id=run_id, error=error))

    def cancelled(self, run_id: str) -> None:
        self._end(run_id, RunStatus.CANCELLED)
        self._publish(RunCancel(run_id=run_id))

    def retried(self, run_id: str) -> None:
        self._set(run_id, status=RunStatus.PENDING, error=None, output=None, completed_at=None)
        self._publish(RunRetry(run_id=run_id))

    def deleted(self, run_id: str) -> None:
        run = self.runs.pop(run_id)
        self.steps.pop(run_id)
        self._publish(RunDelete(run_id=run_id, job_name=run.job_name, labels=run.labels))

    def listed(self, query: RunsQuery) -> list[Run]:
        """Newest first, in the server's own order where two are of one millisecond."""
        matching = [
            run
            for run in self.runs.values()
            if (not query.job_names or run.job_name in query.job_names)
            and (not query.statuses or run.status in query.statuses)
            and all(run.labels.get(key) == value for key, value in query.labels)
        ]
        if self.abilities.has("cursor"):
            matching.sort(key=lambda run: run.id, reverse=True)
        matching.sort(key=lambda run: run.created_at or _FIRST, reverse=True)
        if query.after is not None:
            matching = [run for run in matching if (run.created_at, run.id) < query.after]
        return matching[query.offset : query.offset + query.limit]

    def bare(self, event: Event) -> Event:
        """What ``/runs/subscribe`` leaves of an event."""
        changes: dict[str, Any] = {"sequence": None}
        if not self.abilities.has("logs"):  # those that store lines tell times here as well
            changes["timestamp"] = None
        if isinstance(event, RunTrigger | RunStart):
            changes["input"] = None
        if isinstance(event, RunComplete | StepComplete):
            changes |= {"output": None, "duration": None}
        if isinstance(event, RunFail):
            changes["error"] = None
        return replace(event, **changes)

    def replay(self, run: Run) -> list[Event]:
        """What opens a ``/subscribe``: the present, told as events with ``sequence`` 0."""
        common: dict[str, Any] = {
            "run_id": run.id,
            "job_name": run.job_name,
            "labels": run.labels,
            "timestamp": self._at(),
            "sequence": 0,
        }
        events: list[Event] = []
        match run.status:
            case RunStatus.RUNNING:
                events.append(RunStart(input=run.input, lease_owner="w", **common))
                if run.progress is not None:
                    events.append(RunProgress(progress=run.progress, **common))
            case RunStatus.COMPLETED:
                events.append(RunComplete(output=run.output, duration=0, **common))
            case RunStatus.FAILED:
                events.append(RunFail(error=run.error, **common))
            case RunStatus.CANCELLED:
                events.append(RunCancel(**common))
        return events

    def known(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise NotFound(f"No run {run_id}.", status=404)
        return self.runs[run_id]

    def _at(self) -> datetime:
        return _FIRST + timedelta(seconds=1, milliseconds=self._sequence)

    def _set(self, run_id: str, **changes: Any) -> None:
        self.runs[run_id] = replace(self.runs[run_id], **changes)

    def _end(self, run_id: str, status: RunStatus, **changes: Any) -> None:
        self._set(run_id, status=status, completed_at=self._at(), **changes)
        if not self.preserve_steps:
            self.steps[run_id] = []

    def _publish(self, event: Event) -> None:
        run = self.runs.get(event.run_id)
        self._sequence += 1
        changes: dict[str, Any] = {"timestamp": self._at(), "sequence": self._sequence}
        if run is not None:
            changes |= {"job_name": run.job_name, "labels": run.labels}
        event = replace(event, **changes)
        self.published.append(event)
        self.tell(event)
