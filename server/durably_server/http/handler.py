"""The ASGI app: finds the route, asks who it is, and says in one sentence what went wrong.

Routes are a table of method and path rather than a router: a wrong method is a 404 with the text
``Not Found`` here, as on every Durably server, and never a 405 or a redirect.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from durably_server.engine.engine import Engine
from durably_server.engine.errors import DurablyError, InvalidRequestError
from durably_server.http.answers import NOT_FOUND, Answer, error_answer
from durably_server.http.app import App, Call, Streaming
from durably_server.http.auth import Auth, Guard, Refused, RefusedWith
from durably_server.http.hosts import is_loopback_host, may_write_from
from durably_server.http.hub import Hub
from durably_server.http.metrics import Metrics
from durably_server.http.openapi import routes_of
from durably_server.http.parameters import OF_RUN, Query
from durably_server.http.requests import (
    MAX_BODY,
    MAX_HEADERS,
    ClientGoneError,
    header,
    headers_size,
)
from durably_server.http.routes import Route
from durably_server.http.wire import Words
from durably_server.http.wire08 import Words08

logger = logging.getLogger("durably_server")

GENERATIONS: dict[str, type[Words]] = {"0.15": Words, "0.8": Words08}
"""The generations of the protocol that a handler can speak."""

_STOPPING = error_answer(503, "The server is stopping", [("Retry-After", "1")])
_FAULT = error_answer(500, "The server could not answer this; its log says why")
_HEADERS_TOO_LARGE = error_answer(
    431, f"The headers are too large: at most {MAX_HEADERS} bytes are accepted"
)
_TWO_LENGTHS = error_answer(
    400,
    "The request has both Content-Length and Transfer-Encoding: send one of them",
    [("Connection", "close")],
)
_TWO_HOSTS = error_answer(
    400, "The request names more than one Host: send one of them", [("Connection", "close")]
)
_WHILE_STOPPING = frozenset({"live", "ready", "health", "metrics"})


def create_durably_handler(
    durably: Engine,
    *,
    base_path: str = "",
    generation: Literal["0.15", "0.8"] = "0.15",
    auth: Auth[Any] | None = None,
    cors_origins: Sequence[str] = (),
    max_body: int = MAX_BODY,
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
        generation: whose words are spoken; ``"0.8"`` is for older clients.
        auth: who may do what (:class:`Auth`, :func:`token_auth`); without it, everybody may.
        cors_origins: origins whose pages may read the answers, such as
            ``https://jobs.example``; ``"*"`` for any. Without any, browsers keep other sites out.
        max_body: bytes of a request's body.
        start_worker: whether this process executes runs.
        loopback_only: refuse requests whose Host header is no loopback name (DNS rebinding), and
            writes from pages of other sites.

    Raises:
        InvalidRequestError: there is no such generation.
    """
    words = GENERATIONS.get(generation)
    if words is None:
        raise InvalidRequestError(
            f'No generation is called "{generation}": choose one of {", ".join(GENERATIONS)}.'
        )
    app = App(
        durably=durably,
        words=words(),
        guard=Guard(auth),
        hub=Hub(durably, words()),
        metrics=Metrics(durably),
        max_body=max_body,
        starts_worker=start_worker,
    )
    return DurablyHandler(
        app, base_path=base_path, cors_origins=cors_origins, loopback_only=loopback_only
    )


