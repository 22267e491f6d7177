"""A TCP proxy that does to connections what networks do: cuts, stalls, swallows, crumbles.

It knows nothing of HTTP but where an answer of its own is asked for (``bad_gateway``). Faults count
from when they are set, for connections that are open where nothing else is said, until ``heal``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from support.bad_servers import PROXY_HTML
from support.serving import stop_accepting

_CHUNK = 65536
_SMALL_BUFFER = 16 * 1024
"""Bytes that the kernel may keep for a proxy that reads slowly, so that the server feels it."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: a close is a RST, and what was not sent is thrown away."""


@dataclass(eq=False)
class _Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    swallowed: bool = False
    """Open towards the client, and nothing comes any more."""
    resets_next: bool = False
    """Half of the next chunk to the client is sent, and then a RST."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Proxy:
    """Listens on ``port`` and passes on to ``target``, both on 127.0.0.1."""

    def __init__(self, target: int, dice: random.Random) -> None:
        self.target = target
        self.port = 0
        self.connections = 0
        """How many were taken in all."""
        self._dice = dice
        self._links: set[_Link] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._heal_flags()

    def _heal_flags(self) -> None:
        self._flows.set()
        self.bad_gateway = False
        """New connections are answered 502 with a page of HTML."""
        self.swallow_new = False
        """New connections are taken, and nothing comes."""
        self.bite = 0
        """Bytes of a write to the client; 0 is as they come."""
        self.rate = 0
        """Bytes a second to each client; 0 is as quick as it goes."""
        self.late = 0.0
        """Seconds at most by which a new connection is late, so that they overtake each other."""
        self.doubled = False
        """What the client sends is sent on two connections; one of the answers is thrown away."""

    @property
    def sockets(self) -> int:
        """How many it has open: the one that listens, and both ends of what passes through it."""
        self._writers = {each for each in self._writers if _is_open(each)}
        return 1 + len(self._writers)

    # -- faults that happen once ---------------------------------------------------------------

    def cut(self) -> None:
        """End every connection in order, wherever it is."""
        for link in tuple(self._links):
            link.client.close()
            if link.server is not None:
                link.server.close()

    def reset(self) -> None:
        """Break every connection with a RST."""
        for link in tuple(self._links):
            _reset(link)

    def reset_within_frame(self) -> None:
        """Break every connection with a RST in the middle of what it carries next."""
        for link in self._links:
            link.resets_next = True

    def half_open(self) -> None:
        """The server's side of every connection is gone, and the client is not told."""
        for link in tuple(self._links):
            link.swallowed = True
            if link.server is not None:
                link.server.transport.abort()

    def stall(self) -> None:
        """Pass nothing on, either way, until ``heal``; then all of it."""
        self._flows.clear()

    def heal(self) -> None:
        """No fault any more; connections that are dead stay dead."""
        self._heal_flags()

    # -- passing on ----------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(writer)
        self._links.add(link)
        self._writers.add(writer)
        try:
            if self.late:
                await asyncio.sleep(self._dice.uniform(0, self.late))
            if self.bad_gateway:
                await _answer_502(reader, writer)
            elif self.swallow_new:
                link.swallowed = True
                await reader.read()
            else:
                await self._pass_on(link, reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one of the two sides left
        finally:
            self._links.discard(link)
            writer.close()
            if link.server is not None:
                link.server.close()

    async def _pass_on(self, link: _Link, reader: asyncio.StreamReader) -> None:
        answers, link.server = await self._connect()
        doubles = [await self._connect()] if self.doubled else []
        to = [link.server, *(writer for _, writer in doubles)]
        up = asyncio.create_task(self._up(link, reader, to))
        thrown_away = [asyncio.create_task(_throw_away(*double)) for double in doubles]
        try:
            await self._down(link, answers)
            if link.swallowed:
                await up  # until the client gives up
        finally:
            for task in (up, *thrown_away):
                task.cancel()
            for _, writer in doubles:
                writer.close()  # one that was cancelled before it began closes nothing itself
            await asyncio.gather(up, *thrown_away, return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        try:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", self.target))
        except BaseException:
            sock.close()
            raise
        made = await asyncio.open_connection(sock=sock, limit=_SMALL_BUFFER)
        self._writers.add(made[1])
        return made

    async def _up(
        self, link: _Link, reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter]
    ) -> None:
        while data := await reader.read(_CHUNK):
            await self._flows.wait()
            if link.swallowed:
                continue
            for writer in writers:
                with contextlib.suppress(OSError):
                    writer.write(data)
                    await writer.drain()
        if not link.swallowed:
            for writer in writers:
                writer.close()

    async def _down(self, link: _Link, answers: asyncio.StreamReader) -> None:
        while True:
            try:
                data = await answers.read(_CHUNK)
            except OSError:
                if link.swallowed:
                    return
                raise
            if not data or link.swallowed:
                return
            await self._flows.wait()
            if link.resets_next:
                link.client.write(data[: max(1, len(data) // 2)])
                await link.client.drain()
                _reset(link)
                return
            await self._write(link, data)

    async def _write(self, link: _Link, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = self.bite or (max(1, self.rate // 20) if self.rate else len(data))
            piece = data[at : at + size]
            at += len(piece)
            link.client.write(piece)
            await link.client.drain()
            if self.rate:
                await asyncio.sleep(len(piece) / self.rate)
            elif self.bite:
                await asyncio.sleep(0)  # a write of its own for each, as Nagle is off


def _is_open(writer: asyncio.StreamWriter) -> bool:
    sock = writer.get_extra_info("socket")
    return sock is not None and bool(sock.fileno() >= 0)


def _reset(link: _Link) -> None:
    for writer in (link.client, link.server):
        if writer is None:
            continue
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


async def _answer_502(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = PROXY_HTML.encode()
    writer.write(
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    await writer.drain()


async def _throw_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.read(_CHUNK):
            pass
    except OSError:
        pass
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def proxy(
    target: int, dice: random.Random, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Proxy]:
    """A running proxy in front of a port of this machine, on a free port of its own."""
    made = Proxy(target, dice)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        made._serving.add(task)
        try:
            await made._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the proxy is being closed
        finally:
            made._serving.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        await stop_accepting(server)
        server.close()
        made.heal()
        left = list(made._serving)
        for link in tuple(made._links):
            link.client.transport.abort()
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()
