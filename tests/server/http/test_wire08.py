"""The routes and streams of a real 0.8 server, asked again of this one with generation 0.8."""

from pathlib import Path
from typing import Any

import pytest
from support.exchanges import Asking, normal
from support.recordings import exchange_names, stream_events
from support.server import listening, make_durably, reachable, triggered, types

STEPS = {"jobName": "steps", "input": {"count": 4, "delayMs": 120}}
LONG = {"jobName": "steps", "input": {"count": 50, "delayMs": 60}}
OPTIONS: dict[str, Any] = {"generation": "0.8"}

# Where this server answers otherwise, and why.
DIFFERENCES = {
    "run-failed": "stepCount counts finished steps; 0.8 counted those that failed as well",
    "run-cancelled": "a cancel ends the step that runs; 0.8 let it finish, and counted it",
}
"""Besides these, on streams: a trigger that is answered by an earlier run tells nothing here, a
cancelled step tells nothing more, and every event of ``/runs/subscribe`` has its time."""
# Where the words of a validation library differ: status and beginning are the same.
OTHER_WORDS = {"trigger-bad-input", "trigger-missing-input", "trigger-not-json"}
OTHER_WORDS |= {"runs-bad-limit-text"}


async def test_every_route_answers_as_the_recorded_server(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), **OPTIONS) as client:
        ask = Asking(client, "v0.8", OTHER_WORDS)
        for name in (
            *("trigger-ok", "trigger-labels", "trigger-idempotent-1", "trigger-idempotent-2"),
            *("trigger-unknown-job", "trigger-bad-input", "trigger-missing-input"),
            *("trigger-no-job", "trigger-not-json", "trigger-bad-label-key"),
            *("not-found", "method-wrong", "runs-bad-status", "runs-bad-limit-text"),
            *("run-no-id", "cancel-no-id", "subscribe-no-id", "cancel-unknown"),
            *("delete-unknown", "retry-unknown", "steps-unknown", "retrigger-unknown"),
        ):
            await ask(name)
        first = await triggered(client, STEPS)
        async with listening(client, f"/subscribe?runId={first}") as frames:
            await frames.until_step(1)
            for name in ("run-active", "steps-active", "retry-active", "delete-active"):
                await ask(name, first)
            await ask("retrigger-active", first)
            await frames.until_end()
        for name in ("run-completed", "steps-completed", "cancel-completed", "retry-completed"):
            await ask(name, first)
        await ask("retrigger-completed", first)
        failing = await triggered(
            client, {"jobName": "fails", "input": {"message": "disk is full"}}
        )
        async with listening(client, f"/subscribe?runId={failing}") as frames:
            await frames.until_type("run:fail")
            for name in ("run-failed", "steps-failed", "retrigger-failed", "retry-failed"):
                await ask(name, failing)
            await frames.until_type("run:fail", 2)
        long = await triggered(client, LONG)
        async with listening(client, f"/subscribe?runId={long}") as frames:
            await frames.until_step(2)
            await ask("cancel-active", long)
        for name in ("cancel-again", "run-cancelled"):
            await ask(name, long)
        for name in exchange_names("v0.8"):
            if name.startswith("runs-") and name not in ask.asked:
                await ask(name)
        await ask("delete-cancelled", long)
        await ask("run-deleted", long)
    unmeant = {name: d for name, d in ask.differences.items() if name not in DIFFERENCES}
    assert unmeant == {}
    assert set(ask.differences) == set(DIFFERENCES), "a difference that is none should go"
    assert ask.asked == set(exchange_names("v0.8"))


async def test_labels_and_repeated_filters_are_not_known(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), **OPTIONS) as client:
        await client.post("/trigger", json=STEPS | {"labels": {"env": "prod"}, "coalesce": "all"})
        runs = (await client.get("/runs?label.env=dev&jobName=steps&jobName=nope")).json()
        assert [run["jobName"] for run in runs] == ["steps"]
        assert "labels" not in runs[0]
        assert runs[0]["payload"] == STEPS["input"]
        assert (await client.get("/runs?jobName=nope&jobName=steps")).json() == []


async def test_running_is_the_word_for_leased(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), **OPTIONS) as client:
        run_id = await triggered(client, LONG)
        async with listening(client, f"/subscribe?runId={run_id}") as frames:
            await frames.until_step(0)
        running = (await client.get("/runs?status=running")).json()
        assert [(run["id"], run["status"]) for run in running] == [(run_id, "running")]
        assert (await client.get("/runs?status=leased")).json() == []
        answer = await client.delete(f"/run?runId={run_id}")
        assert answer.status_code == 500
        assert answer.json() == {"error": f"Cannot delete running run: {run_id}"}


