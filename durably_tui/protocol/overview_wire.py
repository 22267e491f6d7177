"""How ``GET /jobs`` and ``GET /stats`` are written, and what they are read into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from .models import RunStatus
from .overview import JobFigures, JobInfo

_STATUSES = {status.value: status for status in RunStatus} | {"leased": RunStatus.RUNNING}

When = Callable[[Any], datetime | None]
"""Reads a time of the wire; None where it is none."""


class WireJob(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A job of ``/jobs``."""

    name: str
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    counts: dict[str, int] | None = None
    last_run_at: Any = None

    def lifted(self, when: When) -> JobInfo:
        """In the words that are used here."""
        return JobInfo(
            name=self.name,
            description=self.description or "",
            input_schema=self.input_schema,
            output_schema=self.output_schema,
            counts=None if self.counts is None else _by_status(self.counts),
            last_run_at=when(self.last_run_at),
        )


class WireDurations(msgspec.Struct):
    """Percentiles, in ms."""

    p50: float | None = None
    p95: float | None = None


class WireFigures(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A job of ``/stats``."""

    job_name: str
    counts: dict[str, int] | None = None
    started: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rate_per_minute: float = 0.0
    duration_ms: WireDurations | None = None
    last_run_at: Any = None

    def lifted(self, when: When) -> JobFigures:
        """In the words that are used here."""
        durations = self.duration_ms or WireDurations()
        return JobFigures(
            job_name=self.job_name,
            counts=_by_status(self.counts or {}),
            started=self.started,
            completed=self.completed,
            failed=self.failed,
            cancelled=self.cancelled,
            rate_per_minute=self.rate_per_minute,
            p50_ms=durations.p50,
            p95_ms=durations.p95,
            last_run_at=when(self.last_run_at),
        )


many_jobs = msgspec.json.Decoder(list[WireJob])


def _by_status(counts: dict[str, int]) -> dict[RunStatus, int]:
    found: dict[RunStatus, int] = {}
    for word, count in counts.items():
        status = _STATUSES.get(word, RunStatus.UNKNOWN)
        found[status] = found.get(status, 0) + count
    return found
