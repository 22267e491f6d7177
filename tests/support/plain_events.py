"""Servers as plain httpx sees them: no client of ours stands between."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx


class Events:
    """The events of one open stream, read as they come."""

    def __init__(self, response: httpx.Response) -> None:
        # Not `aiter_lines`: it splits at U+2028 and others, which JSON may contain.
        self._chunks = response.aiter_raw()
        self._content = b""

    async def next(self) -> dict[str, Any]:
        while b"\n\n" not in self._content:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise EOFError("the server ended the stream")
            self._content += chunk
        whole, _, self._content = self._content.partition(b"\n\n")
        event: dict[str, Any] = json.loads(whole.removeprefix(b"data: "))
        return event

    async def until(self, type: str, run_id: str | None = None) -> list[dict[str, Any]]:
        """Read up to and including the first event of that type (of that run)."""
        events = [await self.next()]
        while events[-1]["type"] != type or (run_id and events[-1]["runId"] != run_id):
            events.append(await self.next())
        return events


@asynccontextmanager
async def events_of(http: httpx.AsyncClient, path: str, **params: str) -> AsyncIterator[Events]:
    async with http.stream("GET", path, params=params) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield Events(response)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]
