"""The failures that are known, and which inputs came through: frozen data, pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    Event,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
    StepFail,
)

from .advance import told_at
from .history import History

MAX_FAILURES = 2_000
MAX_INPUTS = 5_000
MAX_STEPS = 5_000
NO_MESSAGE = "no message"


Through = dict[tuple[str, bytes], tuple[float, str]]
"""By job and input: when the newest run that completed was created, and its id."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One failure of a run. Times are seconds since the epoch."""

    run_id: str
    job_name: str
    at: float
    """When it failed."""
    error: str = NO_MESSAGE
    step_name: str | None = None
    """None where that is not known."""
    created_at: float = 0.0
    """When the run was created; 0 where only its failure was seen."""
    input: Any = None
    has_input: bool = False
    labels: dict[str, str] = {}
    status: RunStatus = RunStatus.FAILED
    """What the run is now: it may have been retried."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of failures."""

    failures: dict[str, Failure] = {}
    """By run; the one that was heard of last is the last."""
    through: Through = {}
    """The inputs that came through."""
    steps: dict[str, tuple[str, str]] = {}
    """By run: the step that failed last, and its error."""


def noted(book: Book, events: Sequence[Event], now: float) -> Book:
    """The book after events of runs, received at ``now``; the same one where none matters."""
    fresh = {event.run_id for event in events if type(event) is RunFail}
    telling = [
        event
        for event in events
        if type(event) in _FAILS
        or (type(event) in _TELLING and (event.run_id in book.failures or event.run_id in fresh))
    ]
    if not telling:
        return book
    failures, steps, through = dict(book.failures), dict(book.steps), book.through
    for event in telling:
        run_id = event.run_id
        if isinstance(event, StepFail):
            steps.pop(run_id, None)
            steps[run_id] = event.step_name, event.error or NO_MESSAGE
        elif isinstance(event, RunFail):
            if event.job_name:
                failures[run_id] = _failed(failures.pop(run_id, None), event, steps, now)
        elif isinstance(event, RunDelete):
            failures.pop(run_id, None)
        elif (known := failures.get(run_id)) is not None:
            after = failures[run_id] = replace(known, status=_GOES_ON[type(event)])
            through = _came_through(through, (after,))
    return _bounded(failures, through, steps)


def met(book: Book, runs: Iterable[Run], now: float) -> Book:
    """The book after runs as the server described them, in any state."""
    failures = dict(book.failures)
    ended: list[Failure] = []
    for run in runs:
        known = failures.get(run.id)
        if run.status is RunStatus.FAILED:
            failures[run.id] = _told(known, run, book.steps, now)
        else:
            if known is not None:
                failures[run.id] = replace(known, status=run.status)
            if run.status is RunStatus.COMPLETED:
                ended.append(_told(known, run, book.steps, now))
    in_order = dict(sorted(failures.items(), key=lambda item: (item[1].at, item[0])))
    return _bounded(in_order, _came_through(book.through, ended), book.steps)


def with_steps(book: Book, names: dict[str, str]) -> Book:
    """The book with the steps in which some runs failed, by run."""
    failures = dict(book.failures)
    for run_id, name in names.items():
        if run_id in failures:
            failures[run_id] = replace(failures[run_id], step_name=name)
    return replace(book, failures=failures)


def recalled(history: History) -> Book:
    """What the history tells of failures."""
    book = Book()
    for run in history.runs.values():
        for burst in run.bursts:
            book = noted(book, burst.events, burst.at)
    return book


def came_through(book: Book, failure: Failure) -> bool:
    """Whether the run went on and completed, or a newer one with the same input did."""
    if failure.status is RunStatus.COMPLETED:
        return True
    if not failure.has_input:
        return False
    newest = book.through.get((failure.job_name, input_key(failure.input)))
    return newest is not None and newest > (failure.created_at, failure.run_id)


def input_key(value: Any) -> bytes:
    """A short key of an input, the same for inputs that are equal as JSON."""
    try:
        body = msgspec.json.encode(value, order="deterministic")
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        body = repr(value).encode("utf-8", "replace")
    return hashlib.blake2b(body, digest_size=12).digest()


_GOES_ON: dict[type[Event], RunStatus] = {
    RunRetry: RunStatus.PENDING,
    RunStart: RunStatus.RUNNING,
    RunComplete: RunStatus.COMPLETED,
    RunCancel: RunStatus.CANCELLED,
}
_TELLING = frozenset({RunDelete, *_GOES_ON})
_FAILS = frozenset({StepFail, RunFail})


def _failed(
    before: Failure | None, event: RunFail, steps: dict[str, tuple[str, str]], now: float
) -> Failure:
    step, said = steps.get(event.run_id, (None, NO_MESSAGE))
    told = told_at(event)
    known = before or Failure(run_id=event.run_id, job_name=event.job_name, at=now)
    return replace(
        known,
        at=now if told is None else told.timestamp(),
        error=event.error or said,
        step_name=event.failed_step_name or step,
        labels=event.labels or known.labels,
        status=RunStatus.FAILED,
    )


def _told(
    before: Failure | None, run: Run, steps: dict[str, tuple[str, str]], now: float
) -> Failure:
    ended = run.completed_at or run.updated_at
    step, said = steps.get(run.id, (None, NO_MESSAGE))
    return Failure(
        run_id=run.id,
        job_name=run.job_name,
        at=ended.timestamp() if ended else before.at if before else now,
        error=run.error or said,
        step_name=step or (before.step_name if before else None),
        created_at=run.created_at.timestamp() if run.created_at else 0.0,
        input=run.input,
        has_input=True,
        labels=run.labels,
        status=run.status,
    )


def _came_through(through: Through, ended: Iterable[Failure]) -> Through:
    made = dict(through)
    for each in ended:
        if each.status is RunStatus.COMPLETED and each.has_input:
            key = each.job_name, input_key(each.input)
            made[key] = max((each.created_at, each.run_id), made.pop(key, (0.0, "")))
    return made


def _bounded(
    failures: dict[str, Failure],
    through: Through,
    steps: dict[str, tuple[str, str]],
) -> Book:
    for run_id in list(failures)[: max(0, len(failures) - MAX_FAILURES)]:
        del failures[run_id]
    if len(through) > MAX_INPUTS:
        through = dict(list(through.items())[-MAX_INPUTS:])
    if len(steps) > MAX_STEPS:
        steps = dict(list(steps.items())[-MAX_STEPS:])
    return Book(failures=failures, through=through, steps=steps)
