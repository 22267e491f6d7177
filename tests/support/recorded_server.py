"""A server that answers from the recordings: each request its recorded answer, streams byte for
byte, ended where the real server ended them."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from support.bad_servers import BASE_PATH, BadServer, Request, listening, response_head
from support.recordings import Exchange, closed_by_server, exchange, exchange_names, stream_bytes


def recorded_server(
    generation: str, streams: Mapping[str, str] | None = None, *, chunk: int = 0
) -> AbstractAsyncContextManager[BadServer]:
    """Serve a generation's recordings; what was not recorded is its 404.

    `streams` says which recording a stream route plays (`{"/subscribe": "subscribe-live-failed"}`),
    in chunks of `chunk` bytes, or at once.
    """
    recorded = [exchange(generation, name) for name in exchange_names(generation)]
    missing = (404, "text/plain;charset=UTF-8", b"Not Found")

    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        path = request.path.removeprefix(BASE_PATH)
        name = (streams or {}).get(path.partition("?")[0])
        if name is None:
            status, kind, body = next(
                (written(one) for one in recorded if is_same(one, request, path)), missing
            )
            head = response_head(status, {"Content-Type": kind, "Content-Length": str(len(body))})
            writer.write(head + body)
            return
        writer.write(response_head(200, {"Content-Type": "text/event-stream"}))
        content = stream_bytes(generation, name)
        for at in range(0, len(content), chunk or len(content) or 1):
            writer.write(content[at : at + (chunk or len(content))])
            await writer.drain()
        if not closed_by_server(generation)[name]:
            await asyncio.Event().wait()

    return listening(respond)


def is_same(recorded: Exchange, request: Request, path: str) -> bool:
    """Whether this was asked. The first answer stands where it was asked twice."""
    body = json.loads(request.body) if request.body else None
    asked = (recorded.method, recorded.path, recorded.request_body)
    return asked == (request.method, path, body)


def written(recorded: Exchange) -> tuple[int, str, bytes]:
    text = recorded.body if isinstance(recorded.body, str) else json.dumps(recorded.body)
    return recorded.status, recorded.content_type, text.encode()
