"""All routes, one table: the handler dispatches by it, and the OpenAPI document is made of it.

``/openapi.json`` describes itself, so it is added where the document is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from durably_server.http import overview, runs, streams
from durably_server.http.app import Endpoint
from durably_server.http.parameters import (
    AFTER_EVENT,
    AFTER_LINE,
    BEFORE_LINE,
    CREATED_AFTER,
    CREATED_BEFORE,
    CURSOR,
    EVENTS,
    JOB_NAME,
    LABEL,
    LAST_EVENT_ID,
    LEVEL,
    LIMIT,
    LINES,
    OF_RUN,
    OFFSET,
    RUN_ID,
    SEARCH,
    STATUS,
    TOTAL,
    WINDOW,
    Parameter,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route.

    Attributes:
        method: of HTTP.
        path: below the base path.
        name: what the rest of the server calls it; the ``operationId``.
        about: one sentence.
        endpoint: what answers.
        parameters: what the query and the headers may say.
        body: name of the schema of the request's body.
        answer: the schema of a 200, or the media type of one that is not JSON.
        refusals: other status codes, besides those that every route may have.
        answer_headers: headers of a 200, each with what it says.
        own: whether it is this server's own: it refuses parameters that it does not know, where
            a route of Durably's passes over them as Durably's server does.
        is_open: whether it is answered without asking who it is.
    """

    method: str
    path: str
    name: str
    about: str
    endpoint: Endpoint
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    answer: Mapping[str, Any] | str
    refusals: tuple[int, ...] = ()
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    is_open: bool = False


def _list_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _one(name)}


def _one(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


EVENT_STREAM = "text/event-stream"
_ONE_RUN = (RUN_ID,)
_OF_STREAM = (EVENTS, AFTER_EVENT, LAST_EVENT_ID)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="",
        name="about",
        about="What this server is, which generation it speaks, and what else it can do.",
        endpoint=overview.about,
        answer=_one("About"),
        own=True,
    ),
    Route(
        method="GET",
        path="/runs",
        name="runs",
        about="Runs, newest first by (createdAt, id).",
        endpoint=runs.get_runs,
        parameters=(
            *(JOB_NAME, STATUS, LABEL, LIMIT, OFFSET),
            *(CREATED_AFTER, CREATED_BEFORE, SEARCH, CURSOR, TOTAL),
        ),
        answer=_list_of("Run"),
        answer_headers={
            "X-Next-After": "`after` for the next page; absent on the last one.",
            "X-Total-Count": "How many runs fit on all pages, where `total=true`.",
        },
    ),
    Route(
        method="GET",
        path="/run",
        name="run",
        about="One run.",
        endpoint=runs.get_run,
        parameters=_ONE_RUN,
        answer=_one("Run"),
        refusals=(404,),
    ),
    Route(
        method="GET",
        path="/steps",
        name="steps",
        about="The checkpoints of a run, by index.",
        endpoint=runs.get_steps,
        parameters=_ONE_RUN,
        answer=_list_of("Step"),
        refusals=(404,),
    ),
    Route(
        method="POST",
        path="/trigger",
        name="trigger",
        about="Store a run; once answered, it survives a crash.",
        endpoint=runs.trigger,
        body="TriggerRequest",
        answer=_one("Triggered"),
        refusals=(404, 409, 413),
    ),
    Route(
        method="POST",
        path="/retry",
        name="retry",
        about="Resume a failed or cancelled run after its last finished step.",
        endpoint=runs.retry,
        parameters=_ONE_RUN,
        answer=_one("Success"),
        refusals=(404, 409),
    ),
    Route(
        method="POST",
        path="/retrigger",
        name="retrigger",
        about="A new run with the input and labels of one that has ended.",
        endpoint=runs.retrigger,
        parameters=_ONE_RUN,
        answer=_one("Retriggered"),
        refusals=(404, 409),
    ),
    Route(
        method="POST",
        path="/cancel",
        name="cancel",
        about="Cancel a run that has not ended.",
        endpoint=runs.cancel,
        parameters=_ONE_RUN,
        answer=_one("Success"),
        refusals=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/run",
        name="delete",
        about="Delete a run that has ended, with its steps and logs.",
        endpoint=runs.delete,
        parameters=_ONE_RUN,
        answer=_one("Success"),
        refusals=(404, 409),
    ),
    Route(
        method="GET",
        path="/subscribe",
        name="subscribe",
        about="The state of a run as events, then what happens to it, until it has ended.",
        endpoint=streams.subscribe_run,
        parameters=(*_ONE_RUN, *_OF_STREAM),
        answer=EVENT_STREAM,
        refusals=(404,),
    ),
    Route(
        method="GET",
        path="/runs/subscribe",
        name="subscribe_runs",
        about="The events of all runs that fit, from now on or from an event on.",
        endpoint=streams.subscribe_runs,
        parameters=(JOB_NAME, LABEL, *_OF_STREAM),
        answer=EVENT_STREAM,
    ),
    Route(
        method="GET",
        path="/jobs",
        name="jobs",
        about="The registered jobs, with JSON Schemas, and their runs by status.",
        endpoint=overview.get_jobs,
        answer=_list_of("Job"),
        own=True,
    ),
    Route(
        method="GET",
        path="/logs",
        name="logs",
        about="Stored log lines of a run or of all runs, oldest first.",
        endpoint=overview.get_logs,
        parameters=(OF_RUN, JOB_NAME, LEVEL, AFTER_LINE, BEFORE_LINE, LINES),
        answer=_list_of("Log"),
        refusals=(404,),
        own=True,
    ),
    Route(
        method="GET",
        path="/stats",
        name="stats",
        about="Counts, rates and durations of each job, over a window that ends now.",
        endpoint=overview.get_stats,
        parameters=(WINDOW,),
        answer=_one("Stats"),
        own=True,
    ),
    Route(
        method="GET",
        path="/health",
        name="health",
        about="Whether the server lives and is ready; a 503 if it is not ready.",
        endpoint=overview.get_health,
        answer=_one("Health"),
        own=True,
    ),
    Route(
        method="GET",
        path="/health/live",
        name="live",
        about="Whether the server lives. Needs no token.",
        endpoint=overview.get_live,
        answer=_one("Live"),
        own=True,
        is_open=True,
    ),
    Route(
        method="GET",
        path="/health/ready",
        name="ready",
        about="Whether the server can do its work; a 503 if it cannot.",
        endpoint=overview.get_ready,
        answer=_one("Ready"),
        own=True,
    ),
    Route(
        method="GET",
        path="/metrics",
        name="metrics",
        about="Counters and gauges in the Prometheus text format.",
        endpoint=overview.get_metrics,
        answer="text/plain",
        own=True,
    ),
)
