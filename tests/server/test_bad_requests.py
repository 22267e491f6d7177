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
    ],
)
async def test_a_bad_query_is_a_4xx(
    client: httpx.AsyncClient, path: str, status: int, sentence: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].startswith(sentence)


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


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
async def test_a_foreign_host_name_is_refused_on_loopback(
    client: httpx.AsyncClient, host: str
) -> None:
    answer = await client.get("/runs", headers={"Host": host})
    assert answer.status_code in (400, 403)
    if host:
        assert host in answer.json()["error"]


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
