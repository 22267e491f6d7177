"""One run and one event: what the run is afterwards, and whether the server must be asked.

Streams repeat, come late and lose events, so an event is a hint and an answer is the truth: what
an event plainly says is applied, what contradicts the run is only a reason to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import (
    Event,
    Run,
    RunCancel,
    RunCoalesced,
    RunComplete,
    RunFail,
    RunProgress,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
    StepComplete,
    StepStart,
)

Advanced = tuple[Run, bool]
"""The run after the event, and whether only the server can tell the rest."""

# A member is looked up in its class at the cost of a call, which is much for thousands a second.
_PENDING = RunStatus.PENDING
_RUNNING = RunStatus.RUNNING
_COMPLETED = RunStatus.COMPLETED
_FAILED = RunStatus.FAILED
_CANCELLED = RunStatus.CANCELLED

BECOMES: dict[type[Event], RunStatus] = {
    RunTrigger: _PENDING,
    RunRetry: _PENDING,
    RunStart: _RUNNING,
    RunComplete: _COMPLETED,
    RunFail: _FAILED,
    RunCancel: _CANCELLED,
}
"""The status that a run has from an event on."""
IMPLIED = BECOMES | {RunCoalesced: _PENDING}
"""The status that an event says its run has now."""


def advance(run: Run, event: Event) -> Advanced:
    """The run after ``event``. An end is never taken back by a late start, step or progress; a
    ``run:retry`` does take it back."""
    step = _STEPS.get(type(event))
    return (run, False) if step is None else step(run, event)


def told_at(event: Event) -> datetime | None:
    """When the server says that it happened; None where it does not, as in the replay that
    opens a ``/subscribe`` (``sequence`` 0), which is dated by its opening."""
    return None if event.sequence == 0 else event.timestamp


def _start(run: Run, event: RunStart) -> Advanced:
    if run.is_terminal:
        return run, True
    if run.status is _RUNNING:
        return run, False
    started = run.started_at or told_at(event)
    return replace(run, status=_RUNNING, started_at=started), False


def _progress(run: Run, event: RunProgress) -> Advanced:
    if run.is_terminal:
        return run, False
    # Only a running run has progress: its start was lost, or this is late.
    ask = run.status is not _RUNNING
    if event.progress is None or event.progress == run.progress:
        return run, ask
    return replace(run, progress=event.progress), ask


def _step_start(run: Run, event: StepStart) -> Advanced:
    return run, run.status is _PENDING


def _step_complete(run: Run, event: StepComplete) -> Advanced:
    if run.is_terminal:
        return run, False
    ask = run.status is not _RUNNING
    done = event.step_index + 1
    # Never down and never by one more: the same event may come twice. A run that was resumed counts
    # the steps again that it skips, in its index alone.
    before = max(run.current_step_index, run.completed_step_count)
    if done <= before:
        return run, ask
    return replace(
        run,
        current_step_index=done,
        completed_step_count=run.completed_step_count + done - before,
    ), ask


def _complete(run: Run, event: RunComplete) -> Advanced:
    return _end(run, event, _COMPLETED, output=event.output)


def _fail(run: Run, event: RunFail) -> Advanced:
    return _end(run, event, _FAILED, error=event.error)


def _cancel(run: Run, event: RunCancel) -> Advanced:
    return _end(run, event, _CANCELLED)


def _end(
    run: Run, event: Event, status: RunStatus, *, output: Any = None, error: str | None = None
) -> Advanced:
    when = told_at(event)
    if run.is_terminal:
        # The same end again tells nothing new; another end is for the server to explain.
        return run, run.status is not status
    ended = replace(
        run,
        status=status,
        output=run.output if output is None else output,
        error=run.error if error is None else error,
        completed_at=when or run.completed_at,
    )
    # No stream of many runs tells the output, and an event is dated a little after the end.
    return ended, True


def _retry(run: Run, event: RunRetry) -> Advanced:
    if not run.is_terminal:
        return run, False
    return replace(run, status=_PENDING, output=None, error=None, completed_at=None), True


_STEPS: dict[type[Event], Callable[[Run, Any], Advanced]] = {
    RunStart: _start,
    RunProgress: _progress,
    StepStart: _step_start,
    StepComplete: _step_complete,
    RunComplete: _complete,
    RunFail: _fail,
    RunCancel: _cancel,
    RunRetry: _retry,
}
