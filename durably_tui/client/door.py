"""The one place that speaks HTTP: every request and every stream goes through this door.

httpx is imported when the door is first used, in a thread, since that takes longer than a first
paint may wait.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode
from urllib.request import getproxies

from durably_tui.protocol import DurablyError, Unreachable

from . import sockets
from .address import Address
from .answer import Answer
from .gently import gently
from .kept_open import close_what_is_too_old
from .tap import Tap

if TYPE_CHECKING:
    import ssl

    import httpx

Params = Sequence[tuple[str, str]]

MAX_ANSWER_BYTES = 64 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
# Below the 5 s after which Node closes an idle connection, or a request could meet its end.
_KEEPALIVE_SECONDS = 4.0


class _KeptTooLong(Exception):
    """A connection that was kept from an earlier request turned out to be gone."""

    def __init__(self, error: DurablyError) -> None:
        super().__init__(str(error))
        self.error = error


class _Clients(NamedTuple):
    """What speaks HTTP to one server."""

    looking: httpx.AsyncClient
    """For what only looks."""
    acting: httpx.AsyncClient
    """For what changes something: it has as much patience with the network as with the server,
    since nobody knows what became of it where it is given up."""
    fresh: httpx.AsyncClient | None
    """A connection for each stream and question; None where a proxy is on the way."""


class Door:
    """Requests to one server. Opened by its first use, closed by ``aclose``.

    Args:
        address: the server and the headers for it.
        timeout: seconds for connecting, and for each part of an answer to come.
        verify: True, False, the path of a CA file or folder, or an SSL context.
        proxy: the address of the proxy to go through; None leaves it to the environment.
        client_cert: the path of a PEM file that the server wants to see, or of a certificate and
            of its key.
        max_answer_bytes: larger answers are refused.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        verify: bool | str | ssl.SSLContext,
        proxy: str | None = None,
        client_cert: Sequence[str] = (),
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._verify = verify
        self._proxy = proxy
        self._client_cert = tuple(client_cert)
        self._max_answer_bytes = max_answer_bytes
        self._opening = asyncio.Lock()
        self._clients: _Clients | None = None
        self._closed = False
        self.tap: Tap | None = None
        """Who is told of what comes."""

    async def ask(
        self,
        method: str,
        path: str,
        params: Params = (),
        body: bytes | None = None,
        timeout: float | None = None,
        *,
        alone: bool = False,
    ) -> Answer:
        """Send one request and read its answer, whatever its status.

        Args:
            timeout: seconds for connecting, and for each part of the answer to come.
            alone: ask on a connection that nobody uses before or after, as streams do: for what is
                asked so seldom that no server keeps one open. It costs a third of the CPU.

        Raises:
            DurablyError: no answer came, or one that is too large.
        """
        looking, acting, fresh = await self._open()
        http = looking if method == "GET" else acting
        if alone and fresh is not None:
            await gently(close_what_is_too_old(looking))
            http = fresh
        seconds = self._timeout if timeout is None else timeout
        try:
            answer = await gently(self._send(http, method, path, params, body, seconds))
        except _KeptTooLong as lost:
            if fresh is None:
                raise lost.error from None
            # Not on another one that was kept, which may be gone as well.
            answer = await gently(self._send(fresh, method, path, params, body, seconds))
        if self.tap is not None and method == "GET" and answer.status == 200:
            self.tap.answered(path, params, answer.body)
        return answer

    async def _send(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        params: Params,
        body: bytes | None,
        timeout: float,
    ) -> Answer:
        import httpx

        began = time.perf_counter()
        is_kept = self._clients is not None and http is self._clients.looking

        async def sending(name: str, info: dict[str, Any]) -> None:
            nonlocal began, is_kept
            if name == "http11.send_request_headers.started":
                began = time.perf_counter()  # connecting is no part of how quick the server is
            elif name == "connection.connect_tcp.started":
                is_kept = False

        headers = {} if body is None else {"content-type": "application/json"}
        tried = self.tried(method, path)
        try:
            async with http.stream(
                method,
                self._url(path, params),
                content=body,
                headers=headers,
                timeout=httpx.Timeout(timeout),
                extensions={"trace": sending},
            ) as response:
                content = await self._read(response, tried)
                took = (time.perf_counter() - began) * 1000
                return self._answer(response, tried, content, took)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            said = self._translate(error, tried)
            is_gone = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
            if is_kept and is_gone and isinstance(said, Unreachable):
                raise _KeptTooLong(said) from None
            raise said from None

    @asynccontextmanager
    async def stream(
        self, path: str, params: Params, last_event_id: str = ""
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an event stream; gives its bytes as they come.

        Raises:
            DurablyError: no answer came, or it was no event stream, or the stream broke.
        """
        looking, _, fresh = await self._open()
        if "httpx_sse" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "httpx_sse")
        import httpx
        import httpx_sse

        tried = self.tried("GET", path)
        # A compressed stream would wait in the compressor for more.
        headers = {"accept-encoding": "identity"}
        if last_event_id:
            headers["last-event-id"] = quote(last_event_id, safe=" !#$&'()*+,/:;=?@[]-._~|")
        try:
            async with httpx_sse.aconnect_sse(
                fresh or looking,
                "GET",
                self._url(path, params),
                headers=headers,
                timeout=httpx.Timeout(self._timeout, read=None),
            ) as source:
                response = source.response
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                if response.status_code != 200 or kind != "text/event-stream":
                    content = await self._read(response, tried, _MAX_ERROR_BYTES)
                    answer = self._answer(response, tried, content, 0.0)
                    raise answer.error() or answer.strange("not an event stream")
                packed = "content-encoding" in response.headers
                yield response.aiter_bytes() if packed else response.aiter_raw()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            raise self._translate(error, tried) from None

    async def ready(self) -> None:
        """Have all there that a request needs; what of it takes long is done in a thread.

        Raises:
            DurablyError: a certificate or the proxy cannot be used.
        """
        await self._open()

    def tried(self, method: str, path: str) -> str:
        """A request as a person may see it."""
        return f"{method} {self.address.url}{path}"

    async def aclose(self) -> None:
        """Close every connection. Asking again is an error."""
        self._closed = True
        async with self._opening:
            clients, self._clients = self._clients, None
        for http in clients or ():
            if http is not None:
                await http.aclose()

    async def _open(self) -> _Clients:
        if self._closed:
            raise RuntimeError("this client is closed: make another one")
        if self._clients is None:
            async with self._opening:
                if self._clients is None:
                    self._clients = await asyncio.to_thread(self._make)
        assert self._clients is not None
        return self._clients

    def _make(self) -> _Clients:
        import httpx

        verify = self._verification()
        if self.address.is_tls and isinstance(verify, bool):
            verify = httpx.create_ssl_context(verify=verify)
        try:
            proxy = None if self._proxy is None else httpx.Proxy(self._proxy)
        except (httpx.InvalidURL, ValueError):
            raise DurablyError(
                "The proxy is not a usable address: write it as http://HOST:PORT."
            ) from None
        options: dict[str, Any] = {
            "headers": {"user-agent": "durably-tui", **self.address.headers},
            # Neither a proxy nor ~/.netrc has a say where the server is on this machine.
            "trust_env": not self.address.is_loopback,
        }
        # Each stream holds a connection; the pool must never make one wait.
        limits = httpx.Limits(
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=_KEEPALIVE_SECONDS,
        )
        if proxy is not None or (options["trust_env"] and getproxies()):
            http = httpx.AsyncClient(verify=verify, proxy=proxy, limits=limits, **options)
            return _Clients(http, http, None)
        from .streaming import StreamTransport

        kept = httpx.AsyncHTTPTransport(
            verify=verify, limits=limits, socket_options=sockets.of_requests()
        )
        looking = httpx.AsyncClient(transport=kept, **options)
        acting = httpx.AsyncClient(verify=verify, limits=limits, **options)
        # A connection kept for a next request would be kept for ever: there may be none.
        alone = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        ordinary = httpx.AsyncHTTPTransport(verify=verify, limits=alone)
        context = None if isinstance(verify, bool) else verify
        fresh = httpx.AsyncClient(transport=StreamTransport(context, ordinary), **options)
        return _Clients(looking, acting, fresh)

    def _verification(self) -> bool | ssl.SSLContext:
        if not isinstance(self._verify, bool | str):
            return self._verify
        through_tls = (self._proxy or "").startswith("https:") or _tls_to_proxy()
        if not self.address.is_tls and not through_tls:
            return False  # a context that nothing uses would cost 40 ms
        if isinstance(self._verify, bool) and not self._client_cert:
            return self._verify
        import ssl

        if isinstance(self._verify, bool):
            import httpx

            context = httpx.create_ssl_context(verify=self._verify)
        else:
            folder = os.path.isdir(self._verify)
            try:
                context = ssl.create_default_context(
                    capath=self._verify if folder else None,
                    cafile=None if folder else self._verify,
                )
            except OSError as error:
                raise DurablyError(
                    f"The CA at {self._verify} cannot be read ({error.strerror or error}): "
                    "give verify the path of a PEM file or of a folder of them."
                ) from None
        if self._client_cert:
            try:
                certificate, *key = self._client_cert
                # A key with a passphrase would ask for it on the terminal: better to refuse it.
                context.load_cert_chain(certificate, key[0] if key else None, password="")
            except OSError as error:
                raise DurablyError(
                    f"The client certificate at {' and '.join(self._client_cert)} cannot be used "
                    f"({error.strerror or error}): give a PEM file with it and its key, "
                    "which must have no passphrase."
                ) from None
        return context

    def _url(self, path: str, params: Params) -> str:
        query = urlencode(params, quote_via=quote)
        return f"{self.address.url}{path}" + (f"?{query}" if query else "")

    async def _read(self, response: httpx.Response, tried: str, limit: int | None = None) -> bytes:
        """The body; beyond the limit an error's is cut off, and any other is refused."""
        if limit is None and response.is_error:
            limit = _MAX_ERROR_BYTES
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if limit is not None and size > limit:
                break
            if size > self._max_answer_bytes:
                limit = self._max_answer_bytes
                raise self._answer(response, tried, b"", 0.0).too_large(limit)
        return b"".join(parts)

    def _answer(self, response: httpx.Response, tried: str, body: bytes, took_ms: float) -> Answer:
        return Answer(
            address=self.address,
            tried=tried,
            status=response.status_code,
            content_type=response.headers.get("content-type", "").lower(),
            location=response.headers.get("location", ""),
            body=body,
            took_ms=took_ms,
            date=response.headers.get("date", ""),
            total=response.headers.get("x-total-count", ""),
        )

    def _translate(self, error: Exception, tried: str) -> DurablyError:
        from .unreachable import translate

        return translate(error, tried, self.address)


def _tls_to_proxy() -> bool:
    """Whether a proxy of the environment is itself spoken to over TLS."""
    values: list[Any] = [
        value for name, value in os.environ.items() if name.lower().endswith("_proxy")
    ]
    return any(str(value).startswith("https:") for value in values)
