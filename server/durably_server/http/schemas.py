"""JSON Schemas of what the routes take and give, for the OpenAPI document."""

from typing import Any

from durably_server.engine.filters import LEVELS
from durably_server.engine.model import STATUSES
from durably_server.http.wire import Words

_TEXT = {"type": "string"}
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


def schemas(words: Words) -> dict[str, Any]:
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
        "TriggerRequest": _trigger(older),
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


def _trigger(older: bool) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "input": {"description": "What the job's inputSchema accepts; see /jobs."},
        "idempotencyKey": _maybe(_TEXT),
        "concurrencyKey": _maybe(_TEXT),
    }
    if not older:
        optional["labels"] = _maybe(
            _LABELS | {"propertyNames": {"pattern": r"^[a-zA-Z0-9\-_./]+$"}}
        )
        optional["coalesce"] = {
            "enum": ["skip", None],
            "description": "skip: join the run that waits for the concurrencyKey, which it needs",
        }
    name = {"type": "string", "minLength": 1}
    return _object({"jobName": name}, optional)


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
