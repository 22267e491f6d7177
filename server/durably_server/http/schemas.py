"""JSON Schemas of what the routes take and give, for the OpenAPI document."""

from collections.abc import Mapping, Sequence
from typing import Any

from durably_server.engine.errors import InvalidRequestError
from durably_server.engine.jobs import JobDefinition
from durably_server.engine.model import LEVELS, STATUSES
from durably_server.http.wire import Words

Job = JobDefinition[Any, Any]

_TEXT = {"type": "string"}
_NAME = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 0}
_ANY: dict[str, Any] = {}
_TIME = {"type": "string", "description": "ISO 8601, UTC, milliseconds"}
_LABELS = {"type": "object", "additionalProperties": _TEXT}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
    }


_PROGRESS = _object(
    {"current": {"type": "number"}}, {"total": {"type": "number"}, "message": _TEXT}
)
_SUCCESS = {"success": {"const": True}}
_READY = {
    "ready": {"type": "boolean"},
    "database": {"type": "string", "description": "ok, or what is wrong with it"},
    "worker": {"enum": ["running", "stopped", "elsewhere"]},
}


def schemas(words: Words, jobs: Sequence[Job]) -> dict[str, Any]:
    """All schemas by name, in the words of a generation."""
    older = words.generation == "0.8"
    counts = _object({words.status_word(status): _COUNT for status in STATUSES})
    return {
        "Error": _object({"error": {"type": "string", "description": "One sentence."}}),
        "About": _object(
            {
                "name": _TEXT,
                "version": _TEXT,
                "generation": {"const": words.generation},
                "features": {"type": "array", "items": _TEXT},
            }
        ),
        "Run": _run08(words) if older else _run(),
        "Step": _object(
            {
                "id": _TEXT,
                "runId": _TEXT,
                "name": _TEXT,
                "index": _COUNT,
                "status": {"enum": ["completed", "failed", "cancelled"]},
                "output": _ANY,
                "error": _maybe(_TEXT),
                "startedAt": _TIME,
                "completedAt": _maybe(_TIME),
            }
        ),
        "Log": _object(
            {
                "id": _TEXT,
                "runId": _TEXT,
                "jobName": _TEXT,
                "stepName": _maybe(_TEXT),
                "level": {"enum": list(LEVELS)},
                "message": _TEXT,
                "data": _ANY,
                "createdAt": _TIME,
            }
        ),
        "TriggerRequest": _trigger(words, jobs),
        "Triggered": _object(
            {"runId": _TEXT}
            if older
            else {
                "runId": _TEXT,
                "disposition": {"enum": ["created", "idempotent", "coalesced"]},
            }
        ),
        "Success": _object(_SUCCESS),
        "Retriggered": _object(_SUCCESS | {"runId": _TEXT}),
        "Job": _object(
            {
                "name": _TEXT,
                "description": _TEXT,
                "inputSchema": {"type": "object"},
                "outputSchema": {"type": "object"},
            },
            {"counts": counts, "lastRunAt": _maybe(_TIME)},
        ),
        "Stats": _object(
            {
                "window": {"type": "integer", "description": "seconds"},
                "jobs": {"type": "array", "items": _stats(counts)},
            }
        ),
        "Live": _object({"live": {"const": True}}),
        "Ready": _object(_READY),
        "Health": _object({"live": {"const": True}} | _READY),
        "Event": _event(words),
        **job_inputs(jobs),
    }


def _run() -> dict[str, Any]:
    return _object(
        {
            "id": _TEXT,
            "jobName": _TEXT,
            "input": _ANY,
            "status": {"enum": list(STATUSES)},
            "currentStepIndex": _COUNT,
            "completedStepCount": _COUNT,
            "progress": _maybe(_PROGRESS),
            "output": _ANY,
            "error": _maybe(_TEXT),
            "labels": _LABELS,
            "startedAt": _maybe(_TIME),
            "completedAt": _maybe(_TIME),
            "createdAt": _TIME,
            "isTerminal": {"type": "boolean"},
            "isActive": {"type": "boolean"},
        }
    )