async def _of_run(
    folder: Path, body: dict[str, Any], *, retried: bool = False
) -> tuple[list[Any], list[Any]]:
    """The events of a run's own stream, opened before the run is taken up, and of all runs."""
    durably = make_durably(folder, max_concurrent_runs=1)
    async with reachable(durably, **OPTIONS) as client:
        await triggered(client, {"jobName": "steps", "input": {"count": 1, "delayMs": 150}})
        async with listening(client, "/runs/subscribe?label.env=prod") as all_frames:
            run_id = await triggered(client, body)
            async with listening(client, f"/subscribe?runId={run_id}") as frames:
                if retried:
                    await frames.until_type("run:fail")
                    assert (await client.post(f"/retry?runId={run_id}")).status_code == 200
                    await frames.until_type("run:fail", 2)
                    await all_frames.until_type("run:fail", 2)
                else:
                    await frames.until_end()
                    await all_frames.until(
                        lambda events: (
                            events[-1]["type"] == "run:complete" and events[-1]["runId"] == run_id
                        )
                    )
    mine = [event for event in all_frames.events if event["runId"] == run_id]
    return normal(frames.events), normal(mine)


def without_time(events: list[Any]) -> list[Any]:
    """Events of ``/runs/subscribe`` as recorded: the time is this server's addition."""
    return [{key: v for key, v in event.items() if key != "timestamp"} for event in events]


def recorded(name: str, run_of: str | None = None) -> list[Any]:
    events = stream_events("v0.8", name)
    if run_of is not None:
        run_id = stream_events("v0.8", run_of)[0]["runId"]
        events = [event for event in events if event["runId"] == run_id]
    found: list[Any] = normal(events)
    return found


@pytest.mark.parametrize("stream", ["completed", "failed"])
async def test_a_live_stream_carries_what_the_recorded_one_does(
    tmp_path: Path, stream: str
) -> None:
    failing = {"jobName": "fails", "input": {"message": "disk is full"}}
    body = STEPS if stream == "completed" else failing
    mine, runs = await _of_run(tmp_path, body, retried=stream == "failed")
    name = f"subscribe-live-{stream}"
    theirs = recorded(name)
    if stream == "completed":
        for event in (*mine, *theirs):
            event.pop("payload", None)  # the delay is the test's
    assert mine == theirs
    # A second retry was recorded after the stream was left.
    assert without_time(runs) == recorded("runs-subscribe", run_of=name)[: len(runs)]
    assert types(runs)[:2] == ["run:trigger", "run:start"]


async def test_a_stream_of_one_job_has_no_log_lines(tmp_path: Path) -> None:
    async with (
        reachable(make_durably(tmp_path), **OPTIONS) as client,
        listening(client, "/runs/subscribe?jobName=steps") as some,
        listening(client, "/runs/subscribe") as every,
    ):
        await triggered(client, {"jobName": "echo", "input": {"value": "x"}})
        await every.until_type("run:complete")
        await triggered(client, {"jobName": "steps", "input": {"count": 2}})
        await some.until_type("run:complete")
        await every.until_type("run:complete", 2)
    assert "log:write" in types(every.events)
    assert "log:write" not in types(some.events)
    assert {event["jobName"] for event in some.events} == {"steps"}
    logs = [event for event in every.events if event["type"] == "log:write"]
    assert all("jobName" not in event for event in logs)


async def test_a_stream_that_is_joined_late_is_told_nothing_of_before(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), **OPTIONS) as client:
        run_id = await triggered(client, STEPS)
        async with listening(client, f"/subscribe?runId={run_id}") as early:
            await early.until_step(1)
            async with listening(client, f"/subscribe?runId={run_id}") as late:
                await late.until_end()
        first = late.events[0]
        assert (first["type"], first["stepIndex"]) in [("step:start", 1), ("step:complete", 1)]
        assert types(late.events)[-1] == "run:complete"
        async with (
            listening(client, f"/subscribe?runId={run_id}") as after,
            listening(client, "/subscribe?runId=nope") as nobody,
        ):
            await triggered(client, {"jobName": "echo", "input": {"value": "x"}})
    assert (after.events, nobody.events) == ([], [])


async def test_a_cancelled_run_is_told_and_its_stream_stays(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), **OPTIONS) as client:
        run_id = await triggered(client, LONG)
        async with listening(client, f"/subscribe?runId={run_id}") as frames:
            await frames.until_step(1)
            await client.post(f"/cancel?runId={run_id}")
            await frames.until_type("run:cancel")
            await client.post(f"/retry?runId={run_id}")
            await frames.until_type("run:retry")
            await frames.until(lambda events: types(events)[-1] == "step:start")
    assert "step:cancel" not in types(frames.events)


async def test_what_it_says_of_itself(tmp_path: Path) -> None:
    async with reachable(make_durably(tmp_path), **OPTIONS) as client:
        about = (await client.get("")).json()
        assert about["generation"] == "0.8"
        assert {"retry", "logs", "openapi"} <= set(about["features"])
        assert not {"retrigger", "labels"} & set(about["features"])
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert "/retry" in paths
        assert "/retrigger" not in paths
