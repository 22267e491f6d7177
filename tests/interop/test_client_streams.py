"""The streams of the client against a server of each generation, crashes included."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path

import pytest
from support.heard import hearing
from support.peers import NodePeer, Peer, ReplayPeer

from durably_tui.client import DurablyClient
from durably_tui.protocol import (
    Phase,
    RunComplete,
    RunFail,
    RunProgress,
    RunsQuery,
    StepComplete,
    Unreachable,
)

STEPS = {"count": 3, "delayMs": 20}


async def test_a_run_is_told_to_its_end(peer: Peer, client: DurablyClient) -> None:
    await client.probe()
    run_id = await peer.trigger("steps", {"count": 4, "delayMs": 60})
    async with hearing(client.subscribe(run_id)) as heard:
        await heard.until_end()
    last = heard.events[-1]
    assert isinstance(last, RunComplete)
    assert last.output == {"done": 4}
    assert {event.run_id for event in heard.events} == {run_id}
    steps = [event.step_name for event in heard.events if isinstance(event, StepComplete)]
    # Whoever comes late to 0.8 is told only what happens from then on.
    assert steps
    assert steps == [f"step-{i}" for i in range(4)][-len(steps) :]
    progress = [event.progress for event in heard.events if isinstance(event, RunProgress)]
    assert progress[-1] is not None
    assert (progress[-1].current, progress[-1].message) == (4, "step 4 of 4")
    assert heard.phases == [Phase.LIVE, Phase.ENDED]
    assert client.tally.malformed == 0


async def test_the_stream_of_a_completed_run_ends(peer: Peer, client: DurablyClient) -> None:
    run_id = await peer.done("echo", {"value": "a"})
    async with hearing(client.subscribe(run_id)) as heard:
        await heard.until_end()
    # Node tells the end again; 0.8 says nothing at all to whoever comes late.
    assert heard.words == (["run:complete"] if peer.generation == "0.15" else [])
    assert heard.connections[-1].phase is Phase.ENDED


async def test_the_stream_of_an_unknown_run_ends(peer: Peer, client: DurablyClient) -> None:
    async with hearing(client.subscribe("NOBODY")) as heard:
        await heard.until_end()
    assert heard.events == []


async def test_node_ends_the_stream_of_a_failed_and_of_a_cancelled_run(node: NodePeer) -> None:
    async with DurablyClient(node.url) as client:
        failed = await node.trigger("fails", {"message": "disk is full"})
        async with hearing(client.subscribe(failed)) as heard:
            await heard.until_end()
        last = heard.events[-1]
        assert isinstance(last, RunFail)
        assert last.error == "disk is full"
        running = await node.running()
        async with hearing(client.subscribe(running)) as heard:
            await heard.until_live()
            await client.cancel(running)
            await heard.until_end()
        assert "run:cancel" in heard.words


async def test_08_keeps_the_stream_of_a_failed_run_for_its_retry(
    replay: ReplayPeer, tmp_path: Path
) -> None:
    async with DurablyClient(replay.url) as client:
        await replay.running({"count": 2, "delayMs": 1000})
        run_id = await replay.trigger("flaky", {"until": str(tmp_path / "go")})
        async with hearing(client.subscribe(run_id)) as heard:
            await heard.until_word("run:fail", run_id)
            (tmp_path / "go").touch()
            await client.retry(run_id)
            await heard.until_end()
        assert heard.words[heard.words.index("run:retry") :] == [
            *("run:retry", "run:leased", "step:start", "step:complete", "run:complete")
        ]
        assert heard.connections[-1].epoch == 1


async def test_all_runs_are_told_live(peer: Peer, client: DurablyClient) -> None:
    async with hearing(client.subscribe_runs()) as heard:
        await heard.until_live()
        first = await peer.done("steps", STEPS)
        second = await peer.done("fails", {"message": "disk is full"})
        await heard.until_word("run:complete", first)
        await heard.until_word("run:fail", second)
    words = heard.of(first)
    assert words[:2] == ["run:trigger", "run:leased"]
    assert [words.count(word) for word in ("step:start", "step:complete", "log:write")] == [3] * 3
    assert heard.of(second)[-2:] == ["step:fail", "run:fail"]
    assert client.tally.malformed == 0
    assert not client.tally.unknown_events


async def test_some_runs_are_told_live(peer: Peer, client: DurablyClient) -> None:
    async with (
        hearing(client.subscribe_runs("echo")) as one,
        hearing(client.subscribe_runs(["echo", "fails"])) as two,
        hearing(client.subscribe_runs(labels={"env": "prod"})) as labelled,
    ):
        for heard in (one, two, labelled):
            await heard.until_live()
        await peer.done("steps", STEPS, labels={"env": "dev"})
        failed = await peer.done("fails", {"message": "a"}, labels={"env": "prod"})
        echo = await peer.done("echo", {"value": "a"}, labels={"env": "prod"})
        await one.until_word("run:complete", echo)
        await two.until_word("run:complete", echo)
        assert {event.run_id for event in one.events} == {echo}
        assert {event.run_id for event in two.events if event.job_name} == {failed, echo}
        if peer.generation == "0.8":  # its runs have no labels
            assert labelled.events == []
        else:
            await labelled.until_word("run:complete", echo)
            assert {event.run_id for event in labelled.events} == {failed, echo}


async def test_a_server_killed_and_started_again_is_heard_again(
    peer: Peer, client: DurablyClient
) -> None:
    before = await peer.done("echo", {"value": "before"})
    async with hearing(client.subscribe_runs()) as heard:
        await heard.until_live()
        assert heard.connections[-1].epoch == 1
        await peer.kill()
        await heard.until(lambda: heard.phases[-1] is Phase.RECONNECTING)
        await heard.until(lambda: heard.connections[-1].attempt >= 2)
        lost = heard.connections[-1]
        assert isinstance(lost.error, Unreachable)
        assert "nothing listens there: start the server" in str(lost.error)
        assert lost.last_seen is not None
        await peer.start()
        await heard.until_live(epoch=2)
        later = await peer.trigger("echo", {"value": "later"})
        await heard.until_word("run:complete", later)
    assert heard.of(before) == []
    assert heard.phases == [Phase.LIVE, Phase.RECONNECTING, Phase.LIVE]
    assert [run.id for run in await client.get_runs(RunsQuery(limit=2))] == [later, before]


async def test_a_run_that_a_crash_interrupted_is_followed_to_its_end(
    peer: Peer, client: DurablyClient, tmp_path: Path
) -> None:
    await client.probe()
    run_id = await peer.trigger("held", {"until": str(tmp_path / "go")})
    await peer.until_run(run_id, lambda run: run["progress"])
    async with hearing(client.subscribe(run_id)) as heard:
        await heard.until_live()
        await peer.kill()
        await heard.until(lambda: Phase.RECONNECTING in heard.phases)
        await peer.start()
        await heard.until_live(epoch=2)
        (tmp_path / "go").touch()
        await heard.until_end()
    assert isinstance(heard.events[-1], RunComplete)
    assert heard.events[-1].output == {"ok": True}


@pytest.mark.parametrize("turns", range(1, 12))
async def test_a_cancel_while_dead_connections_are_closed_leaves_none_open(
    replay: ReplayPeer, turns: int
) -> None:
    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always", ResourceWarning)
        async with DurablyClient(replay.url) as client:
            await client.probe()  # leaves a connection for each of its questions
            replay.replay.cut_connections()
            await asyncio.sleep(0)
            asking = asyncio.create_task(client.get_run("NOBODY"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
        del asking, client
        gc.collect()
    assert [str(warning.message) for warning in unclosed] == []
