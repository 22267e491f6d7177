"""What a server tells of its jobs as a whole, as frozen data: ``GET /jobs`` and ``GET /stats``.

Durably's own servers have neither route; this project's Python server has both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from .models import RunStatus


class JobInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One registered job."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] | None = None
    """The JSON Schema of what a run takes; None where none is told."""
    output_schema: dict[str, Any] | None = None
    counts: dict[RunStatus, int] | None = None
    """Runs by status, of all time; None where the server tells none to who asks."""
    last_run_at: datetime | None = None
    """When the newest run was created."""


class JobFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one job's runs."""

    job_name: str
    counts: dict[RunStatus, int] = {}
    """Runs by status, of all time."""
    started: int = 0
    """Runs that began within the window; so the next three that ended within it."""
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rate_per_minute: float = 0.0
    """Runs that ended within the window, for each of its minutes."""
    p50_ms: float | None = None
    """How long completed runs took; None where none ended within the window."""
    p95_ms: float | None = None
    last_run_at: datetime | None = None


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of every job over a window that ended when they were told."""

    window: float
    """Seconds."""
    jobs: tuple[JobFigures, ...] = ()
