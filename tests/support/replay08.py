"""A Durably server of generation 0.8, which npm no longer has: `async with replay08() as peer`.

Its routes, words, quirks and first runs are those of the recordings in tests/wire/v0.8; its state
goes on from there (support.durably08), so that a monitor can trigger, retry, cancel and delete.
Frames are written in the recorded shapes: `Durably08.publish` takes whole events, each stream
shows its part of them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from support.durably08 import Durably08, Event
from support.jobs08 import JOBS, Refused
from support.recordings import stream_events
from support.serving import LoopbackServer, serving

BASE_PATH = "/api/durably"

Route = Callable[[Request], Awaitable[Response]]

# What `/runs/subscribe` shows of an event besides type, runId and jobName.
SHOWN = {
    "run:trigger": (),
    "run:start": (),
    "run:complete": (),
    "run:fail": (),
    "run:cancel": (),
    "run:retry": (),
    "run:progress": ("progress",),
    "step:start": ("stepName", "stepIndex"),
    "step:complete": ("stepName", "stepIndex"),
    "step:fail": ("stepName", "stepIndex", "error"),
    "log:write": ("stepName", "level", "message", "data"),
}


def javascript_json(value: Any) -> bytes:
    """Write JSON with the bytes of JSON.stringify."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def answer(body: Any, status: int = 200) -> Response:
    return Response(javascript_json(body), status, headers={"content-type": "application/json"})


def not_found() -> Response:
    return Response("Not Found", 404, headers={"content-type": "text/plain;charset=UTF-8"})


def first(request: Request, name: str) -> str | None:
    """Give the first value of a parameter: 0.8 knows no repeated ones. Empty counts as absent."""
    return next(iter(request.query_params.getlist(name)), None) or None


def integer(text: str | None) -> int | None:
    """Read a number as parseInt does: the digits in front count, whatever follows."""
    if text is None:
        return None
    digits = re.match(r"\s*[+-]?\d+", text)
    if digits is None:
        raise Refused("Only finite numbers (not Infinity or NaN) can be passed as arguments")
    return int(digits[0])


def no_run_id() -> Response:
    return answer({"error": "runId query parameter is required"}, 400)


class Stream:
    """One open SSE stream: a filter for events, and those that wait to be sent."""

    def __init__(self, show: Callable[[Event], Event | None], last: Callable[[Event], bool]):
        self._show = show
        self._last = last
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue()

    def push(self, event: Event) -> None:
        shown = self._show(event)
        if shown is not None:
            self._waiting.put_nowait(shown)
            if self._last(event):
                self.end()

    def end(self) -> None:
        self._waiting.put_nowait(None)

    async def frames(self) -> AsyncIterator[bytes]:
        while (event := await self._waiting.get()) is not None:
            yield b"data: " + javascript_json(event) + b"\n\n"


class StreamAnswer(StreamingResponse):
    """An SSE answer that says when it is over, even if it never began."""

    def __init__(self, stream: Stream, closed: Callable[[], None]) -> None:
        headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
        super().__init__(stream.frames(), headers=headers)
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._closed()


