"""A server of nothing but jobs: it lists them with any schemas, and takes whatever is triggered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from support.bad_servers import BASE_PATH, Request, listening, response_head

_NO_ID = (400, {"error": "runId query parameter is required"})
_STATUS = (400, {"error": "Invalid status: bogus. Must be one of: pending, leased"})


class ListingJobs:
    """What it was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.triggered: list[dict[str, Any]] = []


@asynccontextmanager
async def listing_jobs(schemas: Mapping[str, Any]) -> AsyncIterator[ListingJobs]:
    """Serve jobs by name with the schema of what each takes."""
    told = ListingJobs("")
    answers: dict[str, tuple[int, Any]] = {
        "": (200, {"generation": "0.15", "features": ["jobs"]}),
        "/jobs": (200, [{"name": name, "inputSchema": each} for name, each in schemas.items()]),
        "/runs": (200, []),
        "/retry": _NO_ID,
        "/retrigger": _NO_ID,
    }

    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        path, _, query = request.path.removeprefix(BASE_PATH).partition("?")
        if path == "/runs/subscribe":
            writer.write(response_head(200, {"Content-Type": "text/event-stream"}))
            await asyncio.Event().wait()
        status, body = answers.get(path, (404, "Not Found"))
        if path == "/trigger":
            told.triggered.append(json.loads(request.body))
            status, body = 200, {"runId": f"r{len(told.triggered)}", "disposition": "created"}
        elif "bogus" in query:
            status, body = _STATUS
        text = json.dumps(body).encode()
        head = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        writer.write(response_head(status, head) + text)

    async with listening(respond) as server:
        told.url = server.url
        yield told
