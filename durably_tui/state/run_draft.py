"""One run's history while a batch of events is taken in: changed in place, then frozen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import (
    Event,
    LogEntry,
    LogWrite,
    Progress,
    RunCancel,
    RunComplete,
    RunFail,
    RunProgress,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
    StepCancel,
    StepComplete,
    StepFail,
    StepStart,
    StepStatus,
)

from .advance import told_at
from .history import HistoryLimits, RunHistory, SeenEvent
from .steps import ObservedStep
from .trail import Trail
from .weigh import weigh

_MAX_GAPS = 20
_RECENT = 64
_EVENT_BYTES = 300
_LINE_BYTES = 250


class RunDraft:
    """One run's history while a batch is taken in."""

    __slots__ = (
        "attempt",
        "before",
        "ended",
        "epoch",
        "events",
        "gaps",
        "lines",
        "open",
        "progress",
        "size",
        "source",
        "status",
    )

    def __init__(
        self, before: RunHistory, epoch: int, source: str, now: float | None = None
    ) -> None:
        self.before = before
        self.epoch = epoch
        self.source = source
        self.status = before.status
        self.progress: Progress | None = before.progress
        self.attempt = before.attempt
        self.open: list[ObservedStep] | None = None
        self.ended: list[ObservedStep] = []
        self.lines: list[LogEntry] = []
        self.events: list[SeenEvent] = []
        self.size = before.size
        self.gaps = before.gaps
        if now is not None and (before.epoch != epoch or before.source != source):
            ended = before.status is not None and before.status.is_terminal
            if not ended:
                self.gaps = (*before.gaps, (before.last_seen, now))[-_MAX_GAPS:]

    def take(self, event: Event, now: float, received: datetime) -> None:
        """Take one event in; ``received`` is ``now`` as a time."""
        plan = _PLANS.get(type(event))
        weight = _EVENT_BYTES
        if plan is not None:
            change, carried = plan
            change(self, event, received)
            if carried is not None and (value := carried(event)) is not None:
                weight += weigh(value)
        self.events.append(SeenEvent(event, now, weight))
        self.size += weight

    def freeze(self, now: float, limits: HistoryLimits) -> RunHistory:
        """The history with what was taken in, within the limits."""
        before = self.before
        logs = before.logs.extended(self.lines) if self.lines else before.logs
        events = before.events.extended(self.events)
        size = self.size
        if len(logs) > limits.lines:
            logs, freed = _shorten(logs, len(logs) - limits.lines, _line_weight)
            size -= freed
        if len(events) > limits.events:
            events, freed = _shorten(events, len(events) - limits.events, _event_weight)
            size -= freed
        while size > limits.run_bytes and (events or logs):
            if events:
                events, freed = _shorten(events, len(events) // 4 + 1, _event_weight)
            else:
                logs, freed = _shorten(logs, len(logs) // 4 + 1, _line_weight)
            size -= freed
        ended = before.ended_steps
        if self.ended:
            ended = ended.extended(self.ended).last(limits.steps)
        return RunHistory(
            run_id=before.run_id,
            job_name=before.job_name or self._job_name(),
            first_seen=before.first_seen,
            last_seen=now,
            status=self.status,
            progress=self.progress,
            attempt=self.attempt,
            ended_steps=ended,
            open_steps=before.open_steps if self.open is None else tuple(self.open),
            logs=logs,
            events=events,
            from_start=before.from_start,
            gaps=self.gaps,
            size=size,
            epoch=self.epoch,
            source=self.source,
        )

    def _job_name(self) -> str:
        """0.8 leaves it out of some events."""
        return next((seen.event.job_name for seen in self.events if seen.event.job_name), "")

    # -- what each event changes -----------------------------------------------------------

    def trigger(self, event: RunTrigger, received: datetime) -> None:
        """The run was created."""
        if self.status is None:
            self.status = RunStatus.PENDING

    def start(self, event: RunStart, received: datetime) -> None:
        """A worker took the run, or the stream opens with its present state."""
        if event.sequence == 0:  # how a /subscribe tells the present, not a start
            self.attempt = self.attempt or 1
            self.status = RunStatus.RUNNING
            return
        if self.status is RunStatus.RUNNING and self.attempt and not self._has_worked():
            return  # told twice
        self.attempt += 1
        self.status = RunStatus.RUNNING
        self._close(StepStatus.CANCELLED, None)

    def retry(self, event: RunRetry, received: datetime) -> None:
        """The same run waits again."""
        self.status = RunStatus.PENDING

    def advance(self, event: RunProgress, received: datetime) -> None:
        """The run says how far it is."""
        self.progress = event.progress

    def complete(self, event: RunComplete, received: datetime) -> None:
        """The run ended well."""
        self.status = RunStatus.COMPLETED
        self._close(StepStatus.COMPLETED, told_at(event) or received)

    def fail(self, event: RunFail, received: datetime) -> None:
        """The run ended with an error."""
        self.status = RunStatus.FAILED
        self._close(StepStatus.FAILED, told_at(event) or received)

    def cancel(self, event: RunCancel, received: datetime) -> None:
        """The run was cancelled."""
        self.status = RunStatus.CANCELLED
        self._close(StepStatus.CANCELLED, told_at(event) or received)

    def log(self, event: LogWrite, received: datetime) -> None:
        """The run wrote a line."""
        line = event.entry(received)
        self.lines.append(line)
        self.size += _LINE_BYTES + len(line.message) + weigh(line.data)

    def step_start(self, event: StepStart, received: datetime) -> None:
        """A step began."""
        running = self._running()
        attempt = self.attempt or 1
        name = event.step_name
        for step in running:
            if step.name == name:
                return  # told twice
        running.append(
            ObservedStep(
                name=name,
                index=event.step_index,
                status=StepStatus.RUNNING,
                run_id=event.run_id,
                started_at=told_at(event) or received,
                attempt=attempt,
            )
        )

    def step_complete(self, event: StepComplete, received: datetime) -> None:
        """A step is finished."""
        self._end_step(event, StepStatus.COMPLETED, received, event.output, None, event.duration)

    def step_fail(self, event: StepFail, received: datetime) -> None:
        """A step raised."""
        self._end_step(event, StepStatus.FAILED, received, None, event.error, event.duration)

    def step_cancel(self, event: StepCancel, received: datetime) -> None:
        """A step was cut short by a cancel."""
        self._end_step(event, StepStatus.CANCELLED, received, None, None, None)

    def _has_worked(self) -> bool:
        """Whether a step began since the run was last taken."""
        if self._running():
            return True
        ended = self.ended or self.before.ended_steps
        return bool(ended) and ended[-1].attempt == self.attempt

    def _running(self) -> list[ObservedStep]:
        if self.open is None:
            self.open = list(self.before.open_steps)
        return self.open

    def _end_step(
        self,
        event: StepComplete | StepFail | StepCancel,
        status: StepStatus,
        received: datetime,
        output: Any,
        error: str | None,
        duration: float | None,
    ) -> None:
        running = self._running()
        name = event.step_name
        when = told_at(event) or received
        attempt, index = self.attempt or 1, event.step_index
        started = None if duration is None else when - timedelta(milliseconds=duration)
        for at, step in enumerate(running):
            if step.name == name:
                started, index, attempt = step.started_at, step.index, step.attempt
                del running[at]
                break
        else:
            if self._has_ended(name, status, attempt):
                return  # told twice
        self.ended.append(
            ObservedStep(
                name=name,
                index=index,
                status=status,
                run_id=event.run_id,
                output=output,
                error=error,
                started_at=started,
                completed_at=when,
                attempt=attempt,
                duration_ms=duration,
            )
        )

    def _has_ended(self, name: str, status: StepStatus, attempt: int) -> bool:
        """Whether one of the last steps was this one; what comes twice comes soon again."""
        recent = (*self.before.ended_steps[-_RECENT:], *self.ended)
        return any(
            step.name == name and step.status is status and step.attempt == attempt
            for step in recent
        )

    def _close(self, status: StepStatus, when: datetime | None) -> None:
        """End what still runs: with the run, or, without a time, because its worker is gone."""
        if self.open or (self.open is None and self.before.open_steps):
            self.ended.extend(
                replace(step, status=status, completed_at=when, interrupted=when is None)
                for step in self._running()
            )
            self.open = []


_INPUT, _OUTPUT, _ERROR = attrgetter("input"), attrgetter("output"), attrgetter("error")
_PLANS: dict[
    type[Event],
    tuple[Callable[[RunDraft, Any, datetime], None], Callable[[Any], Any] | None],
] = {
    RunTrigger: (RunDraft.trigger, _INPUT),
    RunStart: (RunDraft.start, _INPUT),
    RunRetry: (RunDraft.retry, None),
    RunProgress: (RunDraft.advance, None),
    RunComplete: (RunDraft.complete, _OUTPUT),
    RunFail: (RunDraft.fail, _ERROR),
    RunCancel: (RunDraft.cancel, None),
    LogWrite: (RunDraft.log, None),
    StepStart: (RunDraft.step_start, None),
    StepComplete: (RunDraft.step_complete, _OUTPUT),
    StepFail: (RunDraft.step_fail, _ERROR),
    StepCancel: (RunDraft.step_cancel, None),
}
"""What an event changes, and its value of any size. The text and data of a log line weigh with
the line."""


def _line_weight(line: LogEntry) -> int:
    return _LINE_BYTES + len(line.message) + weigh(line.data)


def _event_weight(seen: SeenEvent) -> int:
    return seen.weight


def _shorten(trail: Trail[Any], count: int, weight: Callable[[Any], int]) -> tuple[Trail[Any], int]:
    """The trail without its ``count`` oldest items, and the bytes that this frees."""
    return trail.forget(count), sum(map(weight, trail[:count]))
