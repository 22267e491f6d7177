"""Runs, steps, logs and filters as frozen data, in the words of the 0.15 protocol."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from durably_server.engine.errors import InvalidRequestError

Status = Literal["pending", "leased", "completed", "failed", "cancelled"]
StepStatus = Literal["completed", "failed", "cancelled"]
Level = Literal["info", "warn", "error"]
Disposition = Literal["created", "idempotent", "coalesced"]
Labels = Mapping[str, str]

STATUSES: tuple[Status, ...] = get_args(Status)
TERMINAL: frozenset[Status] = frozenset({"completed", "failed", "cancelled"})

_LABEL_KEY = re.compile(r"[a-zA-Z0-9\-_./]+")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. ``total`` may be absent, 0, or less than ``current``."""

    current: float
    total: float | None = None
    message: str | None = None

    def as_json(self) -> dict[str, Any]:
        """``{current, total?, message?}``: what is not there is left out."""
        found: dict[str, Any] = {"current": self.current}
        if self.total is not None:
            found["total"] = self.total
        if self.message is not None:
            found["message"] = self.message
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job. Times are ISO 8601, UTC, milliseconds."""

    id: str
    job_name: str
    input: Any
    status: Status
    idempotency_key: str | None
    concurrency_key: str | None
    labels: Labels
    current_step_index: int
    completed_step_count: int
    progress: Mapping[str, Any] | None
    output: Any
    error: str | None
    lease_owner: str | None
    lease_expires_at: str | None
    lease_generation: int
    started_at: str | None
    completed_at: str | None
    created_at: str
    updated_at: str

    @property
    def is_terminal(self) -> bool:
        """Completed, failed or cancelled."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be stored as pending. ``input`` is JSON text that the job has accepted."""

    id: str
    job_name: str
    input: str
    created_at: str
    labels: Labels = field(default_factory=dict)
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    coalesce: bool = False


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The run that answers a trigger, and whether it was made for it."""

    run: Run
    disposition: Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A checkpoint as it is read."""

    id: str
    run_id: str
    name: str
    index: int
    status: StepStatus
    output: Any
    error: str | None
    started_at: str
    completed_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A checkpoint to be stored. ``output`` is JSON text."""

    id: str
    run_id: str
    name: str
    index: int
    status: StepStatus
    output: str | None
    error: str | None
    started_at: str
    completed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """A log line as it is read."""

    id: str
    run_id: str
    step_name: str | None
    level: Level
    message: str
    data: Any
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLog:
    """A log line to be stored. ``data`` is JSON text."""

    id: str
    step_name: str | None
    level: Level
    message: str
    data: str | None
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs: any of the jobs, any of the statuses, all of the labels. Newest first."""

    job_names: Sequence[str] = ()
    statuses: Sequence[Status] = ()
    labels: Labels = field(default_factory=dict)
    limit: int | None = None
    offset: int = 0


def check_labels(labels: Any) -> dict[str, str]:
    """Labels that a server may store: text to text, keys of letters, digits and ``- _ . /``.

    Raises:
        InvalidRequestError: anything else.
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise InvalidRequestError("Invalid labels: must be an object of strings")
    for key, value in labels.items():
        if not isinstance(key, str) or not _LABEL_KEY.fullmatch(key):
            raise InvalidRequestError(
                f'Invalid label key "{key}": must contain only alphanumeric characters, '
                "dashes, underscores, dots, and slashes"
            )
        if not isinstance(value, str):
            raise InvalidRequestError(f'Invalid label "{key}": its value must be a string')
    return dict(labels)
