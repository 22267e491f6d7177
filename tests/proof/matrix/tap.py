"""A TCP relay that writes down what goes over it: which routes were asked, which events came.

It changes no byte, so a server and a client meet as they would without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

_REQUEST = re.compile(rb"\b(GET|POST|DELETE|PUT|PATCH|HEAD|OPTIONS) (\S+) HTTP/1\.1\r\n")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})[ \r]")
_EVENT = re.compile(rb'data: \{[^\n]*?"type":"([a-z:-]+)"')
_STREAMS = ("/subscribe", "/runs/subscribe")


@dataclass
class _Carried:
    """One connection: all bytes each way."""

    asked: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)


class Tap:
    """Listens on a free port and relays to ``port`` of this machine; ``async with``."""

    def __init__(self, port: int, base_path: str) -> None:
        self._to = port
        self._base = base_path
        self._carried: list[_Carried] = []
        self._relays: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._base}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        relays = list(self._relays)
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)

    def exchanges(self) -> list[tuple[str, int]]:
        """``("GET /runs", 200)`` for each request that was answered; the query is left out."""
        found = []
        for each in self._carried:
            # No body here has a line end in it, so what looks like a request line is one.
            asked = [self._route(*one) for one in _REQUEST.findall(each.asked)]
            statuses = [int(one) for one in _STATUS.findall(each.answered)]
            found += list(zip(asked, statuses, strict=False))
        return found

    def events(self) -> set[tuple[str, str]]:
        """``("/subscribe", "run:complete")`` for each kind of event on each kind of stream."""
        found: set[tuple[str, str]] = set()
        for each in self._carried:
            # One connection may carry one stream after the other: each answer has its request.
            starts = [one.start() for one in _STATUS.finditer(each.answered)]
            parts = pairwise([*starts, len(each.answered)])
            for (method, target), (start, end) in zip(
                _REQUEST.findall(each.asked), parts, strict=False
            ):
                path = self._route(method, target).partition(" ")[2]
                if path in _STREAMS:
                    words = _EVENT.findall(each.answered[start:end])
                    found |= {(path, word.decode()) for word in words}
        return found

    def _route(self, method: bytes, target: bytes) -> str:
        path = target.decode("latin-1").partition("?")[0].removeprefix(self._base)
        return f"{method.decode()} {path.rstrip('/')}".rstrip()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried = _Carried()
        self._carried.append(carried)
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        with contextlib.closing(writer):
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self._to)
                with contextlib.closing(back):
                    ways = [
                        asyncio.ensure_future(_pump(reader, back, carried.asked)),
                        asyncio.ensure_future(_pump(there, writer, carried.answered)),
                    ]
                    try:
                        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for way in ways:
                            way.cancel()
                        await asyncio.gather(*ways, return_exceptions=True)
            except (OSError, asyncio.CancelledError):
                pass  # the server is away, or the suite is over
            finally:
                self._relays.discard(task)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            kept += chunk
            writer.write(chunk)
            await writer.drain()
