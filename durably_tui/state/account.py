"""What the events of one run amount to, as frozen data. ``account_draft`` makes it grow."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from durably_tui.protocol import Decoder, Event, LogEntry, Progress, RunStatus

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


class Burst(msgspec.Struct, frozen=True, gc=False):
    """Events of one run that came together.

    Where it is known how they came they are kept as that: it takes a fifth of the memory, and most
    are never looked at.
    """

    at: float
    """When they came, in seconds since the epoch by the monitor's clock."""
    weight: int
    """Bytes, estimated."""
    frames: tuple[bytes, ...] = ()
    """The data of each; empty where that is not known."""
    decoded: tuple[Event, ...] = ()
    """Else the events themselves."""

    def __len__(self) -> int:
        return len(self.frames) or len(self.decoded)

    @property
    def events(self) -> Sequence[Event]:
        """The events, in the order in which they came."""
        (events,) = read((self,))
        return events


def read(bursts: Sequence[Burst]) -> list[Sequence[Event]]:
    """The events of each burst. To read many at once costs less than one by one."""
    events = _reader.events([frame for burst in bursts for frame in burst.frames])
    found: list[Sequence[Event]] = []
    at = 0
    for burst in bursts:
        end = at + len(burst.frames)
        found.append(burst.decoded or events[at:end])
        at = end
    return found


_reader = Decoder()  # what was unknown in them was counted when they came


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The state, steps and lines of a run after some of its events."""

    upto: int = 0
    """How many of the run's bursts of events it tells of."""
    status: RunStatus | None = None
    progress: Progress | None = None
    attempt: int = 0
    ended_steps: Trail[ObservedStep] = Trail()
    open_steps: tuple[ObservedStep, ...] = ()
    logs: Trail[LogEntry] = Trail()
    size: int = 0
    """Bytes that the lines weigh, estimated."""


@functools.lru_cache(maxsize=16)  # every run of a batch asks for the same moment
def as_datetime(seconds: float) -> datetime:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
