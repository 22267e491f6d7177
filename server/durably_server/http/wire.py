"""What goes over the wire, in the words of generation 0.15 (protocol.md)."""

from typing import Any

from durably_server.engine import events
from durably_server.engine.codec import encode
from durably_server.engine.model import LogRecord, Run, StepRecord

ONLY_ON_RUNS_SUBSCRIBE = frozenset({"run:trigger", "run:coalesced", "step:cancel"})
"""Events that a stream about one run does not carry."""
NOT_SENT = frozenset({"run:lease-renewed"})


def run_json(run: Run) -> dict[str, Any]:
    """A run as clients see it: no keys, no lease."""
    return {
        "id": run.id,
        "jobName": run.job_name,
        "input": run.input,
        "status": run.status,
        "currentStepIndex": run.current_step_index,
        "completedStepCount": run.completed_step_count,
        "progress": run.progress,
        "output": run.output,
        "error": run.error,
        "labels": run.labels,
        "startedAt": run.started_at,
        "completedAt": run.completed_at,
        "createdAt": run.created_at,
        "isTerminal": run.is_terminal,
        "isActive": not run.is_terminal,
    }


def step_json(step: StepRecord) -> dict[str, Any]:
    """A checkpoint."""
    return {
        "id": step.id,
        "runId": step.run_id,
        "name": step.name,
        "index": step.index,
        "status": step.status,
        "output": step.output,
        "error": step.error,
        "startedAt": step.started_at,
        "completedAt": step.completed_at,
    }


def log_json(log: LogRecord) -> dict[str, Any]:
    """A stored log line."""
    return {
        "id": log.id,
        "runId": log.run_id,
        "stepName": log.step_name,
        "level": log.level,
        "message": log.message,
        "data": log.data,
        "createdAt": log.created_at,
    }


def runs_event(event: events.Event) -> dict[str, Any]:
    """An event as ``/runs/subscribe`` sends it: who and what, and little of what is inside."""
    body: dict[str, Any] = {
        "type": event.type,
        "runId": event.run_id,
        "jobName": event.job_name,
        "labels": event.labels,
    }
    if isinstance(event, events.RunProgress):
        body["progress"] = event.progress
    elif isinstance(event, events.RunCoalesced):
        body["skippedInput"] = event.skipped_input
        body["skippedLabels"] = event.skipped_labels
    elif isinstance(
        event, events.StepStart | events.StepComplete | events.StepFail | events.StepCancel
    ):
        body["stepName"] = event.step_name
        body["stepIndex"] = event.step_index
        if isinstance(event, events.StepFail):
            body["error"] = event.error
    elif isinstance(event, events.LogWrite):
        body["stepName"] = event.step_name
        body["level"] = event.level
        body["message"] = event.message
        if event.has_data:
            body["data"] = event.data
    return body


def run_event(event: events.Event) -> dict[str, Any]:
    """An event as ``/subscribe`` sends it, with all that it has."""
    body = runs_event(event)
    if isinstance(event, events.RunLeased):
        body["input"] = event.input
        body["leaseOwner"] = event.lease_owner
        body["leaseExpiresAt"] = event.lease_expires_at
    elif isinstance(event, events.RunComplete | events.StepComplete):
        body["output"] = event.output
        body["duration"] = event.duration
    elif isinstance(event, events.RunFail):
        body["error"] = event.error
        body["failedStepName"] = event.failed_step_name
    body["timestamp"] = event.timestamp
    body["sequence"] = event.sequence
    return body


def frame(body: dict[str, Any]) -> bytes:
    """One server-sent event: bare data, as every Durably server sends it."""
    return b"data: " + encode(body) + b"\n\n"
