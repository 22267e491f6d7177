"""What is known of one run, as frozen data."""

from __future__ import annotations

from typing import Generic

import msgspec

from durably_tui.protocol import (
    Connection,
    DurablyError,
    LogEntry,
    Progress,
    Run,
    RunStatus,
    Step,
)

from .history import SeenEvent
from .jobs import I, O
from .trail import Trail


class JobRunState(msgspec.Struct, Generic[I, O], frozen=True, kw_only=True):
    """One run: what the server has of it, joined with what was seen on the streams."""

    run_id: str
    run: Run[I, O] | None = None
    """The whole run, or None until the server has described it."""
    status: RunStatus = RunStatus.PENDING
    """A run that is not known yet counts as pending."""
    output: O | None = None
    error: str | None = None
    """Why the run failed, in the job's words."""
    progress: Progress | None = None
    steps: tuple[Step, ...] = ()
    """In the order of their start; those that were seen are ``ObservedStep``."""
    logs: Trail[LogEntry] = msgspec.field(default_factory=Trail)
    events: Trail[SeenEvent] = msgspec.field(default_factory=Trail)
    """Every event as it came, on this run's own stream or before on the feed."""
    step_name: str | None = None
    """The step that is running now."""
    complete: bool = False
    """Whether steps and logs are all that there ever were: watched from the first event, no gap."""
    watched_since: float | None = None
    """When the first event of this run was seen, in seconds since the epoch."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Times between which log lines may have been lost, in seconds since the epoch."""
    connection: Connection = Connection()
    """How the run's own stream is doing."""
    is_loading: bool = False
    fault: DurablyError | None = None
    """Why the last request about this run failed."""
    fetched_at: float | None = None
    """When the server last described the run whole, in seconds since the epoch."""
    is_gone: bool = False
    """The server has no such run: deleted, or never there."""
