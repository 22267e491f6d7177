"""Every endpoint of the client against a server of each generation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.as_wire import as_wire
from support.heard import hearing
from support.peers import NodePeer, Peer, ReplayPeer

from durably_tui.client import DurablyClient
from durably_tui.protocol import (
    ABILITIES,
    Abilities,
    Conflict,
    NotFound,
    RefusedInput,
    RunsQuery,
    RunStatus,
    StepStatus,
    Trigger,
)

RUNNING, COMPLETED, FAILED = RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED


async def ids(client: DurablyClient, **query: Any) -> list[str]:
    return [run.id for run in await client.get_runs(RunsQuery(**query))]


async def test_lists_runs_by_job_status_and_label(peer: Peer, client: DurablyClient) -> None:
    prod = await peer.done("echo", {"value": "a"}, labels={"env": "prod"})
    dev = await peer.done("echo", {"value": "b"}, labels={"env": "dev", "team": "ops"})
    failed = await peer.done("fails", {"message": "disk is full"}, labels={"env": "prod"})
    running = await peer.running()
    everything = [running, failed, dev, prod]

    assert await ids(client) == everything
    assert await ids(client, job_names=("echo",)) == [dev, prod]
    assert await ids(client, job_names=("echo", "fails")) == [failed, dev, prod]
    assert await ids(client, job_names=("nobody",)) == []
    assert await ids(client, statuses=(FAILED,)) == [failed]
    assert await ids(client, statuses=(RUNNING,)) == [running]
    assert await ids(client, statuses=(RUNNING, FAILED)) == [running, failed]
    assert await ids(client, job_names=("echo", "steps"), statuses=(COMPLETED, RUNNING)) == [
        *(running, dev, prod)
    ]
    assert await ids(client, statuses=tuple(RunStatus)) == everything
    # 0.8 has no labels: there no run can match.
    labelled = peer.generation != "0.8"
    assert await ids(client, labels=(("env", "prod"),)) == ([failed, prod] if labelled else [])
    assert await ids(client, labels=(("env", "dev"), ("team", "ops"))) == (
        [dev] if labelled else []
    )
    assert await ids(client, labels=(("env", "prod"), ("team", "ops"))) == []


async def test_lists_pages_without_a_gap(peer: Peer, client: DurablyClient) -> None:
    for number in range(5):
        await peer.done("echo", {"value": str(number)})
        await peer.done("fails", {"message": str(number)})
    everything = [run["id"] for run in await peer.runs()]
    for query in ({}, {"statuses": (COMPLETED, FAILED)}, {"job_names": ("echo", "fails")}):
        pages = [await ids(client, limit=4, offset=offset, **query) for offset in (0, 4, 8, 12)]
        assert [len(page) for page in pages] == [4, 4, 2, 0]
        assert [run_id for page in pages for run_id in page] == everything


async def test_reads_a_run_whole(peer: Peer, client: DurablyClient) -> None:
    await peer.done("echo", {"value": "a"}, labels={"env": "prod"})
    await peer.done("fails", {"message": "disk is full"})
    await peer.done("steps", {"count": 2, "delayMs": 1})
    listed = {run.id: run for run in await client.get_runs()}
    for wire in await peer.runs():
        run = await client.get_run(wire["id"])
        assert run is not None
        assert run == listed[wire["id"]]
        told = as_wire(run, peer.generation)
        assert told == {name: wire[name] for name in told}
        assert run.extra == {}
    assert client.tally.malformed == 0
    assert await client.get_run("NOBODY") is None


async def test_reads_the_steps_that_the_server_still_has(peer: Peer, client: DurablyClient) -> None:
    ended = await peer.done("steps", {"count": 3, "delayMs": 1})
    kept = [step.name for step in await client.get_steps(ended)]
    assert kept == (["step-0", "step-1", "step-2"] if peer.generation == "0.8" else [])

    running = await peer.running()
    steps = await client.get_steps(running)
    assert steps
    assert [step.name for step in steps] == [f"step-{i}" for i in range(len(steps))]
    assert [step.index for step in steps] == list(range(len(steps)))
    assert {step.status for step in steps} == {StepStatus.COMPLETED}
    assert [step.output for step in steps] == list(range(len(steps)))
    assert all(step.started_at and step.completed_at for step in steps)


async def test_triggers(peer: Peer, client: DurablyClient) -> None:
    trigger = Trigger(
        job_name="echo",
        input={"value": "a"},
        labels={"env": "prod"},
        idempotency_key="once",
        concurrency_key="one-at-a-time",
    )
    first = await client.trigger(trigger)
    run = await peer.ended(first.run_id)
    assert run["output"] == {"value": "a"}
    if peer.generation == "0.15":
        assert run["labels"] == {"env": "prod"}
    else:
        assert run["concurrencyKey"] == "one-at-a-time"
    again = await client.trigger(trigger)
    assert again.run_id == first.run_id
    assert str(again.disposition) == ("idempotent" if peer.generation == "0.15" else "created")
    assert [run["id"] for run in await peer.runs()] == [first.run_id]


async def test_says_why_a_trigger_was_refused(peer: Peer, client: DurablyClient) -> None:
    with pytest.raises(NotFound, match="check the name of the job") as unknown:
        await client.trigger(Trigger(job_name="nobody", input={}))
    assert "nobody" in (unknown.value.reason or "")
    for wrong in ({"value": 1}, {}, "text", [1]):
        with pytest.raises(RefusedInput, match="correct it and send it again") as refused:
            await client.trigger(Trigger(job_name="echo", input=wrong))
        assert "expected" in (refused.value.reason or "")
    assert await peer.runs() == []


async def test_node_retriggers_as_a_new_run(node: NodePeer, tmp_path: Path) -> None:
    failed = await node.done("flaky", {"until": str(tmp_path / "go")}, labels={"env": "prod"})
    before = await node.run(failed)
    (tmp_path / "go").touch()
    async with DurablyClient(node.url) as client:
        new = await client.retrigger(failed)
        assert new != failed
        ended = await node.ended(new)
        assert (ended["status"], ended["output"]) == ("completed", {"ok": True})
        assert (ended["input"], ended["labels"]) == (before["input"], before["labels"])
        assert await node.run(failed) == before
        assert await node.ended(await client.retrigger(new))  # a completed one as well
        running = await node.running()
        with pytest.raises(Conflict):
            await client.retrigger(running)
        with pytest.raises(NotFound):
            await client.retrigger("NOBODY")
        with pytest.raises(Conflict, match="this server has no /retry; retrigger it"):
            await client.retry(failed)


async def test_08_retries_the_same_run(replay: ReplayPeer, tmp_path: Path) -> None:
    failed = await replay.done("flaky", {"until": str(tmp_path / "go")})
    (tmp_path / "go").touch()
    async with DurablyClient(replay.url) as client:
        await client.retry(failed)
        ended = await replay.ended(failed)
        assert (ended["status"], ended["error"], ended["output"]) == (
            "completed",
            None,
            {"ok": True},
        )
        assert [run["id"] for run in await replay.runs()] == [failed]
        steps = [(step.name, step.status) for step in await client.get_steps(failed)]
        assert steps.count(("prepare", StepStatus.COMPLETED)) == 1
        with pytest.raises(Conflict, match="Cannot retry completed run"):
            await client.retry(failed)
        with pytest.raises(NotFound):
            await client.retry("NOBODY")
        with pytest.raises(Conflict, match="this server has no /retrigger; retry it"):
            await client.retrigger(failed)


async def test_cancels_and_deletes(peer: Peer, client: DurablyClient) -> None:
    running = await peer.running()
    with pytest.raises(Conflict, match="check which state the run is in now"):
        await client.delete_run(running)
    await client.cancel(running)
    assert (await peer.run(running))["status"] == "cancelled"
    with pytest.raises(Conflict, match="Cannot cancel already cancelled run"):
        await client.cancel(running)
    with pytest.raises(NotFound):
        await client.cancel("NOBODY")
    done = await peer.done("echo", {"value": "a"})
    with pytest.raises(Conflict):
        await client.cancel(done)
    await client.delete_run(done)
    assert await client.get_run(done) is None
    assert done not in await ids(client)
    with pytest.raises(NotFound):
        await client.delete_run(done)


async def test_probe_finds_the_generation_and_changes_nothing(
    peer: Peer, client: DurablyClient
) -> None:
    await peer.done("fails", {"message": "a"})
    running = await peer.trigger("echo", {"value": "b"})
    await peer.ended(running)
    before = await peer.runs()
    assert client.abilities == Abilities()
    async with hearing(client.subscribe_runs()) as heard:
        await heard.until_live()
        assert await client.probe() == ABILITIES[peer.generation]
        assert await peer.runs() == before
        # The first thing that happens after the probe is the first thing that is told.
        later = await peer.trigger("echo", {"value": "later"})
        await heard.until_word("run:complete", later)
        assert {event.run_id for event in heard.events} == {later}


async def test_08_probe_only_asks(replay: ReplayPeer) -> None:
    await replay.done("fails", {"message": "a"})
    asked_before = len(replay.requests)
    async with DurablyClient(replay.url) as client:
        await client.probe()
    questions = replay.requests[asked_before:]
    assert 0 < len(questions) <= 8
    # No question names a run or a job, so none of them can do anything.
    assert {question.split("?")[0] for question in questions if question[:3] != "GET"} == {
        "POST /retry",
        "POST /retrigger",
    }
    assert not any("runId" in question or "trigger?" in question for question in questions)
    assert all("limit=1" in question for question in questions if "/runs" in question)


async def test_probe_needs_no_run_to_tell_the_generation(peer: Peer, client: DurablyClient) -> None:
    assert await peer.runs() == []
    assert await client.probe() == ABILITIES[peer.generation]
