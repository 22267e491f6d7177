"""How the bytes of an event stream come, or one answer alone: asyncio and httptools, below httpx.

httpx reads a body through h11, in Python and with half a dozen copies: most of what an event costs
on a server that sends each in a chunk of its own. Here there is one copy. Where no connection can
be made soon the ordinary way tries: it knows more ways, and best what to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from functools import partial

import httptools
import httpx

from . import sockets

_SOON = 1.0
"""Seconds to connect in, one address after the other. (asyncio can try several at once, but then a
cancel may leave a socket behind.)"""
_BUFFER = 128 * 1024
_ILLEGAL = (b"\r", b"\n", b"\0")


class StreamTransport(httpx.AsyncBaseTransport):
    """A transport of httpx for requests without a body, each on a connection of its own.

    Args:
        context: how to speak TLS where the address wants that.
        ordinary: what asks where this cannot.
    """

    def __init__(self, context: ssl.SSLContext | None, ordinary: httpx.AsyncBaseTransport) -> None:
        self._context = context
        self._ordinary = ordinary

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer has come but for the body.

        Raises:
            httpx.TransportError: as from any transport of httpx.
        """
        head = _head(request)
        reading = None if head is None else await self._ask(request, head)
        if reading is None:
            return await self._ordinary.handle_async_request(request)
        return httpx.Response(
            reading.status,
            headers=reading.headers,
            stream=reading,
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def _ask(self, request: httpx.Request, head: bytes) -> Reading | None:
        """The answer; None where there is no connection."""
        url, patience = request.url, request.extensions.get("timeout", {}).get("read")
        is_tls = url.scheme == "https"
        if is_tls and self._context is None:
            return None
        try:
            async with asyncio.timeout(_SOON):
                transport, reading = await asyncio.get_running_loop().create_connection(
                    partial(Reading, patience),
                    url.raw_host.decode("ascii"),
                    url.port or (443 if is_tls else 80),
                    ssl=self._context if is_tls else None,
                )
        except (OSError, ValueError):  # of which a timeout is one
            return None
        sockets.set_on(transport.get_extra_info("socket"), sockets.of_streams())
        try:
            if (trace := request.extensions.get("trace")) is not None:
                await trace("http11.send_request_headers.started", {})
            transport.write(head)
            await reading.head()
        except BaseException:
            await reading.aclose()
            raise
        return reading

    async def aclose(self) -> None:
        """Close what asks where this cannot; each stream is closed by who reads it."""
        await self._ordinary.aclose()


class Reading(asyncio.BufferedProtocol, httpx.AsyncByteStream):
    """One connection and the answer that comes over it.

    Args:
        patience: seconds for each part of the answer to come; None waits for ever.
    """

    def __init__(self, patience: float | None = None) -> None:
        self._patience = patience
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._buffer = memoryview(bytearray(_BUFFER))
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._headed = False
        self._parts: list[bytes] = []
        self._paused = False
        self._over = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    # -- for whoever reads -----------------------------------------------------------------

    async def head(self) -> None:
        """Wait for the head of the answer.

        Raises:
            httpx.TransportError: none came, or none in time, or none that could be read.
        """
        while not self._headed:
            if self._over:
                raise self._error or httpx.RemoteProtocolError(
                    "the server disconnected without an answer"
                )
            await self._news()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body as it comes, what has come meanwhile together.

        Nothing is read while nobody asks: what comes meanwhile waits in the kernel, which costs
        no more for many packets than for one, and holds the server back where it is too much.

        Raises:
            httpx.TransportError: it was cut off, or nothing more came in time, or what came was
                no HTTP.
        """
        while True:
            if self._parts:
                parts, self._parts = self._parts, []
                yield parts[0] if len(parts) == 1 else b"".join(parts)
            elif self._over:
                if self._error is not None:
                    raise self._error
                return
            else:
                self._resume()
                await self._news()

    async def aclose(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def _news(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            if self._patience is None:
                await self._waiting
            else:
                async with asyncio.timeout(self._patience):
                    await self._waiting
        except TimeoutError:
            raise httpx.ReadTimeout("") from None
        finally:
            self._waiting = None

    def _tell(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            with contextlib.suppress(RuntimeError):  # it is closing
                self._transport.resume_reading()

    # -- for the event loop ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        if self._parser is None:
            return
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except httptools.HttpParserError as error:
            self._end(httpx.RemoteProtocolError(f"what came was no HTTP ({error})"))
        except httptools.HttpParserUpgrade:  # which is no HttpParserError
            self._end(httpx.RemoteProtocolError("what comes from here on is no HTTP"))
        if self._parts and not (self._over or self._paused) and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side closed, or the network did."""
        if exc is not None:
            lost = httpx.ReadError(str(exc))
            lost.__cause__ = exc
            self._end(lost)
        elif self._is_measured():
            self._end(
                httpx.RemoteProtocolError(
                    "peer closed connection without sending complete message body"
                )
            )
        else:
            self._end(None)
        # The parser knows this object: together they would wait for the garbage collector.
        self._parser, self._buffer = None, memoryview(b"")

    def _is_measured(self) -> bool:
        """Whether the answer says itself where its body ends."""
        names = {name.lower() for name, _ in self.headers}
        return bool(names & {b"content-length", b"transfer-encoding"})

    def _end(self, error: Exception | None) -> None:
        if not self._over:
            self._over, self._error = True, error
            if self._transport is not None:
                self._transport.abort()
            self._tell()

    # -- for the parser --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; one that is only informational may have come before."""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, with the letters that the server wrote it in."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._headed = True
            self._tell()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._parts.append(body)
        self._tell()

    def on_message_complete(self) -> None:
        """The body is over."""
        if self._headed:
            self._end(None)


def _head(request: httpx.Request) -> bytes | None:
    """The head of a request; None where it has something in it that is illegal there."""
    line = b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)
    lines = [line, *(b"%s: %s" % header for header in request.headers.raw)]
    if any(mark in each for mark in _ILLEGAL for each in lines):
        return None
    return b"\r\n".join([*lines, b"", b""])
