"""What events make of the account of their run: changed in place, then frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from durably_tui.protocol import (
    Event,
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

from .account import Account, HistoryLimits
from .account_lines import lines_of
from .advance import told_at
from .burst import Burst, as_datetime, read
from .steps import ObservedStep
from .trail import Trail

_RECENT = 64
# A member is looked up in its class at the cost of a call, which is much for thousands a second.
_PENDING = RunStatus.PENDING
_RUNNING = RunStatus.RUNNING
_COMPLETED = RunStatus.COMPLETED
_FAILED = RunStatus.FAILED
_CANCELLED = RunStatus.CANCELLED
_STEP_RUNNING = StepStatus.RUNNING
_STEP_COMPLETED = StepStatus.COMPLETED
_STEP_FAILED = StepStatus.FAILED
_STEP_CANCELLED = StepStatus.CANCELLED


def told(before: Account, bursts: Trail[Burst], limits: HistoryLimits) -> Account:
    """The account of a run after those of its events that it does not tell of yet."""
    if before.upto == bursts.total:
        return before
    draft, untold = _Draft(before), bursts.since(before.upto)
    for burst, events in zip(untold, read(untold), strict=True):
        draft.take(events, burst.frames, burst.at)
    return draft.freeze(bursts.total, limits)


def told_now(
    before: Account,
    events: Sequence[Event],
    frames: Sequence[bytes],
    at: float,
    upto: int,
    limits: HistoryLimits,
) -> Account:
    """The same while the events are at hand: those that make ``upto`` bursts of ``bursts``."""
    draft = _Draft(before)
    draft.take(events, frames, at)
    return draft.freeze(upto, limits)


_Begun = tuple[int, datetime | None, int]
"""A step that runs: its index, when it started, in which attempt."""


class _Draft:
    """An account that is changed in place, then frozen."""

    __slots__ = (
        "attempt",
        "before",
        "ended",
        "lines",
        "open",
        "progress",
        "run_id",
        "status",
    )

    def __init__(self, before: Account) -> None:
        self.before = before
        self.run_id = ""
        self.status = before.status
        self.progress: Progress | None = before.progress
        self.attempt = before.attempt
        self.open: dict[str, _Begun] = {
            step.name: (step.index, step.started_at, step.attempt) for step in before.open_steps
        }
        self.ended: list[ObservedStep] = []
        self.lines: list[Burst] = []

    def take(self, events: Sequence[Event], frames: Sequence[bytes], at: float) -> None:
        """What events that came ``at`` a time say of their run.

        Args:
            frames: the data of each as it came; empty where that is not known.
        """
        received, changes = as_datetime(at), _CHANGES
        self.run_id = events[0].run_id
        for event in events:
            change = changes.get(type(event))
            if change is not None:
                change(self, event, received)
        if (lines := lines_of(events, frames, at)) is not None:
            self.lines.append(lines)

    def freeze(self, upto: int, limits: HistoryLimits) -> Account:
        """The account with what was taken in, within the limits."""
        before = self.before
        ended = before.ended_steps
        if self.ended:
            ended = ended.extended(self.ended).last(limits.steps)
        still = tuple(
            ObservedStep(
                name=name,
                index=index,
                status=_STEP_RUNNING,
                run_id=self.run_id,
                started_at=started,
                attempt=attempt,
            )
            for name, (index, started, attempt) in self.open.items()
        )
        return Account(
            upto=upto,
            status=self.status,
            progress=self.progress,
            attempt=self.attempt,
            ended_steps=ended,
            open_steps=before.open_steps if still == before.open_steps else still,
            lines=before.lines.more(self.lines, limits.lines) if self.lines else before.lines,
        )

    # -- what each event changes -----------------------------------------------------------

    def trigger(self, event: RunTrigger, received: datetime) -> None:
        """The run was created."""
        if self.status is None:
            self.status = _PENDING

    def start(self, event: RunStart, received: datetime) -> None:
        """A worker took the run, or the stream opens with its present state."""
        if event.sequence == 0:  # how a /subscribe tells the present, not a start
            self.attempt = self.attempt or 1
            self.status = _RUNNING
            return
        if self.status is _RUNNING and self.attempt and not self._has_worked():
            return  # told twice
        self.attempt += 1
        self.status = _RUNNING
        if self.open:
            self._close(_STEP_CANCELLED, None)

    def retry(self, event: RunRetry, received: datetime) -> None:
        """The same run waits again."""
        self.status = _PENDING

    def advance(self, event: RunProgress, received: datetime) -> None:
        """The run says how far it is."""
        self.progress = event.progress

    def complete(self, event: RunComplete, received: datetime) -> None:
        """The run ended well."""
        self.status = _COMPLETED
        if self.open:
            self._close(_STEP_COMPLETED, told_at(event) or received)

    def fail(self, event: RunFail, received: datetime) -> None:
        """The run ended with an error."""
        self.status = _FAILED
        if self.open:
            self._close(_STEP_FAILED, told_at(event) or received)

    def cancel(self, event: RunCancel, received: datetime) -> None:
        """The run was cancelled."""
        self.status = _CANCELLED
        if self.open:
            self._close(_STEP_CANCELLED, told_at(event) or received)

    def step_start(self, event: StepStart, received: datetime) -> None:
        """A step began."""
        name = event.step_name
        if name not in self.open:  # else told twice
            self.open[name] = (event.step_index, told_at(event) or received, self.attempt or 1)

    def step_complete(self, event: StepComplete, received: datetime) -> None:
        """A step is finished."""
        self._end_step(event, _STEP_COMPLETED, received, event.output, None, event.duration)

    def step_fail(self, event: StepFail, received: datetime) -> None:
        """A step raised."""
        self._end_step(event, _STEP_FAILED, received, None, event.error, event.duration)

    def step_cancel(self, event: StepCancel, received: datetime) -> None:
        """A step was cut short by a cancel."""
        self._end_step(event, _STEP_CANCELLED, received, None, None, None)

    def _has_worked(self) -> bool:
        """Whether a step began since the run was last taken."""
        if self.open:
            return True
        ended = self.ended or self.before.ended_steps
        return bool(ended) and ended[-1].attempt == self.attempt

    def _end_step(
        self,
        event: StepComplete | StepFail | StepCancel,
        status: StepStatus,
        received: datetime,
        output: Any,
        error: str | None,
        duration: float | None,
    ) -> None:
        name = event.step_name
        when = told_at(event) or received
        begun = self.open.pop(name, None)
        if begun is not None:
            index, started, attempt = begun
        else:
            index, attempt = event.step_index, self.attempt or 1
            if self._has_ended(name, status, attempt):
                return  # told twice
            started = None if duration is None else _before(when, duration)
        self.ended.append(
            ObservedStep(
                name=name,
                index=index,
                status=status,
                run_id=self.run_id,
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
        return any(
            step.name == name and step.status is status and step.attempt == attempt
            for steps in (self.ended, self.before.ended_steps)
            for step in reversed(steps[-_RECENT:])
        )

    def _close(self, status: StepStatus, when: datetime | None) -> None:
        """End what still runs: with the run, or, without a time, because its worker is gone."""
        self.ended.extend(
            ObservedStep(
                name=name,
                index=index,
                status=status,
                run_id=self.run_id,
                started_at=started,
                completed_at=when,
                attempt=attempt,
                interrupted=when is None,
            )
            for name, (index, started, attempt) in self.open.items()
        )
        self.open = {}


_CHANGES: dict[type[Event], Callable[[_Draft, Any, datetime], None]] = {
    RunTrigger: _Draft.trigger,
    RunStart: _Draft.start,
    RunRetry: _Draft.retry,
    RunProgress: _Draft.advance,
    RunComplete: _Draft.complete,
    RunFail: _Draft.fail,
    RunCancel: _Draft.cancel,
    StepStart: _Draft.step_start,
    StepComplete: _Draft.step_complete,
    StepFail: _Draft.step_fail,
    StepCancel: _Draft.step_cancel,
}


def _before(when: datetime, milliseconds: float) -> datetime | None:
    """So much earlier; None where a server tells of a duration that no calendar has."""
    try:
        return when - timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):
        return None
