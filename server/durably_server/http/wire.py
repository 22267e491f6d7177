"""What goes over the wire, in the words of generation 0.15 (protocol.md).

``timestamp`` on the events of ``/runs/subscribe`` and the ``id:`` of frames are this server's own;
a client of either generation passes over them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from durably_server.engine import events
from durably_server.engine.codec import encode
from durably_server.engine.errors import (
    ConflictError,
    DurablyError,
    InvalidRequestError,
    NotFoundError,
    StoreError,
)
from durably_server.engine.events import ENDS_A_RUN, Event
from durably_server.engine.model import LogRecord, Run, RunFilter, StepRecord
from durably_server.engine.triggering import Triggered
from durably_server.http.parameters import (
    CREATED_AFTER,
    CREATED_BEFORE,
    EVENTS,
    JOB_NAME,
    LIMIT,
    OFFSET,
    SEARCH,
    STATUS,
    Parameter,
    Query,
)
from durably_server.http.requests import BodyTooLargeError, TriggerRequest, json_object

_STATUS_CODES: tuple[tuple[type[DurablyError], int], ...] = (
    (NotFoundError, 404),
    (InvalidRequestError, 400),
    (ConflictError, 409),
    (BodyTooLargeError, 413),
    (StoreError, 503),
)
_NOT_OF_ONE_RUN = frozenset({"run:trigger", "run:coalesced", "step:cancel"})
"""Events that a stream about one run does not carry."""
_NOT_SENT = frozenset({"run:lease-renewed"})
_SENT: tuple[type[Event], ...] = (
    events.RunTrigger,
    events.RunCoalesced,
    events.RunRetry,
    events.RunLeased,
    events.RunProgress,
    events.RunComplete,
    events.RunFail,
    events.RunCancel,
    events.RunDelete,
    events.StepStart,
    events.StepComplete,
    events.StepFail,
    events.StepCancel,
    events.LogWrite,
)


_OF_A_STEP = (events.StepStart, events.StepComplete, events.StepFail, events.StepCancel)


class Words:
    """A generation of the protocol: its routes, words and status codes. This one is 0.15.

    Attributes:
        generation: its name.
        missing_routes: names of the routes that it does not have.
        lenient: of a parameter that is given twice the first counts.
        tells_state: whether ``/subscribe`` begins with the run's state; if not, an unknown run is
            no error either, since nothing is looked up.
        event_types: every word that a stream may carry.
    """

    generation = "0.15"
    missing_routes: frozenset[str] = frozenset()
    lenient = False
    tells_state = True
    event_types = frozenset(each.type for each in _SENT)

    # --- what is asked ---

    def runs_wanted(self, query: Query) -> RunFilter | None:
        """The filter of ``GET /runs``; None if nothing can fit."""
        return RunFilter(
            job_names=query.every(JOB_NAME),
            statuses=query.choices(STATUS),  # type: ignore[arg-type] # checked by its schema
            labels=query.labels(),
            created_after=query.text(CREATED_AFTER),
            created_before=query.text(CREATED_BEFORE),
            text=query.text(SEARCH),
            after=query.cursor(),
            limit=query.number(LIMIT),
            offset=query.number(OFFSET) or 0,
        )

    def runs_followed(self, query: Query) -> RunFilter:
        """The jobs and labels of ``GET /runs/subscribe``."""
        return RunFilter(job_names=query.every(JOB_NAME), labels=query.labels())

    def events_pattern(self) -> str:
        """What ``?events=`` may say, as a regular expression."""
        kinds = {f"{each.partition(':')[0]}:[*]" for each in self.event_types}
        one = "|".join(sorted(self.event_types | kinds))
        return f"({one})(,({one}))*"

    def parameters(self, known: Iterable[Parameter]) -> list[Parameter]:
        """A route's parameters as this generation has them."""
        events = {"type": "string", "pattern": f"^({self.events_pattern()})?$"}
        return [replace(each, schema=events) if each is EVENTS else each for each in known]

    def trigger(self, body: bytes) -> TriggerRequest:
        """The body of ``POST /trigger``."""
        return TriggerRequest.of(json_object(body))

    # --- what is answered ---

    def run(self, run: Run) -> dict[str, Any]:
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

    def triggered(self, triggered: Triggered) -> dict[str, Any]:
        """The answer to a trigger."""
        return {"runId": triggered.id, "disposition": triggered.disposition}

    def status_word(self, status: str) -> str:
        """A status as clients read it."""
        return status

    def failure(self, error: DurablyError, route: str, run_id: str | None) -> tuple[int, str]:
        """Status code and sentence for what went wrong on a route."""
        code = next((code for kind, code in _STATUS_CODES if isinstance(error, kind)), 500)
        return code, str(error)

    # --- what is told ---

    def event_type(self, event: Event) -> str:
        """The event's word."""
        return event.type

    def job_of(self, event: Event) -> str | None:
        """The job by which a stream of some jobs chooses; None is never chosen."""
        return event.job_name

    def ends(self, event: Event) -> bool:
        """Whether the event is the last one on a stream about its run."""
        return event.type in ENDS_A_RUN

    def runs_event(self, event: Event) -> dict[str, Any] | None:
        """An event as ``/runs/subscribe`` sends it: who and what, and little of what is inside.

        None where it is not sent.
        """
        if event.type in _NOT_SENT:
            return None
        body = outline(event)
        body["timestamp"] = event.timestamp
        return body

    def run_event(self, event: Event) -> dict[str, Any] | None:
        """An event as ``/subscribe`` sends it, with all that it has; None where it is not sent."""
        if event.type in _NOT_SENT or event.type in _NOT_OF_ONE_RUN:
            return None
        body = outline(event)
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


def outline(event: Event) -> dict[str, Any]:
    """What both kinds of streams tell of an event."""
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
    elif isinstance(event, _OF_A_STEP):
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


def step_json(step: StepRecord) -> dict[str, Any]:
    """A checkpoint, the same in both generations."""
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
        "jobName": log.job_name,
        "stepName": log.step_name,
        "level": log.level,
        "message": log.message,
        "data": log.data,
        "createdAt": log.created_at,
    }


def frame(body: Mapping[str, Any], event_id: str = "") -> bytes:
    """One server-sent event: its id, if it has one, and its data."""
    head = b"id: %b\n" % event_id.encode() if event_id else b""
    return head + b"data: " + encode(body) + b"\n\n"
