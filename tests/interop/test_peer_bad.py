"""The bad servers are as bad as other tests trust them to be, seen by plain httpx."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from support.bad_servers import (
    CERTIFICATE,
    GARBAGE,
    BadServer,
    bom_stream,
    closed_port,
    cut_stream,
    frame,
    garbage_stream,
    good_event,
    half_open_stream,
    html_502,
    html_page,
    line_end_stream,
    not_found_text,
    other_api,
    plain_http,
    self_signed_tls,
    silent,
    unauthorized_json,
    unauthorized_text,
)
from support.plain_http import plain_client


async def test_bad_addresses_refuse_or_hang() -> None:
    with closed_port() as server, pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    async with silent() as server, plain_client(server.url, timeout=0.1) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/runs")
        assert server.connections == 1


@pytest.mark.parametrize(
    ("make", "status", "content_type"),
    [
        (html_page, 200, "text/html; charset=utf-8"),
        (html_502, 502, "text/html"),
        (unauthorized_json, 401, "application/json"),
        (unauthorized_text, 401, "text/plain"),
        (not_found_text, 404, "text/plain;charset=UTF-8"),
        (other_api, 200, "application/json"),
        (plain_http, 200, "application/json"),
    ],
)
async def test_canned_answers(make: Any, status: int, content_type: str) -> None:
    async with make() as server, plain_client(server.url) as http:
        response = await http.post("/trigger", json={"jobName": "echo"})
        assert (response.status_code, response.headers["content-type"]) == (status, content_type)
        if make is unauthorized_text:
            assert response.headers["www-authenticate"] == 'Bearer realm="jobs"'
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/api/durably/trigger")
        assert json.loads(request.body) == {"jobName": "echo"}


async def test_tls_is_refused_unless_trusted() -> None:
    async with self_signed_tls() as server:
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await http.get(server.url)
            with pytest.raises(httpx.TransportError):
                await http.get(server.url.replace("https", "http"))
        context = ssl.create_default_context(cafile=CERTIFICATE)
        async with httpx.AsyncClient(verify=context) as http:
            assert (await http.get(f"{server.url}/runs")).json() == []
    async with plain_http() as server, httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(server.https_url)


@asynccontextmanager
async def stream_of(
    make: AbstractAsyncContextManager[BadServer], timeout: float = 20
) -> AsyncIterator[httpx.Response]:
    async with (
        make as server,
        plain_client(server.url, timeout=timeout) as http,
        http.stream("GET", "/runs/subscribe") as response,
    ):
        yield response


async def read_until(response: httpx.Response, end: bytes) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if content.endswith(end):
            break
    return bytes(content)


async def test_garbage_is_sent_as_it_is_with_good_frames_between() -> None:
    async with stream_of(garbage_stream()) as response:
        content = await read_until(response, frame(good_event(len(GARBAGE) - 1)))
    for number, garbage in enumerate(GARBAGE.values()):
        assert garbage + frame(good_event(number)) in content


async def test_a_server_with_a_bad_stream_answers_the_rest() -> None:
    async with garbage_stream("NUL") as server, plain_client(server.url) as http:
        assert (await http.get("/runs", params={"limit": "3"})).json() == []
        assert [request.path for request in server.requests] == ["/api/durably/runs?limit=3"]


async def test_streams_with_a_byte_order_mark_or_other_line_ends() -> None:
    async with stream_of(bom_stream()) as response:
        content = await read_until(response, frame(good_event(1)))
        assert content == b"\xef\xbb\xbf" + frame(good_event(0)) + frame(good_event(1))
    async with stream_of(line_end_stream(b"\r")) as response:
        last = frame(good_event(2)).replace(b"\n", b"\r")
        assert b"\n" not in await read_until(response, last)


async def test_streams_that_break_or_fall_silent() -> None:
    async with stream_of(cut_stream()) as response:
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()
    async with stream_of(cut_stream(chunked=False)) as response:
        content = await response.aread()
        assert content.startswith(frame(good_event(0)))
        assert not content.endswith(b"\n\n")
    async with stream_of(half_open_stream(), timeout=0.2) as response:
        with pytest.raises(httpx.ReadTimeout):
            await response.aread()
