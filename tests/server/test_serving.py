"""Serving: as a program that is told to stop, embedded, mounted in a host, as the root app."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from support.plain_http import plain_client
from support.server import listening, make_durably, reachable

from durably_server import create_durably_handler
from durably_server.http.serving import ServingError, running_server, serving

_PROGRAM = """
import sys
from pathlib import Path
from support.server import make_durably
from durably_server.http.serving import run_server
run_server(make_durably(Path(sys.argv[1])), port=0, on_ready=lambda url: print(url, flush=True))
"""


STOPPED = 6.0
"""Seconds from the signal to the end of the process, the 0.2 s that steps are given included.

On a machine that does nothing else it is under 2; beside other tests it gets a part of a core.
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_program_that_is_told_to_stop_closes_streams_and_hands_runs_back(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", _PROGRAM, str(tmp_path)),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            url = (await process.stdout.readline()).decode().strip()
        assert url.endswith("/api/durably")
        limits = httpx.Limits(max_connections=None)
        async with plain_client(url, limits=limits) as client:
            body = {"jobName": "steps", "input": {"count": 1, "delayMs": 60_000}}
            run_id = (await client.post("/trigger", json=body)).json()["runId"]
            streams = [listening(client, "/runs/subscribe") for _ in range(100)]
            streams.append(listening(client, f"/subscribe?runId={run_id}"))
            frames = [await stream.__aenter__() for stream in streams]
            await frames[-1].until_type("run:leased")
            told = time.monotonic()
            process.send_signal(number)
            async with asyncio.timeout(10):
                for each in frames:
                    await each.until_end()
                output, errors = await process.communicate()
            took = time.monotonic() - told
            for stream in streams:
                await stream.__aexit__(None, None, None)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, output, errors) == (0, b"", b"")
    assert took < STOPPED
    db = sqlite3.connect(tmp_path / "test.db")
    assert db.execute("SELECT status, lease_owner FROM durably_runs").fetchall() == [
        ("pending", None)
    ]
    db.close()


