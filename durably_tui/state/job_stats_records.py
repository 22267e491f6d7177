"""The last runs of every job as far as they are known, as frozen data that grows by pure functions.

Durably's own servers count nothing, so what a job does is told from runs that were seen: on the
stream of events, in the history, and on pages that were fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    Event,
    Run,
    RunDelete,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
)

from .advance import BECOMES, told_at
from .history import History

MAX_RUNS_OF_A_JOB = 300
MAX_RUNS = 20_000
MAX_JOBS = 2_000

_FEWEST_RUNS_OF_A_JOB = 20


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What figures need of one run. Times are seconds since the epoch."""

    run_id: str
    status: RunStatus
    at: float
    """When it was created, else when it was first heard of."""
    started_at: float | None = None
    """When it was first seen to start."""
    ended_at: float | None = None
    input: Any = None
    has_input: bool = False
    """Whether the input is known; streams of all runs do not tell it."""

    @property
    def seconds(self) -> float | None:
        """How long it took from its first start; None while it runs, or where that is not told."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, self.ended_at - self.started_at)


class JobRecords(msgspec.Struct, frozen=True, kw_only=True):
    """The known runs of one job, the newest last."""

    runs: dict[str, RunRecord] = {}
    complete_from: float = math.inf
    """From this moment on none of its runs is missing, as far as this job alone was asked for."""
    forgotten_until: float = -math.inf
    """Runs up to this moment were forgotten to stay within the limits."""


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The known runs of every job; the job that was heard last is the last."""

    jobs: dict[str, JobRecords] = {}
    complete_from: float = math.inf
    """From this moment on no run of any job is missing."""

    def of(self, job_name: str) -> JobRecords:
        """What is known of a job's runs; nothing, of one that nobody spoke of."""
        return self.jobs.get(job_name, _NOTHING)

    def known_from(self, job_name: str) -> float:
        """From which moment on no run of the job is missing."""
        job = self.of(job_name)
        return max(min(self.complete_from, job.complete_from), job.forgotten_until)


_NOTHING = JobRecords()


def noted(ledger: Ledger, events: Sequence[Event], now: float) -> Ledger:
    """The ledger after events of runs, received at ``now``; the same one where none matters."""
    changed: dict[str, dict[str, RunRecord]] = {}
    for event in events:
        kind = type(event)
        if (kind not in BECOMES and kind is not RunDelete) or not event.job_name:
            continue
        runs = changed.get(event.job_name)
        if runs is None:
            runs = changed[event.job_name] = dict(ledger.of(event.job_name).runs)
        if kind is RunDelete:
            runs.pop(event.run_id, None)
        else:
            runs[event.run_id] = _after(runs.get(event.run_id), event, now)
    return _with(ledger, changed) if changed else ledger


def met(
    ledger: Ledger, runs: Sequence[Run], now: float, *, limit: int, job_name: str | None = None
) -> Ledger:
    """The ledger after a page of the newest runs.

    Args:
        ledger: what was known before.
        runs: newest first, as a server answered them.
        now: in seconds since the epoch, for runs without times.
        limit: how many were asked for; where fewer came, there are no others.
        job_name: the job that was asked for; None for all of them.
    """
    changed: dict[str, dict[str, RunRecord]] = {}
    overlaps = False
    for run in reversed(runs):
        known = changed.get(run.job_name)
        if known is None:
            known = changed[run.job_name] = dict(ledger.of(run.job_name).runs)
        overlaps = overlaps or run.id in known
        known[run.id] = _told(known.get(run.id), run, now)
    for name, records in changed.items():
        changed[name] = dict(sorted(records.items(), key=lambda item: (item[1].at, item[0])))
    oldest = -math.inf
    if len(runs) >= limit and runs:
        created = runs[-1].created_at
        oldest = now if created is None else created.timestamp()
    if job_name is None:
        before = ledger.complete_from
        ledger = replace(ledger, complete_from=min(before, oldest) if overlaps else oldest)
        return _with(ledger, changed)
    changed.setdefault(job_name, dict(ledger.of(job_name).runs))
    return _with(ledger, changed, complete_from=oldest)


def recalled(history: History) -> Ledger:
    """What the history tells of runs: how each began and how it ended."""
    ledger = Ledger()
    for run in history.runs.values():
        # A run begins in its first events and ends in its last; those between tell nothing here.
        for burst in (*run.bursts[:3], *run.bursts[3:][-1:]):
            ledger = noted(ledger, burst.events, burst.at)
    return ledger


def _after(before: RunRecord | None, event: Event, now: float) -> RunRecord:
    told = told_at(event)
    at = now if told is None else told.timestamp()
    status = BECOMES[type(event)]
    record = before or RunRecord(run_id=event.run_id, status=status, at=at)
    if isinstance(event, RunStart):
        if record.status.is_terminal:
            return record  # told late
        return replace(record, status=status, started_at=record.started_at or at)
    if isinstance(event, RunTrigger):
        return record
    if isinstance(event, RunRetry):
        return replace(record, status=status, ended_at=None)
    started = record.started_at
    duration = getattr(event, "duration", None)
    if started is None and duration is not None and event.sequence != 0:
        started = at - duration / 1000
    if record.status is status and record.ended_at is not None:
        at = record.ended_at  # told twice
    return replace(record, status=status, started_at=started, ended_at=at)


def _told(before: RunRecord | None, run: Run, now: float) -> RunRecord:
    """A run as the server described it, with what only events told."""
    ended = run.completed_at or (run.updated_at if run.is_terminal else None)
    started = run.started_at
    return RunRecord(
        run_id=run.id,
        status=run.status,
        at=run.created_at.timestamp() if run.created_at else before.at if before else now,
        started_at=started.timestamp() if started else before.started_at if before else None,
        ended_at=(
            None
            if not run.is_terminal
            else ended.timestamp()
            if ended
            else before.ended_at
            if before
            else None
        ),
        input=run.input,
        has_input=True,
    )


def _with(
    ledger: Ledger,
    changed: dict[str, dict[str, RunRecord]],
    *,
    complete_from: float | None = None,
) -> Ledger:
    """The ledger with other runs for some jobs, within the limits."""
    jobs = dict(ledger.jobs)
    most = _share(len(jobs.keys() | changed.keys()))
    for name, runs in changed.items():
        job = jobs.pop(name, _NOTHING)  # to the end: it was heard last
        forgotten = job.forgotten_until
        for run_id in list(_oldest(runs, len(runs) - most)):
            gone = runs.pop(run_id)
            forgotten = max(forgotten, gone.ended_at or gone.at)
        jobs[name] = JobRecords(
            runs=runs,
            complete_from=job.complete_from if complete_from is None else complete_from,
            forgotten_until=forgotten,
        )
    for name in list(_oldest(jobs, len(jobs) - MAX_JOBS)):
        del jobs[name]
    return replace(ledger, jobs=jobs)


def _share(jobs: int) -> int:
    """How many runs of one job are kept where so many share the room."""
    return max(_FEWEST_RUNS_OF_A_JOB, min(MAX_RUNS_OF_A_JOB, MAX_RUNS // max(1, jobs)))


def _oldest(items: Iterable[str], count: int) -> Iterable[str]:
    for _, name in zip(range(count), items, strict=False):
        yield name