class App08:
    """The routes of 0.8 below BASE_PATH, over one state machine; an ASGI app."""

    def __init__(self, durably: Durably08) -> None:
        self.durably = durably
        self.streams: set[Stream] = set()
        self.streams_changed = asyncio.Event()
        self.requests: list[str] = []
        durably.listeners.append(self._publish)
        self._routes = {
            ("GET", "/runs"): self._runs,
            ("GET", "/run"): self._run,
            ("GET", "/steps"): self._steps,
            ("GET", "/subscribe"): self._subscribe,
            ("GET", "/runs/subscribe"): self._runs_subscribe,
            ("POST", "/trigger"): self._trigger,
            ("POST", "/retry"): self._act(durably.retry),
            ("POST", "/cancel"): self._act(durably.cancel),
            ("DELETE", "/run"): self._act(durably.delete_run),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path.removeprefix(BASE_PATH)
        self.requests.append(f"{request.method} {path}?{request.url.query}".removesuffix("?"))
        route = self._routes.get((request.method, path))
        try:
            response = await route(request) if route else not_found()
        except Refused as refused:
            response = answer({"error": str(refused)}, 500)
        await response(scope, receive, send)

    def close_streams(self) -> None:
        """End every open stream in order, as a server that shuts down does."""
        for stream in self.streams:
            stream.end()

    def _publish(self, event: Event) -> None:
        for stream in list(self.streams):
            stream.push(event)

    async def _runs(self, request: Request) -> Response:
        runs = self.durably.get_runs(
            first(request, "jobName"),
            first(request, "status"),
            integer(first(request, "limit")),
            integer(first(request, "offset")),
        )
        return answer(runs)

    async def _run(self, request: Request) -> Response:
        run_id = first(request, "runId")
        if run_id is None:
            return no_run_id()
        run = self.durably.get_run(run_id)
        return answer({"error": "Run not found"}, 404) if run is None else answer(run)

    async def _steps(self, request: Request) -> Response:
        run_id = first(request, "runId")
        return no_run_id() if run_id is None else answer(self.durably.get_steps(run_id))

    async def _trigger(self, request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            raise Refused("Expected property name or '}' in JSON at position 1") from None
        job_name = body.get("jobName") if isinstance(body, dict) else None
        if not job_name:
            return answer({"error": "jobName is required"}, 400)
        if job_name not in JOBS:
            return answer({"error": f"Job not found: {job_name}"}, 404)
        given = body.get("input")
        run = self.durably.trigger(
            job_name,
            {} if given is None else given,
            body.get("idempotencyKey"),
            body.get("concurrencyKey"),
        )
        return answer({"runId": run["id"]})

    def _act(self, action: Callable[[str], None]) -> Route:
        async def route(request: Request) -> Response:
            run_id = first(request, "runId")
            if run_id is None:
                return no_run_id()
            action(run_id)
            return answer({"success": True})

        return route

    async def _subscribe(self, request: Request) -> Response:
        run_id = first(request, "runId")
        if run_id is None:
            return no_run_id()

        def show(event: Event) -> Event | None:
            mine = event["runId"] == run_id and event["type"] != "run:trigger"
            return event if mine else None

        # A failed or cancelled run may be retried, so only completion ends the stream.
        return self._open(Stream(show, lambda event: event["type"] == "run:complete"))

    async def _runs_subscribe(self, request: Request) -> Response:
        job_name = first(request, "jobName")

        def show(event: Event) -> Event | None:
            # `log:write` has no jobName, so a stream of one job never has logs.
            if event["type"] not in SHOWN or (job_name and event.get("jobName") != job_name):
                return None
            fields = ("type", "runId", "jobName", *SHOWN[event["type"]])
            return {field: event[field] for field in fields if field in event}

        return self._open(Stream(show, lambda event: False))

    def _open(self, stream: Stream) -> Response:
        self.streams.add(stream)
        self.streams_changed.set()

        def closed() -> None:
            self.streams.discard(stream)
            self.streams_changed.set()

        return StreamAnswer(stream, closed)


class Replay08:
    """A running 0.8 server, and what a test does to it from the inside."""

    def __init__(self, app: App08, port: int, server: LoopbackServer) -> None:
        self.app = app
        self.durably = app.durably
        self.port = port
        self.url = f"http://127.0.0.1:{port}{BASE_PATH}"
        self._server = server

    @property
    def requests(self) -> list[str]:
        """Every request so far, as `GET /runs?limit=3`: how often was the list fetched?"""
        return self.app.requests

    async def streams_open(self, count: int, timeout: float = 10.0) -> None:
        """Wait until exactly `count` streams are open. Raises TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            while len(self.app.streams) != count:
                self.app.streams_changed.clear()
                await self.app.streams_changed.wait()

    def play(self, name: str) -> None:
        """Publish a recorded stream's events to whoever listens; the state does not follow."""
        for event in stream_events("v0.8", name):
            self.durably.publish(event)

    def close_streams(self) -> None:
        """End every open stream in order."""
        self.app.close_streams()

    def cut_connections(self) -> None:
        """Break every connection without a word, as a crash or a lost network does."""
        self._server.cut_connections()


@asynccontextmanager
async def replay08(
    *, durably: Durably08 | None = None, port: int = 0, work: bool = True
) -> AsyncIterator[Replay08]:
    """Serve a 0.8 server on 127.0.0.1 for the length of the block.

    Leaving the block and entering another with the same `durably` and `port` is a restart.
    `work=False` leaves pending runs pending, until the test calls `peer.durably.process_one()`.
    """
    app = App08(durably or Durably08())
    async with serving(app, port=port, before_stop=app.close_streams) as (bound, server):
        worker = asyncio.create_task(app.durably.work(), name="worker of 0.8") if work else None
        try:
            yield Replay08(app, bound, server)
        finally:
            app.durably.listeners.clear()
            if worker is not None:
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker
