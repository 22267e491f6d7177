"""The routes and streams of a real 0.15 server, asked again of this one, over a socket."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from support.exchanges import Asking, normal
from support.server import Frames, listening, make_durably, reachable, triggered, types

WIRE = Path(__file__).parents[1] / "wire" / "v0.15"
STEPS = {"jobName": "steps", "input": {"count": 4, "delayMs": 120}, "labels": {"env": "prod"}}

# Where this server means to answer otherwise, and why.
DIFFERENCES = {
    "retry-active": "POST /retry exists here: a failed run resumes as itself",
    "retry-completed": "POST /retry exists here",
    "retry-failed": "POST /retry exists here",
    "retry-unknown": "POST /retry exists here",
    "trigger-bad-label-key": "a bad request is a 400, not a 500",
    "trigger-not-json": "a bad request is a 400, not a 500",
}
# Where the words of a validation library differ: status and beginning are the same.
OTHER_WORDS = {"trigger-bad-input", "trigger-missing-input"}


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WIRE / f"{name}.json").read_text())
    return found


def recorded_events(name: str) -> list[dict[str, Any]]:
    blocks = (WIRE / f"{name}.sse").read_text().split("\n\n")
    return [json.loads(block.removeprefix("data: ")) for block in blocks if block.strip()]


def without_time(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events of ``/runs/subscribe`` as recorded: the time is this server's addition."""
    assert all("timestamp" in event for event in events)
    return [{k: v for k, v in event.items() if k != "timestamp"} for event in events]


async def test_every_route_answers_as_the_recorded_server(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, preserve_steps=False)
    async with reachable(durably) as client:
        ask = Asking(client, "v0.15", OTHER_WORDS)
        for name in (
            *("trigger-ok", "trigger-labels", "trigger-idempotent-1", "trigger-idempotent-2"),
            *("trigger-unknown-job", "trigger-bad-input", "trigger-missing-input"),
            *("trigger-no-job", "trigger-not-json", "trigger-bad-label-key"),
            *("not-found", "method-wrong", "runs-bad-limit", "runs-bad-limit-text"),
            *("runs-bad-offset", "runs-bad-status", "run-no-id", "cancel-no-id"),
            *("subscribe-no-id", "subscribe-unknown", "cancel-unknown", "delete-unknown"),
            *("retrigger-unknown", "retry-unknown", "steps-unknown"),
        ):
            await ask(name)
        first = await triggered(client, STEPS)
        async with listening(client, f"/subscribe?runId={first}") as frames:
            await frames.until_step(1)
            for name in ("run-active", "steps-active", "retrigger-active", "delete-active"):
                await ask(name, first)
            await ask("retry-active", first)
            await frames.until_end()
        for name in ("run-completed", "steps-completed", "cancel-completed", "retry-completed"):
            await ask(name, first)
        await ask("retrigger-completed", first)
        failing = await triggered(client, recorded("run-failed")["response"]["body"])
        async with listening(client, f"/subscribe?runId={failing}") as frames:
            await frames.until_end()
        for name in ("run-failed", "steps-failed", "retrigger-failed", "retry-failed"):
            await ask(name, failing)
        long = await triggered(client, {"jobName": "steps", "input": {"count": 50, "delayMs": 60}})
        async with listening(client, f"/subscribe?runId={long}") as frames:
            await frames.until_step(2)
            await ask("cancel-active", long)
        for name in ("cancel-again", "run-cancelled"):
            await ask(name, long)
        for name in ("runs-page-1", "runs-page-2", "runs-filter", "runs-filter-label"):
            await ask(name)
        await ask("runs-filter-multi")
        await ask("delete-cancelled", long)
        await ask("run-deleted", long)
    unmeant = {name: d for name, d in ask.differences.items() if name not in DIFFERENCES}
    assert unmeant == {}
    assert set(ask.differences) == set(DIFFERENCES), "a difference that is none should go"
    everything = {path.stem for path in WIRE.glob("*.json")} - {"streams-closed-by-server"}
    assert ask.asked == everything


