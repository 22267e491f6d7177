"""What a server says, as frozen data in one language.

Runs, steps, log lines and progress of both wire generations are decoded into these shapes. The
words are those of the newest generation except where people read another: a wire ``leased`` is
``running`` here. Shapes follow the run, step and log records of ``@coji/durably`` 0.8 to 0.15.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Generic

import msgspec
from typing_extensions import TypeVar

InputT = TypeVar("InputT", default=Any)
OutputT = TypeVar("OutputT", default=Any)


class RunStatus(StrEnum):
    """The state of a run, in the words people read."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """A word that no generation known here uses; the word itself is in ``Run.extra["status"]``."""

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended (a 0.8 retry can still take it back to pending)."""
        return self in _TERMINAL

    @property
    def is_active(self) -> bool:
        """Whether the run is pending or running."""
        return self in _ACTIVE


_TERMINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
_ACTIVE = frozenset({RunStatus.PENDING, RunStatus.RUNNING})


class StepStatus(StrEnum):
    """The state of a step. ``running`` is never on the wire: it is known from ``step:start``."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class LogLevel(StrEnum):
    """How much a log line wants to be read."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    UNKNOWN = "unknown"


class Progress(msgspec.Struct, frozen=True, gc=False):
    """How far a run says it is. ``total`` may be absent, 0, or less than ``current``."""

    current: float
    total: float | None = None
    message: str | None = None

    @property
    def fraction(self) -> float | None:
        """Between 0.0 and 1.0, or None where there is no usable total."""
        if not self.total or self.total < 0:
            return None
        return min(1.0, max(0.0, self.current / self.total))


class Run(msgspec.Struct, Generic[InputT, OutputT], frozen=True, kw_only=True, gc=False):
    """One execution of a job, as the server last described it. Times are UTC."""

    id: str
    job_name: str
    status: RunStatus
    input: InputT = None  # type: ignore[assignment]  # None until a server says otherwise
    output: OutputT | None = None
    error: str | None = None
    progress: Progress | None = None
    current_step_index: int = 0
    completed_step_count: int = 0
    labels: dict[str, str] = {}
    created_at: datetime | None = None
    started_at: datetime | None = None
    """Not told by a 0.8 server."""
    completed_at: datetime | None = None
    """Not told by a 0.8 server."""
    updated_at: datetime | None = None
    """Told by a 0.8 server only."""
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    extra: dict[str, Any] = {}
    """Fields that no generation known here has, and values of a type that was not expected."""

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""
        return self.status in _TERMINAL

    @property
    def is_active(self) -> bool:
        """Whether the run is pending or running."""
        return self.status in _ACTIVE


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One checkpoint of a run. ``status`` is ``running`` only where a stream was watched."""

    name: str
    index: int
    status: StepStatus
    id: str | None = None
    run_id: str | None = None
    output: Any = None
    error: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    extra: dict[str, Any] = {}


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One log line of a run. ``timestamp`` is the server's, else when the line was received."""

    run_id: str
    message: str
    level: LogLevel = LogLevel.INFO
    step_name: str | None = None
    data: Any = None
    job_name: str = ""
    timestamp: datetime | None = None
    id: str | None = None


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a new run."""

    job_name: str
    input: Any = None
    labels: dict[str, str] = {}
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    coalesce: str | None = None
    """``"skip"`` joins a pending run with the same concurrency key (0.15)."""


class Disposition(StrEnum):
    """What became of a trigger (0.15; an older server says nothing, which reads ``created``)."""

    CREATED = "created"
    IDEMPOTENT = "idempotent"
    COALESCED = "coalesced"


class Triggered(msgspec.Struct, frozen=True):
    """The answer to a trigger."""

    run_id: str
    disposition: Disposition = Disposition.CREATED


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to ask for: newest first; several names or statuses mean any of them.

    ``limit`` is never unlimited here: a server without a limit answers every run it has.
    """

    job_names: tuple[str, ...] = ()
    statuses: tuple[RunStatus, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted pairs; all must match."""
    limit: int = 50
    offset: int = 0
    after: tuple[datetime, str] | None = None
    """Only runs that are older than the one created then with this id; for servers with the feature
    ``cursor``."""
