"""``protocol.md``, from the server's table of routes."""

from __future__ import annotations

from durably_server.http import hub, requests
from durably_server.http.openapi import OPENAPI
from durably_server.http.overview import FEATURES
from durably_server.http.parameters import (
    JOB_NAME,
    LABEL,
    LIMIT,
    OFFSET,
    RUN_ID,
    STATUS,
    Parameter,
)
from durably_server.http.routes import ROUTES, Route

from .markdown import code, document, first_paragraph, table

_DURABLYS = {each.name for each in (JOB_NAME, STATUS, LABEL, LIMIT, OFFSET, RUN_ID)}
"""Parameters that a Durably server knows as well."""
_DIFFERS = {
    "retry": "as 0.8 has it; 0.15 has `/retrigger` instead",
    "retrigger": "as 0.15 has it; not with `--generation 0.8`",
}


def page() -> str:
    """Every route; of each what a Durably server does not have."""
    routes = (*ROUTES, OPENAPI)
    return document(
        "Protocol",
        "durably_server/http/routes.py",
        "The server speaks the protocol of `@coji/durably` 0.15, with `--generation 0.8` that of "
        "0.8, below `/api/durably`. What it has beyond that is listed at its base address under "
        f"`features`: {', '.join(map(code, FEATURES))}. A client that knows nothing of them loses "
        "nothing. The whole description, with the schemas of the jobs' inputs, is at "
        "`/openapi.json`.",
        "## Routes of Durably",
        "The last column names the parameters that only this server has.",
        table(
            ("route", "what it does", "beyond Durably's"),
            [
                (
                    code(f"{route.method} {route.path}"),
                    route.about,
                    "; ".join(filter(None, (_DIFFERS.get(route.name), _added(route)))),
                )
                for route in routes
                if not route.own
            ],
        ),
        "## Routes of its own",
        table(
            ("route", "what it does", "parameters"),
            [
                (
                    code(f"{route.method} {route.path or '/'}"),
                    route.about,
                    ", ".join(code(each.name) for each in route.parameters),
                )
                for route in routes
                if route.own
            ],
        ),
        "They refuse a parameter that they do not know; the routes of Durably ignore it.",
        "## Parameters beyond Durably's",
        *(_parameters(route) for route in routes if route.own and route.parameters),
        *(_parameters(route) for route in routes if not route.own and _extra(route)),
        "## Streams",
        "Events have ids where the feature `event-ids` is listed: a client that reconnects with "
        "`Last-Event-ID` gets what it missed first. An id without data comes at the beginning, and "
        f"with each keep-alive, which is sent every {hub.KEEP_ALIVE_INTERVAL:.0f} s unless "
        "something else was sent since the last one, and says how far the stream is. "
        + first_paragraph(hub.gap_frame)
        + " The reason is `slow` (the client did not read), `expired` (the event is too long ago) "
        "or `unknown` (no such event).",
        "## Limits",
        f"A body has at most {requests.MAX_BODY:,} bytes (`--max-body`), the headers at most "
        f'{requests.MAX_HEADERS:,}. An error is `{{"error": "one sentence"}}` with its status.',
    )


def _extra(route: Route) -> list[Parameter]:
    return [each for each in route.parameters if each.name not in _DURABLYS]


def _added(route: Route) -> str:
    return ", ".join(code(each.name) for each in _extra(route))


def _parameters(route: Route) -> str:
    shown = route.parameters if route.own else _extra(route)
    rows = table(
        ("parameter", "what it says"),
        [
            (
                code(each.name) + (" (header)" if each.place == "header" else ""),
                each.about + (" Repeatable." if each.many else ""),
            )
            for each in shown
        ],
    )
    return f"### `{route.method} {route.path}`\n\n{rows}"
