"""A run as the client has it beside the run as a server wrote it, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from durably_tui.protocol import Run, RunStatus

_08 = {
    "payload": "input",
    "stepCount": "completed_step_count",
    "updatedAt": "updated_at",
    "idempotencyKey": "idempotency_key",
    "concurrencyKey": "concurrency_key",
}
_015 = {
    "input": "input",
    "completedStepCount": "completed_step_count",
    "labels": "labels",
    "startedAt": "started_at",
    "completedAt": "completed_at",
}
_BOTH = {
    "id": "id",
    "jobName": "job_name",
    "output": "output",
    "error": "error",
    "currentStepIndex": "current_step_index",
    "createdAt": "created_at",
}


def as_wire(run: Run, generation: str) -> dict[str, Any]:
    """The run in the words of a generation, for all fields that both sides tell."""
    names = _BOTH | (_08 if generation == "0.8" else _015)
    fields = {word: _json(getattr(run, name)) for word, name in names.items()}
    running = run.status is RunStatus.RUNNING
    fields["status"] = "leased" if running and generation != "0.8" else str(run.status)
    progress = run.progress
    fields["progress"] = progress and {
        name: value
        for name in ("current", "total", "message")
        if (value := getattr(progress, name)) is not None
    }
    return fields


def same_run(run: Run, wire: dict[str, Any], generation: str) -> bool:
    """Whether a run is what the server says it is, in every field."""
    return as_wire(run, generation).items() <= wire.items()


def same_runs(runs: Sequence[Run], wire: Sequence[dict[str, Any]], generation: str) -> bool:
    """Whether these are the runs that the server lists, in every field, newest first.

    A server leaves the order of runs of one millisecond open; here the newest id is first.
    """
    newest_first = sorted(wire, key=lambda run: (run["createdAt"], run["id"]), reverse=True)
    return len(runs) == len(wire) and all(
        same_run(run, said, generation) for run, said in zip(runs, newest_first, strict=True)
    )


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
