"""Serves a handler with uvicorn: on a port that it tells, until it is told to stop.

uvicorn alone waits for ever for open event streams when it is told to stop. So the streams are
closed first, then the listener, and the worker hands back its runs last.
"""

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import uvicorn
from starlette.types import ASGIApp

from durably_server.engine.engine import Engine
from durably_server.engine.errors import DurablyError
from durably_server.http.auth import Auth
from durably_server.http.handler import create_durably_handler
from durably_server.http.hosts import is_loopback
from durably_server.http.requests import MAX_BODY

BASE_PATH = "/api/durably"
CUT_OFF = 0.5
"""Seconds after which a stopping server hangs up on whoever has not read its answer."""
DRAIN_TIMEOUT = 1
"""Seconds after which a stopping server gives up requests that are still worked on."""
_BACKLOG = 2048
_MAX_HEAD = 1024 * 1024
"""Bytes of a request's head that are read at all; the handler refuses much smaller ones itself,
and in words."""


class ServingError(DurablyError):
    """The address cannot be listened on, or should not be."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files that HTTPS needs: a certificate (with its chain), and its key if it is apart."""

    certificate: Path
    key: Path | None = None


class ServingOptions(TypedDict, total=False):
    """How a server answers.

    Attributes:
        generation: whose words are spoken (``"0.15"``).
        auth: who may do what (everybody may do everything).
        cors_origins: origins whose pages may read the answers (none).
        max_body: bytes of a request's body (1 MiB).
        tls: serve HTTPS with these files.
        insecure: whether an address that other machines can reach may be served without ``auth``.
    """

    generation: Literal["0.15", "0.8"]
    auth: Auth[Any] | None
    cors_origins: Sequence[str]
    max_body: int
    tls: Tls | None
    insecure: bool


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves signals to whoever embeds it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cut = asyncio.get_running_loop().call_later(CUT_OFF, self._cut_off)
        await super().shutdown(sockets)
        cut.cancel()

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, tls: Tls | None = None
) -> AsyncIterator[str]:
    """Serve any ASGI app while the block runs; gives its URL. Port 0 picks a free one.

    The app's lifespan is not run. Open responses get half a second at the end.

    Raises:
        ServingError: the address is in use, not allowed, or not this machine's, or a file of
            ``tls`` cannot be used.
    """
    config = uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        log_level="error",  # what is no HTTP is answered, and is no fault of ours
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks who the client is by its address
        ws="none",
        timeout_graceful_shutdown=DRAIN_TIMEOUT,
        h11_max_incomplete_event_size=_MAX_HEAD,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one of these
        why = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        if isinstance(error, ssl.SSLError):
            why = "they hold no certificate with its key"
        raise ServingError(f"The TLS files cannot be used: {why}.") from None
    listener = _listen(host, port)
    server = _Server(config)
    task = asyncio.get_running_loop().create_task(
        server.serve(sockets=[listener]), name="durably http"
    )
    try:
        await _begun(server, task, f"{host}:{port}")
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        try:
            await asyncio.wait([task])
        finally:
            listener.close()
    task.result()  # why it ended, if that was by a fault


async def _begun(server: _Server, task: "asyncio.Task[None]", where: str) -> None:
    """Wait until a server listens.

    Raises:
        ServingError: it ended before.
    """
    listening = asyncio.ensure_future(server.listening.wait())
    await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        return
    listening.cancel()
    error = task.exception()
    why = getattr(error, "strerror", None) or error or "the server has ended"
    raise ServingError(f"Cannot listen on {where}: {why}.") from None


@contextlib.asynccontextmanager
async def running_server(
    durably: Engine,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    base_path: str = BASE_PATH,
    stop_grace: float | None = None,
    **options: Unpack[ServingOptions],
) -> AsyncIterator[str]:
    """Migrate, start the worker and serve while the block runs; gives the URL with its base path.

    On a loopback address the Host header is checked.

    Args:
        durably: what to serve.
        host: the address to listen on.
        port: 0 picks a free one.
        base_path: the path below which the routes are.
        stop_grace: seconds that running steps get at the end; None leaves it to ``durably``.
        options: see :class:`ServingOptions`.

    Raises:
        ServingError: the address cannot be listened on, or others could use it unasked.
        StoreError: the database cannot be opened.
    """
    base_path = "/" + base_path.strip("/") if base_path.strip("/") else ""
    auth = options.get("auth")
    local = is_loopback(host)
    if not local and auth is None and not options.get("insecure", False):
        raise ServingError(
            f"Other machines can reach {host}, and anybody there could trigger and delete runs: "
            "give a token, or say --insecure if something in front of this server asks for one."
        )
    handler = create_durably_handler(
        durably,
        base_path=base_path,
        generation=options.get("generation", "0.15"),
        auth=auth,
        cors_origins=options.get("cors_origins", ()),
        max_body=options.get("max_body", MAX_BODY),
        loopback_only=local,
    )
    await durably.start()
    try:
        async with serving(handler, host=host, port=port, tls=options.get("tls")) as origin:
            try:
                yield origin + base_path
            finally:
                handler.hub.close()
    finally:
        await durably.stop(stop_grace)


def run_server(
    durably: Engine,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    base_path: str = BASE_PATH,
    on_ready: Callable[[str], None] | None = None,
    **options: Unpack[ServingOptions],
) -> None:
    """Serve until SIGTERM or SIGINT, then stop cleanly; a second signal ends the grace.

    Prints nothing; ``on_ready`` is called with the URL once it answers. For the rest see
    :func:`running_server`.

    Raises:
        ServingError: the address cannot be listened on, or others could use it unasked.
        StoreError: the database cannot be opened.
    """

    async def main() -> None:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        async with running_server(
            durably, host=host, port=port, base_path=base_path, **options
        ) as url:
            if on_ready is not None:
                on_ready(url)
            await told.wait()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, durably.hurry)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServingError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ServingError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    return listener
