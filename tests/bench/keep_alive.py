"""A client that costs little: keep-alive HTTP/1.1 on plain sockets, so that the server is measured.

httpx takes more CPU for a request than the server does for the answer.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit


class KeepAlive:
    """One connection; requests one after the other."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = str(address.hostname), int(address.port or 80)
        self._base = address.path
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._writer.close()

    async def get(self, path: str) -> bytes:
        """The body of a good answer."""
        return await self._ask("GET", path, b"")

    async def post(self, path: str, body: Any) -> bytes:
        """The body of a good answer."""
        return await self._ask("POST", path, json.dumps(body).encode())

    async def events(self, path: str) -> asyncio.StreamReader:
        """Open a stream: what follows on this connection is its chunks."""
        self._send("GET", path, b"")
        await self._head()
        return self._reader

    def _send(self, method: str, path: str, body: bytes) -> None:
        head = f"{method} {self._base}{path} HTTP/1.1\r\nHost: {self._host}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)

    async def _head(self) -> dict[str, str]:
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        if " 200 " not in f"{status} ":
            raise RuntimeError(f"the server answered {status}")
        pairs = (line.split(": ", 1) for line in lines if line)
        return {name.lower(): value for name, value in pairs}

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        self._send(method, path, body)
        head = await self._head()
        if "content-length" in head:
            return await self._reader.readexactly(int(head["content-length"]))
        answer = b""
        while size := int(await self._reader.readline(), 16):
            answer += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return answer
