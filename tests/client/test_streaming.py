"""The transport of streams: the same bytes as the ordinary one, and the same kinds of errors."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durably_tui.client import DurablyClient
from durably_tui.client.address import parse_address
from durably_tui.client.door import Door
from durably_tui.client.streaming import Reading, StreamTransport

EVENT = b'data: {"type":"run:cancel","runId":"a"}\n\n'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x\r\n%s\r\n" % (len(EVENT), EVENT) for _ in range(3))
    + b"0\r\n\r\n"
)
MEASURED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nwrong"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + EVENT * 2
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + MEASURED
ANSWERS = [CHUNKED, MEASURED, UNTIL_THE_END, EARLY]


@asynccontextmanager
async def serving(
    *parts: bytes, asked: list[bytes] | None = None, rude: bool = False
) -> AsyncIterator[str]:
    """A server that answers whatever it is asked with these parts, then closes."""

    answering: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if asked is not None:
                asked.append(head)
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        if rude:
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/runs/subscribe?jobName=a%20b"
        await asyncio.gather(*filter(None, answering), asyncio.sleep(0))


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


def client(**options: object) -> httpx.AsyncClient:
    transport = StreamTransport(None, httpx.AsyncHTTPTransport())
    return httpx.AsyncClient(transport=transport, timeout=5, **options)


async def got(http: httpx.AsyncClient, url: str) -> tuple[int, list[tuple[str, str]], bytes]:
    async with http.stream("GET", url) as response:
        body = b"".join([part async for part in response.aiter_raw()])
        return response.status_code, response.headers.multi_items(), body


@given(st.sampled_from(ANSWERS), st.lists(st.integers(1, 400), max_size=6))
@settings(max_examples=40, deadline=None)
def test_the_answer_is_that_of_the_ordinary_way_however_it_is_cut(
    answer: bytes, cuts: list[int]
) -> None:
    async def both() -> None:
        places = sorted({0, *(cut for cut in cuts if cut < len(answer)), len(answer)})
        parts = [answer[a:b] for a, b in itertools.pairwise(places)]
        async with serving(*parts) as url:
            assert await got(client(), url) == await got(httpx.AsyncClient(timeout=5), url)

    asyncio.run(both())


async def test_a_request_says_what_httpx_would_have_it_say() -> None:
    asked: list[bytes] = []
    async with serving(MEASURED, asked=asked) as url:
        await got(client(headers={"authorization": "Bearer x"}), url)
        await got(httpx.AsyncClient(headers={"authorization": "Bearer x"}), url)
    ours, theirs = asked
    assert ours == theirs


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (CHUNKED[:-9], "peer closed"),
        (MEASURED[:-2], "peer closed"),
        (b"", "disconnected"),
        (b"HTTP/1.1 200 OK\r\nContent-", "disconnected"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no HTTP"),
        (CHUNKED.replace(b"0\r\n\r\n", b"nonsense\r\n"), "no HTTP"),
        (b"HTTP/1.1 101 Hello\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "no HTTP"),
    ],
)
async def test_what_is_cut_off_or_no_http_is_told_as_that(answer: bytes, error: str) -> None:
    async with serving(answer) as url:
        with pytest.raises(httpx.RemoteProtocolError, match=error):
            await got(client(), url)


async def test_a_connection_that_is_reset_is_an_error_of_reading() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    async with serving(half, rude=True) as url:
        with pytest.raises(httpx.TransportError):
            await got(client(), url)


async def test_where_nothing_listens_the_ordinary_way_says_so() -> None:
    async with serving() as url:
        pass
    with pytest.raises(httpx.ConnectError) as raised:
        await got(client(), url)
    assert "refused" in str(raised.value) or "attempts failed" in str(raised.value)


async def test_a_header_that_would_be_two_is_refused_and_never_sent() -> None:
    asked: list[bytes] = []
    async with serving(MEASURED, asked=asked) as url:
        with pytest.raises(httpx.LocalProtocolError):
            await got(client(headers={b"x-a": b"1\r\nX-B: 2"}), url)
    assert asked == []


async def test_a_request_that_is_given_up_at_any_moment_leaves_no_socket() -> None:
    async with serving(CHUNKED) as url, client() as http:
        gc.disable()  # what only the collector would close is left behind
        try:
            before = open_files()
            for hops in range(40):
                asking = asyncio.create_task(got(http, url))
                for _ in range(hops):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking])
            for _ in range(1_000):  # the server lets go of its own ends meanwhile
                await asyncio.sleep(0.001 if open_files() > before else 0)
            assert open_files() <= before
        finally:
            gc.enable()


async def test_what_the_ordinary_way_was_answered_leaves_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(MEASURED)
        if b"/runs/subscribe" in head and await reader.read(1) == b"":
            closed.set()
        writer.close()

    async def cannot(*given: object) -> None:
        return None

    monkeypatch.setattr(StreamTransport, "_ask", cannot)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with DurablyClient(url, abilities="0.15") as http:
            stream = http.subscribe_runs()
            reading = asyncio.create_task(anext(aiter(stream), None))
            await asyncio.wait_for(closed.wait(), 10)
            await stream.aclose()
            await reading


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_an_answer_that_does_not_go_on_in_time_is_given_up(answer: bytes) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        asked.set()
        with contextlib.suppress(OSError):
            await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(stall, "127.0.0.1", 0)
    async with server, client() as http:
        http.timeout = httpx.Timeout(5, read=0.05)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(httpx.ReadTimeout):
            await got(http, url)
        assert asked.is_set()
        await asyncio.wait_for(left.wait(), 10)


async def test_a_question_alone_leaves_no_connection_and_connecting_is_no_part_of_its_time() -> (
    None
):
    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(MEASURED)
        if await reader.read(1) == b"":
            left.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    connect = asyncio.get_running_loop().create_connection

    async def slowly(*given: Any, **options: Any) -> Any:
        await asyncio.sleep(0.3)
        return await connect(*given, **options)

    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        door = Door(parse_address(url, None, None), timeout=5, verify=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "create_connection", slowly)
            told = await door.ask("GET", "/runs", alone=True)
        assert (told.status, told.body) == (404, b"wrong")
        assert 0 < told.took_ms < 250
        await asyncio.wait_for(left.wait(), 10)
        await door.aclose()


async def test_a_question_alone_closes_what_was_kept_for_a_next_request_too_long() -> None:
    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = b"GET /old" in await reader.readuntil(b"\r\n\r\n")
        writer.write(MEASURED)
        if kept:
            writer.write_eof()
            if await reader.read(1) == b"":
                left.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        door = Door(parse_address(url, None, None), timeout=5, verify=True)
        await door.ask("GET", "/old")
        async with asyncio.timeout(10):
            while not left.is_set():
                await door.ask("GET", "/new", alone=True)
        await door.aclose()


async def test_a_server_is_held_back_while_nobody_reads() -> None:
    size = 64 * 1024 * 1024
    sent = 0
    stuck = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"x" * 65536)
            sent += 65536
            try:
                await asyncio.wait_for(writer.drain(), 0.5)
            except TimeoutError:
                stuck.set()
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with client() as http, http.stream("GET", url) as response:
            await asyncio.wait_for(stuck.wait(), 20)
            assert sent < size // 2
            assert sum([len(part) async for part in response.aiter_raw()]) == size


@pytest.mark.parametrize("leaves_first", [False, True])
async def test_a_connection_that_is_over_lets_go_of_its_buffer_at_once(leaves_first: bool) -> None:
    """Not once the garbage collector looks, for which a monitor seldom has the time."""
    gc.collect()
    gc.disable()
    try:
        async with serving(UNTIL_THE_END) as url, client() as http:
            for _ in range(3):
                async with http.stream("GET", url) as response:
                    if not leaves_first:
                        await response.aread()
            await asyncio.sleep(0)
        over = [each for each in gc.get_objects() if isinstance(each, Reading)]
        assert not [each for each in over if len(each._buffer)]
    finally:
        gc.enable()