async def test_clients_that_do_not_read_hold_no_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handler = create_durably_handler(make_durably(tmp_path))
    deaf = [socket.socket() for _ in range(10)]
    try:
        async with serving(handler) as url, plain_client(url) as client:
            host, port = client.base_url.host, client.base_url.port
            for each in deaf:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await asyncio.to_thread(each.connect, (host, port))
                each.sendall(b"GET /runs/subscribe HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with listening(client, "/runs/subscribe") as frames:
                labels = {"big": "x" * 500_000}  # more than the sockets' buffers take
                body = {"jobName": "echo", "input": {"value": "x"}, "labels": labels}
                for n in range(10):
                    assert (await client.post("/trigger", json=body)).status_code == 200
                    await frames.until_type("run:complete", n + 1)
            assert handler.hub.size >= len(deaf)
            handler.hub.close()
            told = time.monotonic()
        assert time.monotonic() - told < STOPPED
        await asyncio.sleep(0)
        assert caplog.records == []
    finally:
        for each in deaf:
            each.close()
        await handler.durably.stop()


async def test_a_free_port_is_told_and_can_be_served_again(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    for _ in range(2):
        async with running_server(durably, base_path="jobs/") as url:
            assert url.endswith("/jobs")
            async with plain_client("") as client:
                assert (await client.get(f"{url}/runs")).json() == []
                assert (await client.get(url.replace("/jobs", "/runs"))).status_code == 404
                assert (await client.get(url.replace("/jobs", "/jobsx/runs"))).status_code == 404


async def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    in_use = pytest.raises(ServingError, match=r"Cannot listen on 127\.0\.0\.1:\d+: Address al")
    with socket.create_server(("127.0.0.1", 0)) as taken, in_use:
        async with running_server(durably, port=taken.getsockname()[1]):
            pass
    assert not durably.running


async def test_a_base_path_may_be_empty(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    async with running_server(durably, base_path="/") as url, plain_client("") as client:
        assert (await client.get(f"{url}/runs")).json() == []


async def test_a_mounted_app_starts_with_its_first_request(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    host = Starlette(routes=[Mount("/api/durably", create_durably_handler(durably))])
    async with serving(host) as url, plain_client(url) as client:
        assert not durably.running
        body = {"jobName": "echo", "input": {"value": "x"}}
        run_id = (await client.post("/api/durably/trigger", json=body)).json()["runId"]
        assert durably.running
        assert (await durably.wait_for_run(run_id, timeout=5)).output == {"value": "x"}
        answer = await client.get("/api/durably/nowhere")
        assert (answer.status_code, answer.text) == (404, "Not Found")
    await durably.stop()


async def test_a_host_can_run_the_lifespan(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    handler = create_durably_handler(durably)
    host = Starlette(routes=[Mount("/api/durably", handler)], lifespan=handler.lifespan)
    async with host.router.lifespan_context(host):
        assert durably.running
    assert not durably.running
    assert handler.hub.closed


async def test_the_root_app_answers_the_lifespan_protocol(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    handler = create_durably_handler(durably)
    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    task = asyncio.create_task(handler({"type": "lifespan"}, inbox.get, outbox.put))  # type: ignore[arg-type]
    await inbox.put({"type": "lifespan.startup"})
    assert await outbox.get() == {"type": "lifespan.startup.complete"}
    assert durably.running
    await inbox.put({"type": "lifespan.shutdown"})
    assert await outbox.get() == {"type": "lifespan.shutdown.complete"}
    await task
    assert not durably.running


async def test_a_database_that_cannot_be_opened_fails_the_start(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"no database" * 1000)
    handler = create_durably_handler(make_durably(tmp_path))
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        sent.append(message)

    await handler({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "file is not a database" in sent[0]["message"]


async def test_a_handler_may_leave_the_work_to_others(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    handler = create_durably_handler(durably, start_worker=False)
    async with serving(handler) as url, plain_client(url) as client:
        body = {"jobName": "echo", "input": {"value": "x"}}
        assert (await client.post("/trigger", json=body)).status_code == 200
        assert not durably.running
    handler.hub.close()
    await durably.stop()


async def test_while_it_stops_new_requests_are_refused(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    handler = create_durably_handler(durably)
    async with serving(handler) as url, plain_client(url) as client:
        handler.hub.close()
        answer = await client.get("/runs/subscribe")
        assert (answer.status_code, answer.json()) == (503, {"error": "The server is stopping"})
    await durably.stop()


async def test_many_requests_beside_open_streams(tmp_path: Path) -> None:
    async with (
        reachable(make_durably(tmp_path)) as client,
        listening(client, "/runs/subscribe") as frames,
    ):
        body = {"jobName": "echo", "input": {"value": "x"}}
        answers = await asyncio.gather(*(client.post("/trigger", json=body) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        await frames.until_type("run:complete", 50)


def test_importing_the_server_loads_neither_monitor_nor_client() -> None:
    code = "import durably_server, json, sys; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    )
    modules = {name.partition(".")[0] for name in json.loads(found.stdout)}
    assert "durably_server" in modules
    assert modules.isdisjoint({"durably_tui", "textual", "httpx", "rich", "typer", "uvicorn"})


async def test_a_server_that_cannot_begin_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def startup(server: uvicorn.Server, sockets: object = None) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(uvicorn.Server, "startup", startup)

    async def serve() -> None:
        async with running_server(make_durably(tmp_path)):
            raise AssertionError("it does not serve")

    task = asyncio.create_task(serve())
    _, hanging = await asyncio.wait([task], timeout=5)
    task.cancel()
    await asyncio.wait([task])
    assert not hanging
    assert isinstance(task.exception(), ServingError)
    assert "Too many open files" in str(task.exception())
