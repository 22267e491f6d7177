"""What became of each job's runs: by counters, and by indexes that hold all that is asked."""

import sqlite3
from collections import defaultdict

from durably_server.engine.model import (
    DURATION_SAMPLE,
    STATUSES,
    JobStats,
    Status,
    percentile,
)

_MILLISECONDS = (
    "CAST(round((julianday(completed_at) - julianday(started_at)) * 86400000) AS integer)"
)


def get_stats(db: sqlite3.Connection, since: str) -> list[JobStats]:
    """Of each job that has runs, by name."""
    counts: dict[str, dict[Status, int]] = defaultdict(lambda: dict.fromkeys(STATUSES, 0))
    for job_name, status, runs in db.execute(
        "SELECT job_name, status, runs FROM durably_py_counts WHERE runs > 0 ORDER BY job_name"
    ):
        counts[job_name][status] = runs
    return [_of_job(db, job_name, counts[job_name], since) for job_name in counts]


def _of_job(
    db: sqlite3.Connection, job_name: str, counts: dict[Status, int], since: str
) -> JobStats:
    (started,) = db.execute(
        "SELECT count(*) FROM durably_runs WHERE job_name = ? AND started_at >= ?",
        (job_name, since),
    ).fetchone()
    ended: dict[str, int] = {}
    for status in ("completed", "failed", "cancelled"):
        (ended[status],) = db.execute(
            "SELECT count(*) FROM durably_runs "
            "WHERE job_name = ? AND status = ? AND completed_at >= ?",
            (job_name, status, since),
        ).fetchone()
    durations = sorted(
        row[0]
        for row in db.execute(
            f"SELECT coalesce({_MILLISECONDS}, 0) FROM durably_runs "
            "WHERE job_name = ? AND status = 'completed' AND completed_at >= ? "
            "ORDER BY completed_at DESC LIMIT ?",
            (job_name, since, DURATION_SAMPLE),
        )
    )
    (last_run_at,) = db.execute(
        "SELECT max(created_at) FROM durably_runs WHERE job_name = ?", (job_name,)
    ).fetchone()
    return JobStats(
        job_name=job_name,
        counts=counts,
        started=started,
        completed=ended["completed"],
        failed=ended["failed"],
        cancelled=ended["cancelled"],
        p50_ms=percentile(durations, 0.5),
        p95_ms=percentile(durations, 0.95),
        last_run_at=last_run_at,
    )