async def _streamed(
    folder: Path,
    body: dict[str, Any],
    during: Callable[[httpx.AsyncClient, str, Frames], Awaitable[None]] | None = None,
) -> tuple[list[Any], list[Any]]:
    """The events of a run's own stream, opened before the run is taken up, and of all runs."""
    durably = make_durably(folder, max_concurrent_runs=1)
    async with reachable(durably) as client:
        gate = await triggered(client, {"jobName": "steps", "input": {"count": 1, "delayMs": 150}})
        run_id = await triggered(client, body)
        async with (
            listening(client, "/runs/subscribe?label.env=prod") as all_frames,
            listening(client, f"/subscribe?runId={run_id}") as frames,
        ):
            if during is not None:
                await during(client, run_id, frames)
            await frames.until_end()
            last = frames.events[-1]["type"]
            await all_frames.until_type("step:cancel" if last == "run:cancel" else last)
        assert gate != run_id
        return normal(frames.events), normal(without_time(all_frames.events))


def expected_stream(name: str) -> list[Any]:
    found: list[Any] = normal(recorded_events(name))
    return found


async def test_a_live_stream_carries_what_the_recorded_one_does(tmp_path: Path) -> None:
    mine, runs = await _streamed(tmp_path, STEPS)
    assert mine == expected_stream("subscribe-live-completed")
    one = recorded_events("subscribe-live-completed")[0]["runId"]
    theirs = [event for event in recorded_events("runs-subscribe-label") if event["runId"] == one]
    assert runs == normal(theirs)[1:]  # the trigger came before this stream was opened


async def test_a_failing_run_streams_as_recorded(tmp_path: Path) -> None:
    body = {"jobName": "fails", "input": {"message": "disk is full"}, "labels": {}}
    durably = make_durably(tmp_path, max_concurrent_runs=1)
    async with reachable(durably) as client:
        await triggered(client, {"jobName": "steps", "input": {"count": 1, "delayMs": 150}})
        run_id = await triggered(client, body)
        async with listening(client, f"/subscribe?runId={run_id}") as frames:
            await frames.until_end()
    assert normal(frames.events) == expected_stream("subscribe-live-failed")


async def test_a_cancelled_run_streams_as_recorded(tmp_path: Path) -> None:
    async def cancel(client: httpx.AsyncClient, run_id: str, frames: Frames) -> None:
        await frames.until_step(2)
        assert (await client.post(f"/cancel?runId={run_id}")).status_code == 200

    body = {"jobName": "steps", "input": {"count": 50, "delayMs": 120}, "labels": {"env": "prod"}}
    mine, runs = await _streamed(tmp_path, body, cancel)
    theirs = expected_stream("subscribe-live-cancelled")
    for event in theirs:
        event["labels"] = {"env": "prod"}
    assert mine == theirs
    assert types(runs)[-2:] == ["run:cancel", "step:cancel"]


async def test_a_stream_joined_midway_begins_with_the_state(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path)) as client:
        run_id = await triggered(client, STEPS)
        async with listening(client, f"/subscribe?runId={run_id}") as early:
            await early.until_step(1)
            async with listening(client, f"/subscribe?runId={run_id}") as frames:
                await frames.until_end()
    assert normal(frames.events) == expected_stream("subscribe-joined-midway")


async def test_a_stream_of_an_ended_run_says_so_and_ends(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path)) as client:
        run_id = await triggered(client, STEPS)
        for _ in range(2):
            async with listening(client, f"/subscribe?runId={run_id}") as frames:
                await frames.until_end()
    assert normal(frames.events) == expected_stream("subscribe-already-completed")


async def test_a_stream_of_one_job_carries_that_job_only(tmp_path: Path) -> None:
    async with (
        reachable(make_durably(tmp_path)) as client,
        listening(client, "/runs/subscribe?jobName=echo") as frames,
    ):
        await triggered(client, {"jobName": "fails", "input": {"message": "x"}})
        run_id = await triggered(client, {"jobName": "echo", "input": {"value": "hi"}})
        await frames.until_type("run:complete")
    theirs = recorded_events("runs-subscribe-jobName-echo")
    one = [event for event in theirs if event["runId"] == theirs[0]["runId"]]
    assert normal(without_time(frames.events)) == normal(one)
    assert {event["runId"] for event in frames.events} == {run_id}
