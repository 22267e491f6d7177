"""Connections that are kept from one request to the next, and are gone when it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from durably_tui.client.address import parse_address
from durably_tui.client.door import Door
from durably_tui.protocol import Unreachable

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


class Server:
    """A server that lets a connection go when it is asked on it again, without an answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bytes]] = []
        """On which connection, and the first line."""
        self.connections = 0
        self.answers = 1
        """How many requests it answers on a connection."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, answered = self.connections, 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append((number, head.partition(b"\r\n")[0]))
                if answered >= self.answers:
                    break
                answered += 1
                writer.write(ANSWER)
        writer.close()


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Server, Door]]:
    served = Server()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        door = Door(parse_address(url, None, None), timeout=5, verify=True)
        try:
            yield served, door
        finally:
            await door.aclose()


async def test_what_only_looks_is_asked_again_on_a_connection_of_its_own() -> None:
    async with opened() as (server, door):
        for _ in range(2):
            assert (await door.ask("GET", "/runs")).body == b"[]"
        line = b"GET /runs HTTP/1.1"
        assert server.asked == [(1, line), (1, line), (2, line)]


async def test_what_changes_something_is_never_sent_twice() -> None:
    async with opened() as (server, door):
        await door.ask("GET", "/runs")
        with pytest.raises(Unreachable, match="was not answered"):
            await door.ask("POST", "/cancel")
        assert [line for _, line in server.asked].count(b"POST /cancel HTTP/1.1") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_new_connection_that_brings_nothing_is_no_reason_to_ask_again(method: str) -> None:
    async with opened() as (server, door):
        server.answers = 0
        with pytest.raises(Unreachable, match="was not answered"):
            await door.ask(method, "/runs")
        assert len(server.asked) == 1


async def test_it_is_asked_again_once() -> None:
    async with opened() as (server, door):
        await door.ask("GET", "/runs")
        server.answers = 0
        with pytest.raises(Unreachable, match="was not answered"):
            await door.ask("GET", "/runs")
        assert len(server.asked) == 3
