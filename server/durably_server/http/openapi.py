"""``/openapi.json``: made of the table of routes, so that it says what the server does."""

from collections.abc import Iterable, Sequence
from typing import Any

from durably_server.http.answers import Answer, json_answer
from durably_server.http.app import Call, server_version
from durably_server.http.parameters import RUN_ID, Parameter
from durably_server.http.routes import EVENT_STREAM, ROUTES, Route
from durably_server.http.schemas import Job, schemas
from durably_server.http.wire import Words

_STRING = {"type": "string"}
_TRIGGERED = "$response.body#/runId"
_ALWAYS = (400, 401, 403, 431, 500, 503)
_MEANINGS = {
    400: "Something in the request is missing or wrong; nothing was stored.",
    401: "The client is not known.",
    403: "The client may not do this, or the Host or Origin is refused.",
    404: "There is no such run or job.",
    409: "The state of the run, or another run, forbids it.",
    413: "The body is too large.",
    431: "The headers are too large.",
    500: "The server failed, and its log says why; in generation 0.8 also what is a 400 or a 409.",
    503: "The database cannot be used, or the server is stopping.",
}


def document(words: Words, base_path: str, jobs: Sequence[Job] = ()) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all routes of a generation, and of what the jobs take."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes_of(words):
        paths.setdefault(route.path or "/", {})[route.method.lower()] = _operation(route, words)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "durably-server",
            "version": server_version(),
            "description": f"The Durably protocol, generation {words.generation}, and more.",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas(words, jobs),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def routes_of(words: Words) -> list[Route]:
    """The routes that a generation has."""
    return [route for route in (*ROUTES, OPENAPI) if route.name not in words.missing_routes]


async def get_document(call: Call) -> Answer:
    """This server's description."""
    # Below a mount the application's own path comes first.
    path: str = call.scope["path"]
    jobs = sorted(call.app.durably.jobs, key=lambda job: job.name)
    return json_answer(document(call.app.words, path.removesuffix(OPENAPI.path), jobs))


OPENAPI = Route(
    method="GET",
    path="/openapi.json",
    name="openapi",
    about="This document.",
    endpoint=get_document,
    answer={"type": "object"},
    own=True,
)


def _operation(route: Route, words: Words) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.about,
        "parameters": [_parameter(each) for each in words.parameters(route.parameters)],
        "responses": {"200": _success(route)} | _refusals({*_ALWAYS, *route.refusals}),
    }
    if route.name in ("ready", "health"):
        found["responses"]["503"] = {"description": "Not ready.", "content": _content(route)}
    if route.body is not None:
        body = {"$ref": f"#/components/schemas/{route.body}"}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        found["responses"]["200"]["links"] = {
            other.name: {"operationId": other.name, "parameters": {"runId": _TRIGGERED}}
            for other in routes_of(words)
            if RUN_ID in other.parameters
        }
    if route.is_open:
        found["security"] = []
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.about,
        "required": parameter.required,
        "schema": dict(parameter.schema),
    }
    if parameter.may_be_empty and parameter.place == "query":
        found["allowEmptyValue"] = True
    if parameter.many:
        found["schema"] = {"type": "array", "items": dict(parameter.schema)}
        found["explode"] = True
    return found


def _success(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {"description": "Done.", "content": _content(route)}
    if route.answer_headers:
        found["headers"] = {
            name: {"description": about, "schema": _STRING}
            for name, about in route.answer_headers.items()
        }
    return found


def _content(route: Route) -> dict[str, Any]:
    if not isinstance(route.answer, str):
        return {"application/json": {"schema": dict(route.answer)}}
    if route.answer != EVENT_STREAM:
        return {route.answer: {"schema": _STRING}}
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": "#/components/schemas/Event"},
    }
    about = "Server-sent events; each has one data line, and most have an id."
    frame = {"type": "object", "description": about, "properties": {"data": data, "id": _STRING}}
    return {EVENT_STREAM: {"schema": frame | {"required": ["data"]}}}


def _refusals(codes: Iterable[int]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    content = {"application/json": {"schema": schema}}
    return {
        str(code): {"description": _MEANINGS[code], "content": content} for code in sorted(codes)
    }
