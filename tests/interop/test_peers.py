"""The servers that the other tests trust do what they are trusted with, seen by plain httpx."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
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
from support.durably08 import Durably08
from support.hostile import HOSTILE
from support.node_server import NodeServer, NodeServerError
from support.recordings import (
    closed_by_server,
    exchange,
    exchange_names,
    stream_bytes,
    stream_events,
    stream_names,
)
from support.replay08 import replay08


class Events:
    """The events of one open stream, read as they come."""

    def __init__(self, response: httpx.Response) -> None:
        # Not `aiter_lines`: it splits at U+2028 and others, which JSON may contain.
        self._chunks = response.aiter_raw()
        self._content = b""

    async def next(self) -> dict[str, Any]:
        while b"\n\n" not in self._content:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise EOFError("the server ended the stream")
            self._content += chunk
        whole, _, self._content = self._content.partition(b"\n\n")
        event: dict[str, Any] = json.loads(whole.removeprefix(b"data: "))
        return event

    async def until(self, type: str, run_id: str | None = None) -> list[dict[str, Any]]:
        """Read up to and including the first event of that type (of that run)."""
        events = [await self.next()]
        while events[-1]["type"] != type or (run_id and events[-1]["runId"] != run_id):
            events.append(await self.next())
        return events


@asynccontextmanager
async def events_of(http: httpx.AsyncClient, path: str, **params: str) -> AsyncIterator[Events]:
    async with http.stream("GET", path, params=params) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield Events(response)


# Reading the certificates of the world takes httpx longer than most of these tests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str, timeout: float = 20) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=timeout, verify=NO_TLS)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


# The Node server


async def test_node_lists_triggered_runs_newest_first(node_server: NodeServer) -> None:
    first = await node_server.trigger("echo", {"value": "a"}, labels={"env": "prod"})
    assert (await node_server.ended(first))["output"] == {"value": "a"}
    second = await node_server.trigger("fails", {"message": "disk is full"})
    assert (await node_server.ended(second))["error"] == "disk is full"
    async with client(node_server.url) as http:
        runs = (await http.get("/runs")).json()
        assert [run["id"] for run in runs] == [second, first]
        labelled = (await http.get("/runs", params={"label.env": "prod"})).json()
        assert [run["id"] for run in labelled] == [first]


async def test_node_streams_a_run_while_it_runs(node_server: NodeServer) -> None:
    async with client(node_server.url) as http, events_of(http, "/runs/subscribe") as events:
        run_id = await node_server.trigger("steps", {"count": 2, "delayMs": 20})
        seen = await events.until("run:complete")
    assert {event["runId"] for event in seen} == {run_id}
    assert set(types(seen)) == {
        *("run:trigger", "run:leased", "run:progress", "run:complete"),
        *("step:start", "step:complete", "log:write"),
    }
    assert seen[-1]["type"] == "run:complete"


async def test_node_retriggers_cancels_and_deletes(node_server: NodeServer) -> None:
    failed = await node_server.trigger("flaky", {"fail": True})
    assert (await node_server.ended(failed))["status"] == "failed"
    async with client(node_server.url) as http:
        again = (await http.post("/retrigger", params={"runId": failed})).json()["runId"]
        assert again != failed
        assert (await node_server.ended(again))["input"] == {"fail": True}

        async with events_of(http, "/runs/subscribe") as events:
            long = await node_server.trigger("steps", {"count": 1000, "delayMs": 30})
            await events.until("step:complete", long)
            conflict = await http.delete("/run", params={"runId": long})
            assert conflict.status_code == 409
            assert (await http.post("/cancel", params={"runId": long})).json() == {"success": True}
            await events.until("run:cancel", long)
            assert (await http.delete("/run", params={"runId": long})).status_code == 200
            await events.until("run:delete", long)
        assert (await http.get("/run", params={"runId": long})).status_code == 404


async def test_node_flaky_succeeds_once_its_file_is_there(
    node_server: NodeServer, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    run_id = await node_server.trigger("flaky", {"until": str(ready)})
    assert (await node_server.ended(run_id))["error"] == "not this time"
    ready.touch()
    run_id = await node_server.trigger("flaky", {"until": str(ready)})
    assert (await node_server.ended(run_id))["output"] == {"ok": True}


async def test_node_noisy_writes_every_line(node_server: NodeServer) -> None:
    async with (
        client(node_server.url) as http,
        events_of(http, "/runs/subscribe", jobName="noisy") as events,
    ):
        await node_server.trigger("noisy", {"lines": 300})
        seen = await events.until("run:complete")
    logs = [event for event in seen if event["type"] == "log:write"]
    assert [log["data"]["line"] for log in logs] == list(range(300))
    assert {log["level"] for log in logs} == {"info", "warn", "error"}


async def test_node_hands_hostile_text_on_untouched(node_server: NodeServer) -> None:
    # A lone surrogate cannot be sent as UTF-8 at all.
    text = "\n".join(HOSTILE).encode(errors="ignore").decode()
    assert "\x1b" in text
    assert "\0" in text
    async with client(node_server.url) as http, events_of(http, "/runs/subscribe") as events:
        await node_server.trigger("hostile", {"text": text})
        seen = await events.until("run:fail")
    logs = [event for event in seen if event["type"] == "log:write"]
    assert [log["level"] for log in logs] == ["info", "warn", "error"]
    assert {log["message"] for log in logs} == {log["stepName"] for log in logs} == {text}
    assert logs[0]["data"] == {text: text}
    progress = next(event for event in seen if event["type"] == "run:progress")
    assert progress["progress"]["message"] == text
    assert next(event for event in seen if event["type"] == "step:fail")["error"] == text


async def test_node_forgets_its_steps_unless_told_to_keep_them(
    require_node: None, tmp_path: Path
) -> None:
    for preserve, kept in ((False, 0), (True, 3)):
        path = tmp_path / f"{preserve}.db"
        async with NodeServer(path, preserve_steps=preserve) as server, client(server.url) as http:
            run_id = await server.trigger("steps", {"count": 3})
            await server.ended(run_id)
            assert len((await http.get("/steps", params={"runId": run_id})).json()) == kept


async def test_node_killed_and_restarted_keeps_and_resumes_its_runs(
    require_node: None, tmp_path: Path
) -> None:
    async with NodeServer(
        tmp_path / "node.db", lease_ms=300, lease_renew_interval_ms=100, preserve_steps=True
    ) as server:
        url = server.url
        done = await server.trigger("echo", {"value": "kept"})
        await server.ended(done)
        async with client(url) as http:
            async with events_of(http, "/runs/subscribe") as events:
                run_id = await server.trigger("steps", {"count": 3, "delayMs": 100})
                await events.until("step:complete", run_id)
                await server.kill()
                with pytest.raises(httpx.RemoteProtocolError):
                    await events.until("run:complete", run_id)
            with pytest.raises(httpx.ConnectError):
                await http.get("/runs")

        await server.restart()
        assert server.url == url
        assert (await server.ended(run_id))["output"] == {"done": 3}
        async with client(url) as http:
            runs = (await http.get("/runs")).json()
            assert [run["id"] for run in runs] == [run_id, done]
            steps = (await http.get("/steps", params={"runId": run_id})).json()
            assert [step["name"] for step in steps] == ["step-0", "step-1", "step-2"]


async def test_node_says_why_it_does_not_start(node_server: NodeServer, tmp_path: Path) -> None:
    second = NodeServer(tmp_path / "other.db", port=node_server.port)
    with pytest.raises(NodeServerError, match="EADDRINUSE"):
        await second.start()
    assert not second.running


# The 0.8 server


async def test_08_answers_every_exchange_as_recorded() -> None:
    names = exchange_names("v0.8")
    assert len(names) > 40
    async with replay08(work=False) as peer, client(peer.url) as http:
        for name in names:
            recorded = exchange("v0.8", name)
            peer.durably.rewind(name)
            response = await http.request(
                recorded.method, recorded.path, content=recorded.request_bytes
            )
            assert response.status_code == recorded.status, name
            assert response.headers["content-type"] == recorded.content_type, name
            if isinstance(recorded.body, str):
                assert response.text == recorded.body, name
            else:
                # Dumped, so that the order of the fields counts.
                assert json.dumps(response.json()) == json.dumps(recorded.body), name


# Where a stream was opened, and which recorded events the server then had.
PLAYED = {
    "runs-subscribe": ("/runs/subscribe", "runs-subscribe"),
    "runs-subscribe-jobName-echo": ("/runs/subscribe?jobName=echo", "runs-subscribe"),
    "runs-subscribe-label": ("/runs/subscribe?label.env=prod", "runs-subscribe"),
    "subscribe-already-completed": ("/subscribe?runId=01M8105AH54FC02197NDCAB4KY", None),
    "subscribe-joined-midway": (
        "/subscribe?runId=01M8105AKJMW6V2XNVFYW2T859",
        "subscribe-joined-midway",
    ),
    "subscribe-live-cancelled": (
        "/subscribe?runId=01M8105HCFJSA650SP26NPPNEY",
        "subscribe-live-cancelled",
    ),
    "subscribe-live-completed": (
        "/subscribe?runId=01M8105AKJMW6V2XNVFYW2T859",
        "subscribe-live-completed",
    ),
    "subscribe-live-failed": (
        "/subscribe?runId=01M8105GDJZFHY6AN8E14WFQ0H",
        "subscribe-live-failed",
    ),
}


@pytest.mark.parametrize("name", stream_names("v0.8"))
async def test_08_streams_the_recorded_bytes(name: str) -> None:
    path, played = PLAYED[name]
    async with (
        replay08(work=False) as peer,
        client(peer.url) as http,
        http.stream("GET", path) as response,
    ):
        await peer.streams_open(1)
        if played is not None:
            peer.play(played)
        if not closed_by_server("v0.8")[name]:
            peer.close_streams()  # 0.8 never would; the other streams have to end by themselves
        assert await response.aread() == stream_bytes("v0.8", name)


NOT_COMPARED = ("timestamp", "sequence", "duration", "runId")


def comparable(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in event.items() if k not in NOT_COMPARED} for event in events]


async def test_08_executes_a_run_with_the_recorded_events() -> None:
    async with replay08(work=False) as peer, client(peer.url) as http:
        recorded = stream_events("v0.8", "subscribe-live-completed")
        recorded[0]["payload"]["delayMs"] = 1  # the recorded run took its time
        body = {"jobName": "steps", "input": recorded[0]["payload"]}
        run_id = (await http.post("/trigger", json=body)).json()["runId"]
        async with events_of(http, "/subscribe", runId=run_id) as events:
            assert await peer.durably.process_one()
            seen = await events.until("run:complete")
            with pytest.raises(EOFError):
                await events.next()
        assert comparable(seen) == comparable(recorded)
        assert [list(event) for event in seen] == [list(event) for event in recorded]
        run = (await http.get("/run", params={"runId": run_id})).json()
        assert (run["status"], run["stepCount"], run["output"]) == ("completed", 4, {"done": 4})
        assert (await http.get("/runs", params={"limit": "1"})).json() == [run]


async def test_08_retries_the_same_run_and_it_fails_again() -> None:
    durably = Durably08()
    durably.rewind("retry-failed")
    failed = exchange("v0.8", "run-failed").body["id"]
    async with replay08(durably=durably) as peer, client(peer.url) as http:
        async with events_of(http, "/subscribe", runId=failed) as events:
            assert (await http.post("/retry", params={"runId": failed})).json() == {"success": True}
            seen = await events.until("run:fail")
            recorded = stream_events("v0.8", "subscribe-live-failed")
            retried = types(recorded).index("run:retry")
            assert comparable(seen) == comparable(recorded[retried:])
            # A failed run may be retried once more: the stream is still open.
            await http.post("/retry", params={"runId": failed})
            assert (await events.next())["type"] == "run:retry"
            await events.until("run:fail")
        run = (await http.get("/run", params={"runId": failed})).json()
        assert (run["status"], run["stepCount"]) == ("failed", 3)


async def test_08_resumes_a_cancelled_run_after_its_last_finished_step() -> None:
    async with (
        replay08() as peer,
        client(peer.url) as http,
        events_of(http, "/runs/subscribe") as events,
    ):
        body = {"jobName": "steps", "input": {"count": 3, "delayMs": 40}}
        run_id = (await http.post("/trigger", json=body)).json()["runId"]
        await events.until("step:start")
        await http.post("/cancel", params={"runId": run_id})
        # As recorded: the step that runs is finished, and only then does the run stop.
        assert types(await events.until("log:write")) == [
            *("run:cancel", "step:complete", "run:progress", "log:write")
        ]
        await http.post("/retry", params={"runId": run_id})
        seen = await events.until("run:complete")
        assert types(seen)[:2] == ["run:retry", "run:start"]
        started = [event["stepName"] for event in seen if event["type"] == "step:start"]
        assert started == ["step-1", "step-2"]
        assert (await http.delete("/run", params={"runId": run_id})).status_code == 200
        assert (await http.get("/run", params={"runId": run_id})).status_code == 404


async def test_08_restarts_on_the_same_port_with_the_same_runs() -> None:
    durably = Durably08()
    async with replay08(durably=durably) as peer, client(peer.url) as http:
        port, url = peer.port, peer.url
        async with events_of(http, "/runs/subscribe") as events:
            await peer.streams_open(1)
            peer.cut_connections()
            with pytest.raises(httpx.TransportError):
                await events.next()
        await peer.streams_open(0)
        before = (await http.get("/runs")).json()
        assert peer.requests == ["GET /runs/subscribe", "GET /runs"]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    async with replay08(durably=durably, port=port) as again, client(again.url) as http:
        assert again.url == url
        assert (await http.get("/runs")).json() == before


async def test_08_stops_with_open_streams() -> None:
    async with client("http://127.0.0.1") as http:
        async with replay08() as peer:
            request = http.build_request("GET", f"{peer.url}/runs/subscribe")
            response = await http.send(request, stream=True)
            await peer.streams_open(1)
        assert await response.aread() == b""


async def test_08_waits_for_a_stream_in_vain() -> None:
    async with replay08() as peer:
        with pytest.raises(TimeoutError):
            await peer.streams_open(1, timeout=0.01)


# The bad servers


async def test_bad_addresses_refuse_or_hang() -> None:
    with closed_port() as server, pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    async with silent() as server, client(server.url, 0.1) as http:
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
    async with make() as server, client(server.url) as http:
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
        client(server.url, timeout) as http,
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
    async with garbage_stream("NUL") as server, client(server.url) as http:
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
