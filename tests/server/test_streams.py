"""Event streams beyond the recordings: retries, throttle, slow clients, silence, many at once."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.plain_http import plain_client
from support.server import RECORDED_JOBS, listening, make_durably, reachable, types

from durably_server import Durably, Step, job
from durably_server.engine.events import RunTrigger
from durably_server.http import audience
from durably_server.http import hub as hub_module
from durably_server.http import subscriber as subscriber_module
from durably_server.http.hub import Hub
from durably_server.http.subscriber import Interest, Subscriber
from durably_server.http.wire import Words


@job("bursts")
async def bursts(step: Step, input: int) -> None:
    for n in range(input):
        step.progress(n, input)


async def test_progress_is_throttled_and_the_last_one_is_delivered(tmp_path: Path) -> None:
    async with (
        reachable(make_durably(tmp_path, bursts)) as client,
        listening(client, "/runs/subscribe") as frames,
    ):
        await client.post("/trigger", json={"jobName": "bursts", "input": 500})
        await frames.until_type("run:complete")
    told = [event["progress"]["current"] for event in frames.events if "progress" in event]
    assert told == [0, 499]
    assert types(frames.events)[-2:] == ["run:progress", "run:complete"]


async def test_progress_after_a_pause_comes_by_itself(tmp_path: Path) -> None:
    gate = asyncio.Event()

    @job
    async def pauses(step: Step, input: None) -> None:
        step.progress(1)
        step.progress(2)
        await gate.wait()

    async with (
        reachable(make_durably(tmp_path, pauses)) as client,
        listening(client, "/runs/subscribe") as frames,
    ):
        await client.post("/trigger", json={"jobName": "pauses", "input": None})
        await frames.until_type("run:progress", 2)
        assert frames.events[-1]["progress"] == {"current": 2}
        gate.set()
        await frames.until_type("run:complete")


async def test_a_retry_is_told_on_the_stream_of_all_runs(tmp_path: Path) -> None:
    async with (
        reachable(make_durably(tmp_path)) as client,
        listening(client, "/runs/subscribe") as frames,
    ):
        body = {"jobName": "fails", "input": {"message": "no"}}
        run_id = (await client.post("/trigger", json=body)).json()["runId"]
        await frames.until_type("run:fail")
        answer = await client.post(f"/retry?runId={run_id}")
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        await frames.until_type("run:fail", 2)
        at = types(frames.events).index("run:retry")
        assert types(frames.events)[at : at + 2] == ["run:retry", "run:leased"]
        steps = (await client.get(f"/steps?runId={run_id}")).json()
        assert [(step["name"], step["status"]) for step in steps] == [("boom", "failed")] * 2
        done = await client.post("/trigger", json={"jobName": "echo", "input": {"value": "x"}})
        await frames.until_type("run:complete")
        answer = await client.post(f"/retry?runId={done.json()['runId']}")
        assert answer.status_code == 409
        assert "Cannot retry completed run" in answer.json()["error"]
        assert (await client.post("/retry?runId=nope")).status_code == 404


async def test_stored_logs_can_be_read_after_the_fact(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path)) as client:
        about = (await client.get("")).json()
        assert about["generation"] == "0.15"
        assert "logs" in about["features"]
        body = {"jobName": "steps", "input": {"count": 2}}
        run_id = (await client.post("/trigger", json=body)).json()["runId"]
        async with listening(client, f"/subscribe?runId={run_id}") as frames:
            await frames.until_end()
        logs = (await client.get(f"/logs?runId={run_id}")).json()
        assert [(log["message"], log["data"]) for log in logs] == [
            ("finished step 0", {"i": 0}),
            ("finished step 1", {"i": 1}),
        ]
        newest = (await client.get(f"/logs?runId={run_id}&limit=1")).json()
        assert newest == logs[1:]


@pytest.fixture
def engine() -> Durably:
    return Durably("memory:", jobs=RECORDED_JOBS)


@pytest.fixture
async def hub(engine: Durably) -> AsyncIterator[Hub]:
    made = Hub(engine, Words())
    yield made
    made.close()


def frame(n: int) -> bytes:
    return f"data: {n}\n\n".encode()


def make_subscriber() -> Subscriber:
    return Subscriber(Interest(), lambda: b"gap\n\n")


async def test_what_is_pending_goes_out_as_one_chunk() -> None:
    subscriber = make_subscriber()
    for n in range(3):
        subscriber.push(frame(n))
    assert await subscriber.next() == b"".join(frame(n) for n in range(3))
    waiting = asyncio.ensure_future(subscriber.next())
    await asyncio.sleep(0)
    subscriber.push(frame(3))
    subscriber.push(frame(4))
    assert await waiting == frame(3) + frame(4)
    subscriber.push(frame(5))
    subscriber.end()
    subscriber.push(frame(6))
    assert await subscriber.next() == frame(5)
    assert await subscriber.next() is None


async def test_a_slow_client_keeps_only_the_newest_progress_of_a_run() -> None:
    subscriber = make_subscriber()
    subscriber.push(frame(1), progress_of="a")
    subscriber.push(frame(2), progress_of="b")
    subscriber.push(frame(3))
    subscriber.push(frame(4), progress_of="a")
    assert await subscriber.next() == frame(2) + frame(3) + frame(4)
    subscriber.push(frame(5), progress_of="a")
    assert await subscriber.next() == frame(5)


@pytest.mark.parametrize(("frames", "size"), [(subscriber_module.MAX_FRAMES + 1, 1), (9, 2**20)])
async def test_a_client_that_falls_too_far_behind_is_told_of_a_gap(frames: int, size: int) -> None:
    subscriber = make_subscriber()
    for _ in range(frames - 1):
        subscriber.push(b"x" * size)
    assert subscriber.gaps == 0
    subscriber.push(b"last")
    subscriber.push(b"y" * size)
    told = await subscriber.next()
    assert told is not None
    assert told.startswith(b"gap\n\n")
    assert told.endswith(b"y" * size)
    assert b"x" not in told
    assert subscriber.gaps == 1
    subscriber.push(b"on it goes")
    assert await subscriber.next() == b"on it goes"


async def test_one_frame_may_be_as_large_as_it_likes() -> None:
    subscriber = make_subscriber()
    subscriber.push(b"x" * (subscriber_module.MAX_BYTES + 1))
    assert subscriber.gaps == 0
    assert await subscriber.next() is not None


def told(chunk: bytes | None) -> list[str]:
    """The runs that a chunk tells of."""
    assert chunk is not None
    return re.findall(r'"runId":"(\w+)"', chunk.decode())


async def test_many_streams_are_written_to_together(
    hub: Hub, engine: Durably, monkeypatch: Any
) -> None:
    monkeypatch.setattr(audience, "MAX_INTERVAL", 0.5)
    monkeypatch.setattr(audience, "INTERVAL_PER_STREAM", 0.01)

    def emit(run_id: str) -> None:
        engine._bus.emit(RunTrigger(run_id=run_id, job_name="j", labels={}, input=None))

    streams = [hub.subscribe_runs(Interest()) for _ in range(200)]
    first = [asyncio.ensure_future(stream.next()) for stream in streams]
    await asyncio.sleep(0)
    emit("a")
    assert {tuple(told(await each)) for each in first} == {("a",)}
    second = [asyncio.ensure_future(stream.next()) for stream in streams[:-1]]
    await asyncio.sleep(0)
    emit("b")
    emit("c")
    await asyncio.sleep(0)
    assert not any(each.done() for each in second), "so soon after the last"
    late = hub.subscribe_runs(Interest())
    emit("d")
    assert {tuple(told(await each)) for each in second} == {("b", "c")}, "before one more came"
    third = [asyncio.ensure_future(stream.next()) for stream in [*streams[:-1], late]]
    assert {tuple(told(await each)) for each in third} == {("d",)}
    assert told(await streams[-1].next()) == ["b", "c", "d"], "it was slow, and lost nothing"
    for stream in [*streams, late]:
        hub.remove(stream)


async def test_a_single_stream_is_told_at_once_until_many_events_come(
    hub: Hub, engine: Durably, monkeypatch: Any
) -> None:
    monkeypatch.setattr(audience, "MIN_INTERVAL", 0.05)
    monkeypatch.setattr(audience, "AHEAD", 0.1)

    def emit(run_id: str) -> None:
        engine._bus.emit(RunTrigger(run_id=run_id, job_name="j", labels={}, input=None))

    stream = hub.subscribe_runs(Interest())
    for run_id in ("a", "b", "c"):
        waiting = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0)
        emit(run_id)
        await asyncio.sleep(0)
        assert waiting.done(), "the events of one run do not wait"
        assert told(await waiting) == [run_id]
    together = asyncio.ensure_future(stream.next())
    for run_id in ("d", "e", "f"):
        await asyncio.sleep(0)
        emit(run_id)
    assert told(await together) == ["d", "e", "f"]


async def test_what_is_due_is_told_before_the_end(hub: Hub, engine: Durably) -> None:
    streams = [hub.subscribe_runs(Interest()) for _ in range(200)]
    for run_id in ("a", "b"):
        engine._bus.emit(RunTrigger(run_id=run_id, job_name="j", labels={}, input=None))
    hub.close()
    for stream in streams:
        assert told(await stream.next()) == ["a", "b"]
        assert await stream.next() is None


async def test_silence_is_filled_with_comments(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "KEEP_ALIVE_INTERVAL", 0.01)
    subscriber = hub.subscribe_runs(Interest())
    async with asyncio.timeout(5):
        kept = await subscriber.next()
        assert kept == b": keep-alive\n" + hub.mark()
        assert await subscriber.next() == kept
    hub.remove(subscriber)
    assert hub.size == 0


async def test_clients_that_hang_up_are_forgotten(tmp_path: Path) -> None:

    from durably_server.http.handler import create_durably_handler
    from durably_server.http.serving import serving

    durably = make_durably(tmp_path)
    handler = create_durably_handler(durably)
    async with serving(handler) as url, plain_client(url) as client:
        async with listening(client, "/runs/subscribe"), listening(client, "/runs/subscribe"):
            assert handler.hub.size == 2
        async with asyncio.timeout(5):
            while handler.hub.size:  # noqa: ASYNC110 - the end of a socket has no signal here
                await asyncio.sleep(0.01)
        handler.hub.close()
    await durably.stop()


async def test_every_client_gets_every_event(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path)) as client:
        streams = [listening(client, "/runs/subscribe") for _ in range(20)]
        frames = [await stream.__aenter__() for stream in streams]
        for n in range(10):
            body = {"jobName": "echo", "input": {"value": str(n)}}
            await client.post("/trigger", json=body)
        for each in frames:
            await each.until_type("run:complete", 10)
        for stream in streams:
            await stream.__aexit__(None, None, None)
    told = {json.dumps(each.events) for each in frames}
    assert len(told) == 1
