"""Recorded exchanges of real servers, asked again of another one."""

import json
import re
from collections.abc import Collection
from typing import Any

import httpx
from support.recordings import exchange

_ULID = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJKMNP-TV-Z]{26}(?![0-9A-Za-z])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def normal(value: Any) -> Any:
    """Without what differs between any two servers: ids, times, durations, sequence numbers."""
    if isinstance(value, dict):
        return {
            key: (
                "<number>"
                if key in ("delayMs", "duration") or (key == "sequence" and inner > 0)
                else normal(inner)
            )
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    if isinstance(value, str):
        return _TIME.sub("<time>", _ULID.sub("<id>", value))
    return value


def shape(value: Any) -> Any:
    """The keys of a list's items, as what a list holds depends on what was run before."""
    return sorted({tuple(sorted(item)) for item in value})


class Asking:
    """Sends a recorded request with today's run ids, and notes where the answer differs."""

    def __init__(
        self, client: httpx.AsyncClient, generation: str, other_words: Collection[str]
    ) -> None:
        self._client = client
        self._generation = generation
        self._other_words = other_words
        self.differences: dict[str, Any] = {}
        self.asked: set[str] = set()

    async def __call__(self, name: str, run_id: str | None = None, body: Any = None) -> Any:
        self.asked.add(name)
        expected = exchange(self._generation, name)
        path = expected.path
        if run_id is not None:
            path = path.split("?")[0] + f"?runId={run_id}"
        content = expected.request_bytes if body is None else json.dumps(body).encode()
        answer = await self._client.request(expected.method, path, content=content)
        got_type = answer.headers["content-type"]
        got = answer.json() if got_type == "application/json" else answer.text
        mine: tuple[Any, ...] = (answer.status_code, got_type, normal(got))
        theirs: tuple[Any, ...] = (
            expected.status,
            expected.content_type,
            normal(expected.body),
        )
        if name in self._other_words:
            mine, theirs = (*mine[:2], type(got["error"])), (*theirs[:2], str)
        elif isinstance(expected.body, list) and expected.body:
            mine, theirs = (*mine[:2], shape(mine[2])), (*theirs[:2], shape(theirs[2]))
        if mine != theirs:
            self.differences[name] = (mine, theirs)
        return got
