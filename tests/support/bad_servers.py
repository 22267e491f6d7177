"""Servers that do what a monitor meets in the field: refuse, hang, lie, cut and fall silent.

Each is `async with … as server` and gives a BadServer with `url` (a base URL to hand to the
program under test), `port` and `requests`. They are written on bare sockets, as an HTTP
library would not let them misbehave. `closed_port` is a plain `with`.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from support.serving import stop_accepting

BASE_PATH = "/api/durably"
CERTIFICATE = Path(__file__).parent / "self_signed.pem"
CERTIFICATE_KEY = Path(__file__).parent / "self_signed_key.pem"

PROXY_HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.25.3</center>\r\n"
    "</body>\r\n</html>\r\n"
)
LOGIN_HTML = "<!doctype html><html><head><title>Sign in</title></head><body>Hello</body></html>"

Respond = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """One request as it came; `path` carries the query; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class BadServer:
    """Where the server listens and what it was asked."""

    port: int
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{BASE_PATH}"

    @property
    def https_url(self) -> str:
        """The same address for a client that expects TLS."""
        return f"https://127.0.0.1:{self.port}{BASE_PATH}"


@contextmanager
def closed_port() -> Iterator[BadServer]:
    """An address that refuses connections: a port that is taken, but where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield BadServer(sock.getsockname()[1])


@asynccontextmanager
async def listening(
    respond: Respond | None, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[BadServer]:
    """Answer each request by `respond` and close the connection; None never reads nor answers.

    On leaving, every connection that is still open is broken off.
    """
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bad.connections += 1
        if respond is None:
            await asyncio.Event().wait()
            return
        request = await read_request(reader)
        if request is None:
            writer.write(response_head(400, {"Content-Length": "0"}))
        else:
            bad.requests.append(request)
            await respond(request, writer)
        await writer.drain()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.add(writer)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client left, or the server is being closed
        finally:
            tasks.discard(task)
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=tls)
    bad = BadServer(server.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield bad
    finally:
        await stop_accepting(server)
        server.close()
        for writer in writers:
            writer.transport.abort()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; None if the client closed, or speaks something else, such as TLS."""
    try:
        first = await reader.readexactly(1)
        if not first.isalpha():
            return None
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    start, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    method, _, target = start.partition(" ")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target.partition(" ")[0], headers, body)


# Answers that are no Durably


def canned(
    status: int,
    content_type: str,
    body: str | bytes,
    headers: Mapping[str, str] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
) -> AbstractAsyncContextManager[BadServer]:
    """Give one answer to every request."""
    content = body.encode() if isinstance(body, str) else body
    head = response_head(
        status,
        {"Content-Type": content_type, "Content-Length": str(len(content)), **(headers or {})},
    )

    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head + content)

    return listening(respond, tls=tls)


def response_head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**headers, "Connection": "close"}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def silent() -> AbstractAsyncContextManager[BadServer]:
    """Accept connections and never answer."""
    return listening(None)


def html_page() -> AbstractAsyncContextManager[BadServer]:
    """Answer 200 with a web page, as a login wall or a wrong address does."""
    return canned(200, "text/html; charset=utf-8", LOGIN_HTML)


def html_502() -> AbstractAsyncContextManager[BadServer]:
    """Answer as a proxy whose server behind it is down."""
    return canned(502, "text/html", PROXY_HTML)


def unauthorized_json() -> AbstractAsyncContextManager[BadServer]:
    """Answer 401 with Durably's form of an error."""
    return canned(401, "application/json", json.dumps({"error": "Unauthorized"}))


def unauthorized_text() -> AbstractAsyncContextManager[BadServer]:
    """Answer 401 with text and a challenge."""
    challenge = {"WWW-Authenticate": 'Bearer realm="jobs"'}
    return canned(401, "text/plain", "authentication required", challenge)


def not_found_text() -> AbstractAsyncContextManager[BadServer]:
    """Answer 404 as Durably does below a wrong base path."""
    return canned(404, "text/plain;charset=UTF-8", "Not Found")


def other_api() -> AbstractAsyncContextManager[BadServer]:
    """Answer 200 with the JSON of some other API."""
    body = {"data": [{"kind": "Pod", "metadata": {"name": "web-1"}}], "next": None}
    return canned(200, "application/json", json.dumps(body))


