"""What passed on the streams, kept per run, as frozen data. ``observe`` makes it grow.

Most servers throw steps and logs away when a run ends, and tell none of what happened before
somebody looked. This is what a run that is opened late can still show.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from durably_tui.protocol import Event, LogEntry, Progress, RunStatus

from .steps import ObservedStep
from .trail import Trail


class HistoryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept. Bytes are estimates of what the text and data weigh in memory."""

    runs: int = 1_000
    """Runs; those that ended and were silent longest are forgotten first."""
    lines: int = 20_000
    """Log lines of one run; the oldest are forgotten first, as in all that follow."""
    events: int = 2_000
    """Raw events of one run."""
    steps: int = 5_000
    """Steps of one run."""
    run_bytes: int = 8 * 1024 * 1024
    """Bytes of one run's lines and events together."""
    bytes: int = 64 * 1024 * 1024
    """Bytes of everything."""


class SeenEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as it came. ``at`` is when, in seconds since the epoch by the monitor's clock."""

    event: Event
    at: float
    weight: int = 0
    """Bytes, estimated; the text and data of a log line weigh with the line."""


class RunHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one run."""

    run_id: str
    job_name: str = ""
    first_seen: float = 0.0
    """When its first event came, in seconds since the epoch."""
    last_seen: float = 0.0
    """When its last event came."""
    status: RunStatus | None = None
    """The state that the events left it in; None where none told."""
    progress: Progress | None = None
    attempt: int = 0
    """How often a worker was seen to take it."""
    ended_steps: Trail[ObservedStep] = msgspec.field(default_factory=Trail)
    """In the order in which they were seen to end."""
    open_steps: tuple[ObservedStep, ...] = ()
    """Those that are running now."""
    logs: Trail[LogEntry] = msgspec.field(default_factory=Trail)
    events: Trail[SeenEvent] = msgspec.field(default_factory=Trail)
    from_start: bool = False
    """Whether it was watched from its first event."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Times between which events may have been lost: the last seen before, the first after."""
    size: int = 0
    """Bytes that its lines and events weigh, estimated."""
    epoch: int = 0
    source: str = ""

    @property
    def steps(self) -> tuple[ObservedStep, ...]:
        """Every step that was seen: those that ended, then those that run."""
        return (*self.ended_steps, *self.open_steps)

    @property
    def ended(self) -> bool:
        """Whether its last seen state is an end."""
        return self.status is not None and self.status.is_terminal


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of all runs, bounded."""

    limits: HistoryLimits = HistoryLimits()
    runs: dict[str, RunHistory] = {}
    """By run id; the one that was silent longest first."""
    size: int = 0
    """Bytes, estimated."""
    forgotten: int = 0
    """Runs that were forgotten to stay within the limits."""
    epochs: dict[str, int] = {}
    """By source: the number of the connection whose events are being taken."""

    def get(self, run_id: str) -> RunHistory | None:
        """What was seen of a run, or None where nothing was."""
        return self.runs.get(run_id)

    def is_complete(self, run_id: str) -> bool:
        """Whether everything that the run did was seen: from its first event, without a gap, and
        without a line forgotten."""
        run = self.runs.get(run_id)
        if run is None or not run.from_start or run.gaps or run.logs.dropped:
            return False
        return run.ended or run.epoch == self.epochs.get(run.source)


def as_datetime(seconds: float) -> datetime:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