class DurablyHandler:
    """What :func:`create_durably_handler` makes.

    Attributes:
        durably: what is served.
        hub: its open streams.
    """

    def __init__(
        self, app: App, *, base_path: str, cors_origins: Sequence[str], loopback_only: bool
    ) -> None:
        self.durably = app.durably
        self.hub = app.hub
        self._app = app
        self._base_path = base_path.rstrip("/")
        self._cors_origins = frozenset(cors_origins)
        self._loopback_only = loopback_only
        self._started = False
        self._routes = {(route.method, route.path): route for route in routes_of(app.words)}
        self._routes["GET", "/"] = self._routes["GET", ""]
        self._inner: ASGIApp = self._answer_http
        if cors_origins:
            self._inner = CORSMiddleware(
                self._answer_http,
                allow_origins=cors_origins,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=("Authorization", "Content-Type", "Last-Event-ID"),
                expose_headers=("X-Next-After", "X-Total-Count"),
                max_age=600,
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            await (self._inner(scope, receive, send) if refusal is None else refusal.send(send))
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
            await (self.durably.start() if self._app.starts_worker else self.durably.migrate())
            self._started = True

    # --- one request ---

    def _refusal(self, scope: Scope) -> Answer | None:
        """Why a request is refused before anything is looked at."""
        if headers_size(scope) > MAX_HEADERS:
            return _HEADERS_TOO_LARGE
        if header(scope, b"transfer-encoding") and header(scope, b"content-length") is not None:
            # Where a proxy before us believes the length, what follows would be another's request
            # to us, so nothing more is read of this connection (RFC 9112, section 6.1).
            return _TWO_LENGTHS
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            return _TWO_HOSTS  # a proxy before us may have gone by the other (RFC 9112, 3.2)
        if not self._loopback_only:
            return None
        host = header(scope, b"host")
        if not is_loopback_host(host):
            named = "A request without Host" if host is None else f'The Host "{host}"'
            return error_answer(403, f"{named} is refused: this server is for this machine only")
        origin = header(scope, b"origin")
        if scope["method"] in ("POST", "DELETE") and not may_write_from(origin, self._cors_origins):
            return error_answer(
                403, f'The Origin "{origin}" is refused: pages of other sites may change nothing'
            )
        return None

    async def _answer_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        route = self._routes.get((method, self._path(scope)))
        try:
            answer = await self._answer(route, scope, receive)
        except ClientGoneError:
            return
        except RefusedWith as refusal:
            self._count(route, method, refusal.response.status_code)
            await refusal.response(scope, receive, send)
            return
        except Refused as refusal:
            answer = error_answer(refusal.status, str(refusal), refusal.headers)
        except DurablyError as error:
            answer = self._failure(error, route, scope)
        except Exception:
            logger.exception("%s %s failed", method, scope["path"])
            answer = _FAULT
        if isinstance(answer, Answer):
            self._count(route, method, answer.status)
            await answer.send(send)
        else:
            self._count(route, method, 200)
            await answer(receive, send)

    async def _answer(
        self, route: Route | None, scope: Scope, receive: Receive
    ) -> Answer | Streaming:
        context = None
        if route is None or not route.is_open:
            context = await self._app.guard.authenticate(scope)
        if route is None:
            return NOT_FOUND
        if self.hub.closed and route.name not in _WHILE_STOPPING:
            return _STOPPING
        query = Query.of(scope, lenient=self._app.words.lenient)
        if route.own:
            query.allow_only(route.parameters)
        if not self.hub.closed and not route.is_open:
            await self._start()
        return await route.endpoint(Call(self._app, query, scope, receive, context))

    def _failure(self, error: DurablyError, route: Route | None, scope: Scope) -> Answer:
        run_id = None
        with contextlib.suppress(InvalidRequestError):
            run_id = Query.of(scope, lenient=True).text(OF_RUN)
        name = "" if route is None else route.name
        return error_answer(*self._app.words.failure(error, name, run_id))

    def _count(self, route: Route | None, method: str, status: int) -> None:
        if route is not None:  # a word of the client's own would be a label without bounds
            self._app.metrics.answered(method, route.path or "/", status)

    def _path(self, scope: Scope) -> str:
        """The path below the mount point and the base path."""
        path: str = scope["path"]
        for prefix in (scope.get("root_path", ""), self._base_path):
            if prefix and (path == prefix or path.startswith(prefix + "/")):
                path = path[len(prefix) :]
            elif prefix and prefix == self._base_path:
                return "?"
        return path