def self_signed_tls() -> AbstractAsyncContextManager[BadServer]:
    """An empty Durably behind TLS with a certificate that no authority signed.

    A client that trusts CERTIFICATE gets its empty list of runs. A plain HTTP client that
    connects to this port gets its connection closed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE_KEY)
    return canned(200, "application/json", "[]", tls=context)


def plain_http() -> AbstractAsyncContextManager[BadServer]:
    """An empty Durably without TLS: use its `https_url`."""
    return canned(200, "application/json", "[]")


# Streams that go wrong

Ending = Literal["close", "cut", "hang"]


def frame(event: object) -> bytes:
    """Encode one event as Durably frames it."""
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def good_event(number: int) -> dict[str, object]:
    """An event of `/runs/subscribe` that any client must deliver, told apart by its number."""
    return {"type": "run:trigger", "runId": f"GOOD-{number}", "jobName": "echo", "labels": {}}


def streaming(
    chunks: Sequence[bytes], ending: Ending = "hang", *, chunked: bool = True
) -> AbstractAsyncContextManager[BadServer]:
    """An empty Durably whose streams send `chunks`, each in a write of its own, and then end.

    `ending` is "close" (in order), "cut" (the connection ends without the end of the body
    being sent) or "hang" (silence on an open connection). Without `chunked` the body ends with the
    connection, so a client cannot tell "close" from an answer that was cut.
    """
    framing = {"Transfer-Encoding": "chunked"} if chunked else {}
    head = response_head(200, {"Content-Type": "text/event-stream", **framing})
    empty = response_head(200, {"Content-Type": "application/json", "Content-Length": "2"}) + b"[]"

    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        if not request.path.partition("?")[0].endswith("/subscribe"):
            writer.write(empty)
            return
        writer.write(head)
        for chunk in chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            await writer.drain()
        if ending == "hang":
            await asyncio.Event().wait()
        elif ending == "close" and chunked:
            writer.write(b"0\r\n\r\n")

    return listening(respond)


# Frames that are wrong, by what is wrong with them; each is whole, so the next one is intact.
GARBAGE: dict[str, bytes] = {
    "bad JSON": b'data: {"type":"run:trigger","runId":\n\n',
    "not an object": b"data: [1, 2, 3]\n\n",
    "JSON null": b"data: null\n\n",
    "no type": frame({"runId": "x", "jobName": "echo"}),
    "wrong types": frame({"type": "run:progress", "runId": 7, "jobName": [], "progress": "half"}),
    "unknown type": frame({"type": "run:teleported", "runId": "x", "jobName": "echo"}),
    "deep nesting": b"data: " + b"[" * 20_000 + b"]" * 20_000 + b"\n\n",
    "10 MB line": b'data: {"type":"' + b"x" * 10_000_000 + b'"}\n\n',
    "NUL": b'data: {"type":"run:trigger\0","runId":"x"}\n\ndata: \0\n\n',
    "invalid UTF-8": b'data: {"type":"run:trigger","runId":"\xff\xfe\xc3"}\n\n',
    "no data": b"event: ping\nid: 7\nretry: -5\n\n",
    "only comments": b": keep-alive\n\n:\n\n",
    "unknown field": b"colour: red\ndata\n\n",
}


def garbage_stream(*kinds: str) -> AbstractAsyncContextManager[BadServer]:
    """Send the GARBAGE of these kinds (all, if none is named), a good event after each.

    The good events are `good_event(0)` … `good_event(n - 1)`.
    """
    named = kinds or tuple(GARBAGE)
    return streaming([GARBAGE[kind] + frame(good_event(n)) for n, kind in enumerate(named)])


def bom_stream() -> AbstractAsyncContextManager[BadServer]:
    """Send a byte order mark, which the HTML standard lets a client drop, then events 0 and 1."""
    return streaming([b"\xef\xbb\xbf" + frame(good_event(0)), frame(good_event(1))])


def line_end_stream(line_end: bytes) -> AbstractAsyncContextManager[BadServer]:
    r"""Send events 0, 1 and 2 with another line end (`b"\r"`, `b"\r\n"`), one chunk each."""
    return streaming([frame(good_event(n)).replace(b"\n", line_end) for n in range(3)])


def cut_stream(*, chunked: bool = True) -> AbstractAsyncContextManager[BadServer]:
    """Send event 0 and half of event 1, and break the connection."""
    whole, half = frame(good_event(0)), frame(good_event(1))[:30]
    return streaming([whole, half], "cut", chunked=chunked)


def half_open_stream() -> AbstractAsyncContextManager[BadServer]:
    """Send event 0, then nothing, on a connection that stays open: a dead peer looks like this."""
    return streaming([frame(good_event(0))], "hang")
