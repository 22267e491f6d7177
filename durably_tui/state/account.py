"""What the events of one run amount to, as frozen data. ``account_draft`` makes it grow."""

from __future__ import annotations

import msgspec

from durably_tui.protocol import Event, Progress, RunStatus

from .account_lines import Lines
from .steps import ObservedStep
from .trail import Trail


class HistoryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept. Bytes are estimates of what the text and data weigh in memory."""

    runs: int = 1_000
    """Runs; those that ended and were silent longest are forgotten first, the half that was heard
    last after all others."""
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


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The state, steps and lines of a run after some of its events."""

    upto: int = 0
    """How many of the run's bursts of events it tells of."""
    status: RunStatus | None = None
    progress: Progress | None = None
    attempt: int = 0
    ended_steps: Trail[ObservedStep] = Trail()
    open_steps: tuple[ObservedStep, ...] = ()
    lines: Lines = Lines()

    @property
    def size(self) -> int:
        """Bytes that the lines weigh, estimated."""
        return self.lines.size