def _run08(words: Words) -> dict[str, Any]:
    return _object(
        {
            "id": _TEXT,
            "jobName": _TEXT,
            "payload": _ANY,
            "status": {"enum": [words.status_word(status) for status in STATUSES]},
            "idempotencyKey": _maybe(_TEXT),
            "concurrencyKey": _maybe(_TEXT),
            "currentStepIndex": _COUNT,
            "stepCount": _COUNT,
            "progress": _maybe(_PROGRESS),
            "output": _ANY,
            "error": _maybe(_TEXT),
            "heartbeatAt": _TIME,
            "createdAt": _TIME,
            "updatedAt": _TIME,
        }
    )


def _trigger(words: Words, jobs: Sequence[Job]) -> dict[str, Any]:
    """One form for each job, so that it says what the job takes; any job if there is none."""
    if not jobs:
        return _trigger_form(words, _NAME, {}, needs_input=False)
    return {
        "anyOf": [
            _trigger_form(words, {"const": job.name}, _reference(at), needs_input=_needs(job))
            for at, job in enumerate(jobs)
        ]
    }


def _trigger_form(
    words: Words, name: dict[str, Any], input: dict[str, Any], *, needs_input: bool
) -> dict[str, Any]:
    keys = {"idempotencyKey": _maybe(_TEXT), "concurrencyKey": _maybe(_TEXT)}
    required = {"jobName": name} | ({"input": input} if needs_input else {})
    found = _object(required, {"input": input} | keys)
    if words.generation != "0.8":
        allowed = {"propertyNames": {"pattern": r"^[a-zA-Z0-9\-_./]+$"}}
        found["properties"]["labels"] = _maybe(_LABELS | allowed)
        found["properties"]["coalesce"] = {"enum": ["skip", None]}
        # To coalesce is to join the run that waits for a key.
        found["if"] = {"properties": {"coalesce": {"const": "skip"}}, "required": ["coalesce"]}
        found["then"] = {"properties": {"concurrencyKey": _NAME}, "required": ["concurrencyKey"]}
    return found


def _needs(job: Job) -> bool:
    try:
        job.parse_input(None)
    except InvalidRequestError:
        return True
    return False


def _reference(at: int) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/job{at}"}


def job_inputs(jobs: Sequence[Job]) -> dict[str, Any]:
    """The schemas of the jobs' inputs by their names in the document, and what they refer to."""
    found: dict[str, Any] = {}
    for at, job in enumerate(jobs):
        schema = dict(job.input_schema)
        inner = schema.pop("$defs", {})
        names = {f"#/$defs/{name}": f"job{at}.{n}" for n, name in enumerate(inner)}
        found[f"job{at}"] = _moved({"title": job.name} | schema, names)
        for name, each in inner.items():
            found[names[f"#/$defs/{name}"]] = _moved(each, names)
    return found


def _moved(schema: Any, names: Mapping[str, str]) -> Any:
    """A schema whose references lead to where the definitions are in the document."""
    if isinstance(schema, list):
        return [_moved(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(each, names) for key, each in schema.items()}
    if isinstance(schema.get("$ref"), str) and schema["$ref"] in names:
        moved["$ref"] = f"#/components/schemas/{names[schema['$ref']]}"
    moved.pop("discriminator", None)  # a hint only, whose references are written otherwise
    return moved


def _stats(counts: dict[str, Any]) -> dict[str, Any]:
    return _object(
        {
            "jobName": _TEXT,
            "counts": counts,
            "started": _COUNT,
            "completed": _COUNT,
            "failed": _COUNT,
            "cancelled": _COUNT,
            "ratePerMinute": {"type": "number"},
            "durationMs": _object({"p50": _maybe(_COUNT), "p95": _maybe(_COUNT)}),
            "lastRunAt": _maybe(_TIME),
        }
    )


def _event(words: Words) -> dict[str, Any]:
    """What a ``data:`` line holds; which fields there are besides depends on the type."""
    gap = _object(
        {"type": {"const": "gap"}, "reason": {"enum": ["slow", "expired", "unknown"]}},
        {"timestamp": _TIME},
    )
    event = _object(
        {"type": {"enum": sorted(words.event_types)}, "runId": _TEXT},
        {"jobName": _TEXT, "timestamp": _TIME, "sequence": _COUNT},
    )
    return {"anyOf": [event, gap]}
