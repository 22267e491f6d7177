"""Runs, steps, logs and filters as frozen data, in the words of the 0.15 protocol."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from durably_server.engine.codec import decode
from durably_server.engine.errors import InvalidRequestError

Status = Literal["pending", "leased", "completed", "failed", "cancelled"]
StepStatus = Literal["completed", "failed", "cancelled"]
Level = Literal["info", "warn", "error"]
Disposition = Literal["created", "idempotent", "coalesced"]
Labels = Mapping[str, str]

STATUSES: tuple[Status, ...] = get_args(Status)
LEVELS: tuple[Level, ...] = get_args(Level)
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

    def as_stored(self) -> Run:
        """The pending run that it becomes."""
        return Run(
            id=self.id,
            job_name=self.job_name,
            input=decode(self.input),
            status="pending",
            idempotency_key=self.idempotency_key,
            concurrency_key=self.concurrency_key,
            labels=dict(self.labels),
            current_step_index=0,
            completed_step_count=0,
            progress=None,
            output=None,
            error=None,
            lease_owner=None,
            lease_expires_at=None,
            lease_generation=0,
            started_at=None,
            completed_at=None,
            created_at=self.created_at,
            updated_at=self.created_at,
        )


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
    job_name: str
    step_name: str | None
    level: Level
    message: str
    data: Any
    created_at: str


class NewLog(NamedTuple):
    """A log line to be stored. ``data`` is JSON text. A tuple, as there may be very many."""

    id: str
    step_name: str | None
    level: Level
    message: str
    data: str | None
    created_at: str


Cursor = tuple[str, str]
"""The place of a run in the list: its ``(createdAt, id)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs: any of the jobs, any of the statuses, all of the labels. Newest first.

    Attributes:
        created_after: ISO 8601; runs created then or later.
        created_before: ISO 8601; runs created earlier. So two ranges that touch share no run.
        text: must be part of the id, the job's name, the input, the error or a label (its JSON
            text); ASCII letters match in either case.
        after: only runs that are strictly older than this place in the list.
    """

    job_names: Sequence[str] = ()
    statuses: Sequence[Status] = ()
    labels: Labels = field(default_factory=dict)
    created_after: str | None = None
    created_before: str | None = None
    text: str | None = None
    after: Cursor | None = None
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which log lines: of one run or of all, any of the jobs, any of the levels.

    The order is that of the ids, which are ULIDs and so tell when a line was written.

    Attributes:
        after: an id; only lines written after it.
        before: an id; only lines written before it.
        limit: how many, counted from the newest line, or from the oldest.
        newest: from which end ``limit`` counts. The answer is oldest first either way.
    """

    run_id: str | None = None
    job_names: Sequence[str] = ()
    levels: Sequence[Level] = ()
    after: str | None = None
    before: str | None = None
    limit: int | None = None
    newest: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStats:
    """What became of a job's runs.

    Attributes:
        counts: runs by status, of all time; every status is there.
        started, completed, failed, cancelled: runs that began or ended within the window.
        rate_per_minute: runs that ended within the window, for each of its minutes.
        p50_ms, p95_ms: how long completed runs took from their first start, over the newest
            10,000 that ended within the window; None without one.
        last_run_at: when the newest run was created.
    """

    job_name: str
    counts: Mapping[Status, int]
    started: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rate_per_minute: float = 0.0
    p50_ms: int | None = None
    p95_ms: int | None = None
    last_run_at: str | None = None


DURATION_SAMPLE = 10_000
"""Completed runs of a job whose durations are looked at for its percentiles."""


def percentile(ascending: Sequence[int], share: float) -> int | None:
    """By nearest rank; ``share`` is between 0 and 1. None of nothing."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


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
