"""Connections that are kept from one request to the next, and are gone when it comes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from durably_tui.client import sockets
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
        await door.ask("POST", "/cancel")
        with pytest.raises(Unreachable, match="was not answered"):
            await door.ask("POST", "/cancel")
        line = b"POST /cancel HTTP/1.1"
        assert server.asked == [(1, line), (1, line)]


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


@pytest.mark.skipif(not sockets.of_requests(), reason="the system does not watch requests")
async def test_a_server_that_takes_its_time_with_what_it_is_sent_is_not_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its system confirms that there is no room, which must not pass for no answer."""
    monkeypatch.setattr(sockets, "UNCONFIRMED", 0.5)
    size, taken = 16 * 1024 * 1024, 0

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await asyncio.sleep(2)
        await reader.readuntil(b"\r\n\r\n")
        while taken < size:
            taken += len(await reader.read(1024 * 1024))
        writer.write(ANSWER)
        writer.close()

    async with await asyncio.start_server(busy, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        door = Door(parse_address(url, None, None), timeout=20, verify=True)
        assert (await door.ask("POST", "/trigger", body=b"x" * size)).body == b"[]"
        await door.aclose()


OWN_NETWORK = ["unshare", "-rn", "sh", "-c"]
# The rules for what is dropped have to come before the one for this machine's own addresses.
PREPARED = "ip link set lo up && ip rule add pref 100 lookup local && ip rule del pref 0"


def _may_have_a_network() -> bool:
    try:
        made = subprocess.run([*OWN_NETWORK, PREPARED], capture_output=True, check=False)
    except OSError:
        return False
    return made.returncode == 0 and hasattr(socket, "TCP_USER_TIMEOUT")


@pytest.mark.skipif(not _may_have_a_network(), reason="no network can be made here to be broken")
def test_connections_that_the_network_drops_without_a_word_are_found_out() -> None:
    line = f"{PREPARED} && exec {sys.executable} -m support.dropped"
    tests = str(Path(__file__).parents[1])
    told = subprocess.run(
        [*OWN_NETWORK, line],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": tests},
    )
    found = json.loads(told.stdout)
    assert isinstance(found["answered"], float), found
    assert found["lost"], "though no run does anything"
    assert "lost its connection" in found["why"]


async def test_streams_and_requests_are_watched_by_the_system() -> None:
    """Also where the test above cannot be made."""
    options = {name: value for _, name, value in (*sockets.of_requests(), *sockets.of_streams())}
    assert options[socket.SO_KEEPALIVE] == 1
    if sys.platform == "linux":
        assert options[socket.TCP_USER_TIMEOUT] == 5_000
        assert options[socket.TCP_KEEPIDLE] == 15
