"""Figures of one job out of its known runs, and with those that a server counted. Pure.

Rates and percentiles are those of the Python server's ``/stats``: percentiles by nearest rank over
completed runs, from their first start, and the failure rate over runs that failed or completed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from durably_tui.protocol import JobFigures, JobInfo, RunStatus

from .job_stats_records import JobRecords, RunRecord

BUCKETS = 20
"""Into how many parts a window is divided for the throughput."""
LAST_RUNS = 12


class Source(StrEnum):
    """Who counted."""

    SERVER = "server"
    SEEN = "seen"
    """The monitor, over the runs that it saw."""


class JobSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One job, over a window that ends now. Durations are seconds."""

    job_name: str
    source: Source
    description: str = ""
    input_schema: dict[str, Any] | None = None
    counts: dict[RunStatus, int] = {}
    """Runs by status: of all time where the server counts, else of those that are known."""
    completed: int = 0
    """Runs that ended so within the window; so the next two."""
    failed: int = 0
    cancelled: int = 0
    p50: float | None = None
    p95: float | None = None
    throughput: tuple[int | None, ...] = ()
    """Known runs that ended in each of ``BUCKETS`` parts of the window, the newest last; None for
    a part of which not all runs are known."""
    last: tuple[RunStatus, ...] = ()
    """The last known runs, the newest last."""
    last_run_at: float | None = None
    """When the newest run was created, in seconds since the epoch; None: there never was one."""

    @property
    def failure_rate(self) -> float | None:
        """Between 0 and 1; None where no run completed or failed within the window."""
        judged = self.completed + self.failed
        return self.failed / judged if judged else None

    @property
    def ended(self) -> int:
        """Runs that ended within the window."""
        return self.completed + self.failed + self.cancelled


def summary(
    job_name: str,
    records: JobRecords,
    now: float,
    *,
    window: float,
    known_from: float,
    info: JobInfo | None = None,
    figures: JobFigures | None = None,
) -> JobSummary:
    """One job at ``now``.

    Args:
        job_name: its name.
        records: its known runs.
        now: seconds since the epoch.
        window: how far to look back, in seconds.
        known_from: from when on no run is missing among the records.
        info: what the server says that the job is.
        figures: what the server counted over the same window.
    """
    runs = list(records.runs.values())
    recent = [run for run in runs if run.ended_at is not None and run.ended_at > now - window]
    last = tuple(run.status for run in runs[-LAST_RUNS:])
    newest = max((run.at for run in runs), default=None)
    common: dict[str, Any] = {
        "job_name": job_name,
        "description": info.description if info else "",
        "input_schema": info.input_schema if info else None,
        "throughput": throughput(recent, now, window=window, known_from=known_from),
        "last": last,
    }
    if figures is not None:
        told = figures.last_run_at.timestamp() if figures.last_run_at else None
        return JobSummary(
            **common,
            source=Source.SERVER,
            counts=figures.counts,
            completed=figures.completed,
            failed=figures.failed,
            cancelled=figures.cancelled,
            p50=None if figures.p50_ms is None else figures.p50_ms / 1000,
            p95=None if figures.p95_ms is None else figures.p95_ms / 1000,
            last_run_at=max((at for at in (told, newest) if at is not None), default=None),
        )
    ended = _by_status(recent)
    took = sorted(
        run.seconds
        for run in recent
        if run.status is RunStatus.COMPLETED and run.seconds is not None
    )
    return JobSummary(
        **common,
        source=Source.SEEN,
        counts=_by_status(runs),
        completed=ended.get(RunStatus.COMPLETED, 0),
        failed=ended.get(RunStatus.FAILED, 0),
        cancelled=ended.get(RunStatus.CANCELLED, 0),
        p50=percentile(took, 0.5),
        p95=percentile(took, 0.95),
        last_run_at=newest,
    )


def percentile(ascending: Sequence[float], share: float) -> float | None:
    """By nearest rank; ``share`` is between 0 and 1. None of nothing."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def throughput(
    runs: Iterable[RunRecord], now: float, *, window: float, known_from: float
) -> tuple[int | None, ...]:
    """How many runs ended in each of ``BUCKETS`` parts of the window, the newest last.

    Parts begin at whole multiples of their length since the epoch, so that a picture of them moves
    by whole parts and none changes but the newest.
    """
    part = window / BUCKETS
    first = math.floor(now / part) - BUCKETS + 1
    counts = [0] * BUCKETS
    for run in runs:
        at = -1 if run.ended_at is None else math.floor(run.ended_at / part) - first
        if at >= 0:
            counts[min(at, BUCKETS - 1)] += 1
    return tuple(
        count if (first + at) * part >= known_from else None for at, count in enumerate(counts)
    )


def _by_status(runs: Iterable[RunRecord]) -> dict[RunStatus, int]:
    counts: dict[RunStatus, int] = {}
    for run in runs:
        counts[run.status] = counts.get(run.status, 0) + 1
    return counts
