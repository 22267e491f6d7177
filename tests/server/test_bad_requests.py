"""Bad input over HTTP: a 4xx with one sentence, nothing stored, nothing in the log as a fault."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.server import make_durably, reachable

from durably_server.storage.sqlite import readers


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with reachable(make_durably(tmp_path)) as found:
        yield found


def trigger(**changes: Any) -> Any:
    return {"jobName": "echo", "input": {"value": "x"}} | changes


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{nope", "The body is not JSON"),
        (b"", "The body is not JSON"),
        (b'{"jobName":"echo","input":{"value":"\xff"}}', "The body is not JSON"),
        (b'{"jobName":"echo","input":{"value":NaN}}', "The body is not JSON"),
        (b"[" * 100_000, "The body is not JSON"),
        (b"[]", "The body must be a JSON object"),
        (b"null", "The body must be a JSON object"),
        (trigger(jobName=7), "jobName must be a string"),
        (trigger(jobName=""), "jobName is required"),
        (trigger(idempotencyKey=[]), "idempotencyKey must be a string"),
        (trigger(concurrencyKey=1), "concurrencyKey must be a string"),
        (trigger(coalesce="all"), "Invalid coalesce value"),
        (trigger(coalesce="skip"), "coalesce requires concurrencyKey"),
        (trigger(labels=[]), "Invalid labels"),
        (trigger(labels={"a b": "c"}), 'Invalid label key "a b"'),
        (trigger(labels={"a": None}), 'Invalid label "a"'),
        (trigger(input={}), "Invalid input: value: Field required"),
        (trigger(input=[]), "Invalid input"),
    ],
)
async def test_a_bad_trigger_is_a_400_and_stores_nothing(
    client: httpx.AsyncClient, content: Any, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    with caplog.at_level(logging.WARNING):
        answer = await client.post("/trigger", content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith(sentence)
    assert "\n" not in answer.json()["error"]
    assert (await client.get("/runs")).json() == []
    assert caplog.records == []


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/runs?limit=1000000000", 400, "Invalid limit: must be at most"),
        ("/runs?limit=1e3", 400, "Invalid limit: must be a non-negative integer"),
        ("/runs?limit=" + "9" * 5000, 400, "Invalid limit: must be at most"),
        ("/runs?limit=%D9%A3", 400, "Invalid limit"),
        ("/runs?offset=99999999999999999999", 400, "Invalid offset: must be at most"),
        ("/runs?status=", 400, "Invalid status: empty value"),
        ("/runs?status=pending&status=x", 400, "Invalid status: x"),
        ("/runs?label.a%20b=c", 400, 'Invalid label key "a b"'),
        ("/runs?" + "&".join("a=b" for _ in range(300)), 400, "The query cannot be read"),
        ("/runs/subscribe?label.%00=c", 400, "Invalid label key"),
        ("/run?runId=", 400, "runId query parameter is required"),
        ("/run?runId=%27%3B%20DROP%20TABLE", 404, "Run not found"),
        ("/run?runId=%00", 404, "Run not found"),
        ("/run?runId=%ff%fe", 404, "Run not found"),
        ("/run?runId=a&runId=b", 400, "Invalid runId: given 2 times"),
        ("/runs?limit=-1", 400, "Invalid limit: must be a non-negative integer"),
        ("/runs?limit=1&limit=2", 400, "Invalid limit: given 2 times"),
        ("/runs?createdAfter=yesterday", 400, "Invalid createdAfter: must be a time"),
        ("/runs?createdBefore=2023-13-45", 400, "Invalid createdBefore: must be a time"),
        ("/runs?createdAfter=0001-01-01T00:00:00%2B23:00", 400, "Invalid createdAfter"),
        ("/runs?after=yesterday", 400, "Invalid after: must be what X-Next-After gave"),
        ("/runs?after=2026-11-22T06:47:20.763Z", 400, "Invalid after"),
        ("/runs?search=%00", 400, "Invalid search: must be text of at most 1000 characters"),
        ("/runs?search=" + "x" * 1001, 400, "Invalid search: must be text of at most 1000 char"),
        ("/runs?total=yes", 400, "Invalid total: yes. Must be one of: true, false"),
        ("/subscribe?runId=nope&after=x", 404, "Run not found"),
        ("/logs?limit=1000000000", 400, "Invalid limit: must be at most"),
        ("/logs?level=debug", 400, "Invalid level: debug. Must be one of: info, warn, error"),
        ("/logs?runId=%00", 404, "Run not found"),
        ("/logs?colour=red", 400, 'Unknown parameter "colour": this route takes runId'),
        ("/stats?window=0", 400, "Invalid window: must be seconds"),
        ("/stats?window=-1h", 400, "Invalid window: must be seconds"),
        ("/stats?window=367d", 400, "Invalid window: must be seconds"),
        ("/stats?window=%D9%A3", 400, "Invalid window: must be seconds"),
        ("/jobs?x", 400, 'Unknown parameter "x": this route takes no parameters'),
    ],
)
async def test_a_bad_query_is_a_4xx(
    client: httpx.AsyncClient,
    path: str,
    status: int,
    sentence: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].startswith(sentence)
    assert caplog.records == []


@pytest.mark.parametrize("query", ["search=x&limit=5", "search=x", "total=true&label.a=b&limit=1"])
async def test_a_search_that_takes_too_long_is_a_400(
    client: httpx.AsyncClient,
    query: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(readers, "LONGEST", -1.0)
    with caplog.at_level(logging.WARNING):
        answer = await client.get(f"/runs?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The search was stopped after -1 s: narrow it by job")
    assert (await client.get("/runs?total=true")).json() == []
    assert caplog.records == []


@pytest.mark.parametrize("path", ["/retry", "/retrigger", "/cancel"])
@pytest.mark.parametrize("run_id", ["nope", "%27%20OR%201=1", "%00", "x" * 5000, "%F0%9F%92%A9"])
async def test_a_run_that_is_none_can_be_asked_for_nothing(
    client: httpx.AsyncClient, path: str, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await client.post(f"{path}?runId={run_id}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Run not found"})
    assert caplog.records == []


@pytest.mark.parametrize("size", [100_000, 600_000])
async def test_headers_that_are_too_large_are_a_431(
    client: httpx.AsyncClient, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await client.post("/trigger", json=trigger(), headers={"X-Big": "x" * size})
    assert answer.status_code == 431
    assert answer.json()["error"].startswith("The headers are too large")
    assert (await client.get("/runs")).json() == []
    assert caplog.records == []


async def test_an_input_that_does_not_fit_is_told_where(client: httpx.AsyncClient) -> None:
    body = {"jobName": "steps", "input": {"count": "many", "delayMs": []}}
    answer = await client.post("/trigger", json=body)
    assert answer.status_code == 400
    sentence = answer.json()["error"]
    assert "count: " in sentence
    assert "delayMs: " in sentence


async def test_a_limit_on_the_body_can_be_chosen(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), max_body=100) as client:
        assert (await client.post("/trigger", json=trigger())).status_code == 200
        answer = await client.post("/trigger", json=trigger(labels={"a": "x" * 100}))
    assert answer.status_code == 413
    assert "at most 100 bytes" in answer.json()["error"]


async def test_empty_parameters_ask_for_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/runs?limit=&offset=")).json() == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_a_413(client: httpx.AsyncClient, declared: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 32_768

    content: Any = b" " * (1024 * 1024 + 1) if declared else chunks()
    answer = await client.post("/trigger", content=content)
    assert answer.status_code == 413
    assert "at most 1048576 bytes" in answer.json()["error"]


async def test_a_body_that_is_cut_off_harms_nobody(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST {url.path}trigger HTTP/1.1\r\nHost: {url.host}\r\n"
        'Content-Length: 500\r\n\r\n{"jobName"'.encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    assert (await client.get("/runs")).json() == []
    assert caplog.records == []


async def test_a_request_of_two_lengths_is_refused_and_the_connection_closed(
    client: httpx.AsyncClient,
) -> None:
    url = client.base_url
    body = b'{"jobName":"echo","input":{"value":"x"}}'
    head = f"POST {url.path}trigger HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: "
    inner = f"{head}{len(body)}\r\n\r\n".encode() + body
    outer = f"{head}{len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(outer + inner)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
    # The parser in C refuses it by itself, the one in Python leaves that to the handler.
    said = (b"both Content-Length and Transfer-Encoding", b"Invalid HTTP request received.")
    assert any(sentence in answer for sentence in said)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert (await client.get("/runs")).json() == []


async def test_a_request_of_two_hosts_is_refused_and_the_connection_closed(
    client: httpx.AsyncClient,
) -> None:
    url = client.base_url
    body = b'{"jobName":"echo","input":{"value":"x"}}'
    head = f"POST {url.path}trigger HTTP/1.1\r\nHost: {url.host}\r\n"
    inner = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"{head}Host: evil.example\r\nContent-Length: 0\r\n\r\n".encode() + inner)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert (await client.get("/runs")).json() == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
async def test_a_foreign_host_name_is_refused_on_loopback(
    client: httpx.AsyncClient, host: str
) -> None:
    answer = await client.get("/runs", headers={"Host": host})
    assert answer.status_code in (400, 403)
    if host:
        assert host in answer.json()["error"]


async def test_a_request_without_a_host_is_refused_on_loopback(client: httpx.AsyncClient) -> None:
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {url.path}runs HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"A request without Host is refused" in answer


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:9", "a.localhost"]
)
async def test_names_of_this_machine_are_accepted(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/runs", headers={"Host": host})).status_code == 200


async def test_a_fault_of_the_server_shows_no_traceback(
    tmp_path: Path, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    durably = make_durably(tmp_path)

    async def broken(**_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(durably, "get_runs", broken)
    async with reachable(durably) as client:
        answer = await client.get("/runs")
    assert answer.status_code == 500
    assert answer.json() == {"error": "The server could not answer this; its log says why"}
    assert "secret" in caplog.text
