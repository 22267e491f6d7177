"""Runs, steps, log lines and events as the JSON that commands print and the screen copies.

The names are those of Durably's wire (``jobName``, ``createdAt``), so that what works on an answer
of the server works here; the words are those that people read: a status is ``running`` whatever
the generation of the server. What only some servers tell is left out where nobody told it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from durably_tui.protocol import Event, LogEntry, Progress, Run, RunStatus, Step
from durably_tui.protocol.events import EXTRA

_TIMES = {"timestamp": "timestamp", "leaseExpiresAt": "lease_expires_at"}
"""The times of events, by their names on the wire."""
_MOST_EXACT = 2**53
"""From here on not every whole number is one of JSON's."""
_MAYBE = ("updatedAt", "idempotencyKey", "concurrencyKey")


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as Durably writes times.

    The first and the last day that there is stay as the server wrote them where UTC has another.
    """
    if at is None:
        return None
    with suppress(OverflowError):
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_word(run: Run) -> str:
    """The status; one that nobody knows is in the server's own word."""
    if run.status is RunStatus.UNKNOWN and isinstance(word := run.extra.get("status"), str):
        return word
    return run.status.value


def run_json(run: Run) -> dict[str, Any]:
    """A run."""
    found: dict[str, Any] = {
        "id": run.id,
        "jobName": run.job_name,
        "status": status_word(run),
        "input": run.input,
        "output": run.output,
        "error": run.error,
        "progress": None if run.progress is None else progress_json(run.progress),
        "currentStepIndex": run.current_step_index,
        "completedStepCount": run.completed_step_count,
        "labels": run.labels,
        "createdAt": iso(run.created_at),
        "startedAt": iso(run.started_at),
        "completedAt": iso(run.completed_at),
        "updatedAt": iso(run.updated_at),
        "idempotencyKey": run.idempotency_key,
        "concurrencyKey": run.concurrency_key,
    }
    for name in _MAYBE:
        if found[name] is None:
            del found[name]
    return _with_extra(found, run.extra)


def progress_json(progress: Progress) -> dict[str, Any]:
    """How far a run is."""
    return _told(
        {
            "current": _plain(progress.current),
            "total": _plain(progress.total),
            "message": progress.message,
        }
    )


def step_json(step: Step) -> dict[str, Any]:
    """A step."""
    return _with_extra(
        {
            "id": step.id,
            "runId": step.run_id,
            "name": step.name,
            "index": step.index,
            "status": step.status.value,
            "output": step.output,
            "error": step.error,
            "startedAt": iso(step.started_at),
            "completedAt": iso(step.completed_at),
        },
        step.extra,
    )


def log_json(entry: LogEntry) -> dict[str, Any]:
    """A log line."""
    return _told(
        {
            "id": entry.id,
            "runId": entry.run_id,
            "jobName": entry.job_name or None,
            "stepName": entry.step_name,
            "level": entry.level.value,
            "message": entry.message,
            "data": entry.data,
            "timestamp": iso(entry.timestamp),
        }
    )


def event_json(event: Event) -> dict[str, Any]:
    """An event, in the words of the newest generation."""
    fields = msgspec.to_builtins(event)
    extra = fields.pop(EXTRA)
    for name, attribute in _TIMES.items():
        if isinstance(at := getattr(event, attribute, None), datetime):
            fields[name] = iso(at)
    if isinstance(progress := getattr(event, "progress", None), Progress):
        fields["progress"] = progress_json(progress)
    if "duration" in fields:
        fields["duration"] = _plain(fields["duration"])
    fields.pop("word", None)  # that is the type of an event that nobody knows
    told = {name: value for name, value in fields.items() if value not in (None, {}, "")}
    told["type"] = event.type
    return _with_extra({"type": event.type, "runId": event.run_id, **told}, extra)


def _plain(number: float | None) -> float | None:
    """A whole number without a fraction, as a server writes it: JSON has one kind of number."""
    if isinstance(number, float) and number.is_integer() and abs(number) < _MOST_EXACT:
        return int(number)
    return number


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _with_extra(fields: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """With what the server said beyond what is known here."""
    for name, value in extra.items():
        fields.setdefault(name, value)
    return fields
