"""What is known of every job, asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably_tui.protocol import RunStatus
from durably_tui.shapes import iso
from durably_tui.state import JobSummary, create_durably_client

from .said import note

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient


async def summaries_of(
    client: DurablyClient, window: float | None = None
) -> tuple[JobSummary, ...]:
    """Every job by name. Where the server counts nothing, that is told on the standard error.

    Args:
        client: of the server.
        window: how far figures look back, in seconds; None is the usual.

    Raises:
        DurablyError: the server does not answer.
    """
    async with create_durably_client(client) as hooks:
        asked = hooks.use_job_stats() if window is None else hooks.use_job_stats(window=window)
        async with asked as stats:
            await stats.refresh()
            if stats.error is not None:
                raise stats.error
            found = stats.summaries()
    if any(job.source == "seen" for job in found):
        note("This server counts nothing: these figures cover its newest runs only.")
    return found


def last_run(job: JobSummary) -> str | None:
    """When the newest run was made, as ISO 8601."""
    from datetime import UTC, datetime

    if job.last_run_at is None:
        return None
    return iso(datetime.fromtimestamp(job.last_run_at, UTC))


def counts_json(job: JobSummary) -> dict[str, int]:
    """Runs by status."""
    return {status.value: job.counts.get(status, 0) for status in RunStatus if _shown(status, job)}


def _shown(status: RunStatus, job: JobSummary) -> bool:
    return status is not RunStatus.UNKNOWN or bool(job.counts.get(status))


def job_json(job: JobSummary) -> dict[str, Any]:
    """A job, for programs."""
    return {
        "name": job.job_name,
        "description": job.description,
        "inputSchema": job.input_schema,
        "counts": counts_json(job),
        "lastRunAt": last_run(job),
    }


def stats_json(job: JobSummary) -> dict[str, Any]:
    """The figures of a job, for programs."""
    return {
        "jobName": job.job_name,
        "source": job.source.value,
        "completed": job.completed,
        "failed": job.failed,
        "cancelled": job.cancelled,
        "failureRate": job.failure_rate,
        "durationMs": {
            "p50": None if job.p50 is None else job.p50 * 1000,
            "p95": None if job.p95 is None else job.p95 * 1000,
        },
        "counts": counts_json(job),
        "lastRunAt": last_run(job),
    }
