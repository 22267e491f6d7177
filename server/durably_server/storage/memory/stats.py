"""What became of one job's runs, counted from the runs themselves."""

from collections.abc import Sequence
from datetime import datetime

from durably_server.engine.model import DURATION_SAMPLE, STATUSES, JobStats, Run, percentile


def stats_of(name: str, runs: Sequence[Run], since: str) -> JobStats:
    """The figures of a job; its runs come oldest first, the window begins at ``since``."""
    ended = [run for run in runs if run.completed_at is not None and run.completed_at >= since]
    completed = sorted(
        (run for run in ended if run.status == "completed"), key=lambda run: run.completed_at or ""
    )
    durations = sorted(_milliseconds(run) for run in completed[-DURATION_SAMPLE:])
    return JobStats(
        job_name=name,
        counts={status: sum(run.status == status for run in runs) for status in STATUSES},
        started=sum(run.started_at is not None and run.started_at >= since for run in runs),
        completed=len(completed),
        failed=sum(run.status == "failed" for run in ended),
        cancelled=sum(run.status == "cancelled" for run in ended),
        p50_ms=percentile(durations, 0.5),
        p95_ms=percentile(durations, 0.95),
        last_run_at=runs[-1].created_at,
    )


def _milliseconds(run: Run) -> int:
    begun, ended = (
        datetime.fromisoformat(moment or run.created_at)
        for moment in (run.started_at, run.completed_at)
    )
    return round((ended - begun).total_seconds() * 1000)
