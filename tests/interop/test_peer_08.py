"""The replayed 0.8 server does what other tests trust it with, seen by plain httpx."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from support.durably08 import Durably08
from support.plain_events import events_of, types
from support.plain_http import plain_client
from support.recordings import (
    closed_by_server,
    exchange,
    exchange_names,
    stream_bytes,
    stream_events,
    stream_names,
)
from support.replay08 import replay08


async def test_08_answers_every_exchange_as_recorded() -> None:
    names = exchange_names("v0.8")
    assert len(names) > 40
    async with replay08(work=False) as peer, plain_client(peer.url) as http:
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
        plain_client(peer.url) as http,
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
    async with replay08(work=False) as peer, plain_client(peer.url) as http:
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
    async with replay08(durably=durably) as peer, plain_client(peer.url) as http:
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
        plain_client(peer.url) as http,
        events_of(http, "/runs/subscribe") as events,
    ):
        # Each step takes many times as long as the way to the server, also on a busy machine.
        body = {"jobName": "steps", "input": {"count": 3, "delayMs": 400}}
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
    async with replay08(durably=durably) as peer, plain_client(peer.url) as http:
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
    async with replay08(durably=durably, port=port) as again, plain_client(again.url) as http:
        assert again.url == url
        assert (await http.get("/runs")).json() == before


async def test_08_stops_with_open_streams() -> None:
    async with plain_client("http://127.0.0.1") as http:
        async with replay08() as peer:
            request = http.build_request("GET", f"{peer.url}/runs/subscribe")
            response = await http.send(request, stream=True)
            await peer.streams_open(1)
        assert await response.aread() == b""


async def test_08_waits_for_a_stream_in_vain() -> None:
    async with replay08() as peer:
        with pytest.raises(TimeoutError):
            await peer.streams_open(1, timeout=0.01)
