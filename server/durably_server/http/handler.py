"""The ASGI app: the routes of generation 0.15, and ``/retry``, which resumes the same run.

Routes are a table of method and path rather than a router: a wrong method is a 404 with the text
``Not Found`` here, as on every Durably server, and never a 405 or a redirect.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from starlette.types import Receive, Scope, Send

from durably_server.engine.codec import encode
from durably_server.engine.engine import Engine
from durably_server.engine.errors import (
    ConflictError,
    DurablyError,
    InvalidRequestError,
    NotFoundError,
    StoreError,
)
from durably_server.engine.events import ENDS_A_RUN
from durably_server.engine.model import Run
from durably_server.http import wire
from durably_server.http.hosts import is_loopback_host
from durably_server.http.hub import Hub, Subscriber
from durably_server.http.requests import (
    MAX_LIMIT,
    MAX_OFFSET,
    BodyTooLargeError,
    ClientGoneError,
    Query,
    TriggerRequest,
    header,
    read_body,
)

logger = logging.getLogger("durably_server")

Route = Callable[[Query, Scope, Receive, Send], Awaitable[None]]
FEATURES = ("retry", "retrigger", "labels", "logs")

_STATUS: tuple[tuple[type[DurablyError], int], ...] = (
    (NotFoundError, 404),
    (InvalidRequestError, 400),
    (ConflictError, 409),
    (BodyTooLargeError, 413),
    (StoreError, 503),
)
_JSON = b"application/json"
_TEXT = b"text/plain;charset=UTF-8"


def create_durably_handler(
    durably: Engine,
    *,
    base_path: str = "",
    start_worker: bool = True,
    loopback_only: bool = False,
) -> "DurablyHandler":
    """An ASGI app that speaks the Durably protocol.

    Mount it (``app.mount("/api/durably", create_durably_handler(durably))``), or serve it as it
    is with a ``base_path``. As the root app its lifespan migrates, starts and stops. A mounted
    app gets no lifespan events: then the first request migrates and starts, and the host says
    when to stop with ``lifespan=handler.lifespan``.

    Args:
        durably: what to serve.
        base_path: the path below which the routes are, such as ``/api/durably``.
        start_worker: whether this process executes runs.
        loopback_only: refuse requests whose Host header is no loopback name (DNS rebinding).
    """
    return DurablyHandler(
        durably, base_path=base_path, start_worker=start_worker, loopback_only=loopback_only
    )


class DurablyHandler:
    """What :func:`create_durably_handler` makes."""

    def __init__(
        self, durably: Engine, *, base_path: str, start_worker: bool, loopback_only: bool
    ) -> None:
        self.durably = durably
        self.hub = Hub(durably)
        self._base_path = base_path.rstrip("/")
        self._start_worker = start_worker
        self._loopback_only = loopback_only
        self._started = False
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", ""): self._about,
            ("GET", "/"): self._about,
            ("GET", "/runs"): self._runs,
            ("GET", "/run"): self._run,
            ("GET", "/steps"): self._steps,
            ("GET", "/logs"): self._logs,
            ("GET", "/subscribe"): self._subscribe,
            ("GET", "/runs/subscribe"): self._subscribe_runs,
            ("POST", "/trigger"): self._trigger,
            ("POST", "/retry"): self._retry,
            ("POST", "/retrigger"): self._retrigger,
            ("POST", "/cancel"): self._cancel,
            ("DELETE", "/run"): self._delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[None]:
        """Migrate and start; at the end close all streams, stop, and hand back what runs.

        Fits a host app: ``Starlette(routes=[Mount("/api/durably", handler)],
        lifespan=handler.lifespan)``.
        """
        await self._start()
        try:
            yield
        finally:
            self.hub.close()
            await self.durably.stop()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.lifespan())
            except DurablyError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        if not self._started:
            await (self.durably.start() if self._start_worker else self.durably.migrate())
            self._started = True

    # --- one request ---

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            host = header(scope, b"host")
            if self._loopback_only and not is_loopback_host(host):
                await _error(
                    send, 403, f'The Host "{host}" is refused: this server is for this machine only'
                )
                return
            if self.hub.closed:
                await _error(send, 503, "The server is stopping")
                return
            route = self._routes.get((scope["method"], self._path(scope)))
            if route is None:
                await _answer(send, 404, _TEXT, b"Not Found")
                return
            await self._start()
            await route(Query.of(scope), scope, receive, send)
        except DurablyError as error:
            status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
            await _error(send, status, str(error))
        except ClientGoneError:
            return
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            await _error(send, 500, "The server could not answer this; its log says why")

    def _path(self, scope: Scope) -> str:
        """The path below the mount point and the base path."""
        path: str = scope["path"]
        for prefix in (scope.get("root_path", ""), self._base_path):
            if prefix and (path == prefix or path.startswith(prefix + "/")):
                path = path[len(prefix) :]
            elif prefix and prefix == self._base_path:
                return "?"
        return path

    # --- routes ---

    async def _about(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        await _json(
            send,
            {
                "name": "durably-server",
                "version": _version(),
                "generation": "0.15",
                "features": FEATURES,
            },
        )

    async def _runs(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        runs = await self.durably.get_runs(
            job_name=query.every("jobName"),
            status=query.statuses(),
            labels=query.labels(),
            limit=query.number("limit", MAX_LIMIT),
            offset=query.number("offset", MAX_OFFSET) or 0,
        )
        await _json(send, [wire.run_json(run) for run in runs])

    async def _run(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        await _json(send, wire.run_json(await self._existing(query)))

    async def _steps(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        run = await self._existing(query)
        steps = await self.durably.get_steps(run.id)
        await _json(send, [wire.step_json(step) for step in steps])

    async def _logs(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        run = await self._existing(query)
        logs = await self.durably.get_logs(run.id, limit=query.number("limit", MAX_LIMIT))
        await _json(send, [wire.log_json(log) for log in logs])

    async def _trigger(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        asked = TriggerRequest.of(await read_body(scope, receive))
        definition = self.durably.get_job(asked.job_name)
        if definition is None:
            raise NotFoundError(f"Job not found: {asked.job_name}")
        triggered = await self.durably.trigger(
            definition,
            definition.parse_input(asked.input),
            idempotency_key=asked.idempotency_key,
            concurrency_key=asked.concurrency_key,
            labels=asked.labels,
            coalesce=asked.coalesce,
        )
        await _json(send, {"runId": triggered.id, "disposition": triggered.disposition})

    async def _retry(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        await self.durably.retry(query.run_id())
        await _json(send, {"success": True})

    async def _retrigger(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        run = await self.durably.retrigger(query.run_id())
        await _json(send, {"success": True, "runId": run.id})

    async def _cancel(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        await self.durably.cancel(query.run_id())
        await _json(send, {"success": True})

    async def _delete(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        await self.durably.delete_run(query.run_id())
        await _json(send, {"success": True})

    async def _subscribe(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        run_id = query.run_id()
        subscriber = self.hub.subscribe_run(run_id)
        try:
            run = await self._existing(query)
            # What came while the run was read follows its state; the end, if it came, says it all.
            if not subscriber.ended:
                state = self.durably.replay(run)
                subscriber.prepend([wire.frame(wire.run_event(event)) for event in state])
                if any(event.type in ENDS_A_RUN for event in state):
                    subscriber.end()
            await _stream(subscriber, receive, send)
        finally:
            self.hub.remove(subscriber, run_id)

    async def _subscribe_runs(
        self, query: Query, scope: Scope, receive: Receive, send: Send
    ) -> None:
        subscriber = self.hub.subscribe_runs(query.every("jobName"), query.labels())
        try:
            await _stream(subscriber, receive, send)
        finally:
            self.hub.remove(subscriber)

    async def _existing(self, query: Query) -> Run:
        run = await self.durably.get_run(query.run_id())
        if run is None:
            raise NotFoundError("Run not found")
        return run


async def _stream(subscriber: Subscriber, receive: Receive, send: Send) -> None:
    """Send what a subscriber gets until it ends or the client hangs up."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-cache"),
                (b"x-accel-buffering", b"no"),
            ],
        }
    )

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        subscriber.abandon()

    watcher = asyncio.get_running_loop().create_task(watch())
    try:
        while (chunk := await subscriber.next()) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


async def _json(send: Send, body: Any, status: int = 200) -> None:
    await _answer(send, status, _JSON, encode(body))


async def _error(send: Send, status: int, sentence: str) -> None:
    await _json(send, {"error": sentence}, status)


async def _answer(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _version() -> str:
    try:
        return version("durably-tui")
    except PackageNotFoundError:
        return "unknown"
