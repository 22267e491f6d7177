"""`Runs` and `RunActions` against a server of each generation."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from support.as_wire import same_runs
from support.counting_client import CountingClient
from support.peers import LONG, PATIENCE, QUICK, Peer, ReplayPeer, until

from durably_tui.client import DurablyClient
from durably_tui.protocol import Conflict, Phase, RunStatus, Trigger, Unreachable
from durably_tui.state import Action, DurablyHooks, Runs, create_durably_client


def ids(runs: Runs) -> list[str]:
    return [run.id for run in runs.runs]


async def until_live(runs: Runs) -> None:
    """Wait until the page was fetched with its stream open."""
    await until(
        lambda: (
            runs.state.connection
            and runs.state.connection.phase is Phase.LIVE
            and runs.state.fetched_at
            and not runs.is_loading
        ),
        "a live page",
    )


async def until_same(runs: Runs, peer: Peer) -> None:
    """Wait until the page is what the server lists, in every field.

    The server is asked each time: a run that is cancelled in the middle of a step ends that first.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        wire = await peer.runs(limit=runs.state.page_size)
        if same_runs(runs.runs, wire, peer.generation):
            return
        assert time.monotonic() < deadline, f"{runs.runs}\n differs from\n{wire}"
        await asyncio.sleep(0.02)


async def test_page_0_lives(peer: Peer, hooks: DurablyHooks) -> None:
    old = await peer.done("echo", {"value": "old"})
    seen: list[tuple[str, RunStatus]] = []
    async with hooks.use_runs(page_size=3) as runs:
        runs.subscribe(lambda state: seen.extend((run.id, run.status) for run in state.runs))
        await until_live(runs)
        assert ids(runs) == [old]
        new = await peer.trigger("steps", {"count": 4, "delayMs": 100})
        await until(lambda: ids(runs) == [new, old])
        await until(lambda: runs.runs[0].progress and runs.runs[0].progress.current >= 2)
        assert runs.runs[0].status is RunStatus.RUNNING
        activity = runs.state.activity[new]
        await peer.ended(new)
        await until_same(runs, peer)
        assert activity.step_name in {None, "step-2", "step-3"}
    told = list(dict.fromkeys(status for run_id, status in seen if run_id == new))
    assert told[-2:] == [RunStatus.RUNNING, RunStatus.COMPLETED]


async def test_other_pages_stand_still(peer: Peer, hooks: DurablyHooks) -> None:
    old = [await peer.done("echo", {"value": str(number)}) for number in range(5)][::-1]
    async with hooks.use_runs(page_size=2) as runs:
        await until_live(runs)
        assert (ids(runs), runs.has_more) == (old[:2], True)
        runs.next_page()
        await until(lambda: ids(runs) == old[2:4])
        new = await peer.done("echo", {"value": "new"})
        await until(lambda: hooks.history.runs.get(new))
        assert (runs.page, ids(runs)) == (1, old[2:4])
        await runs.refresh()
        assert ids(runs) == old[1:3]
        runs.go_to_page(2)
        await until(lambda: ids(runs) == old[3:])
        assert not runs.has_more
        runs.go_to_page(0)
        await until(lambda: ids(runs) == [new, old[0]])
        runs.next_page()
        runs.prev_page()
        await until_same(runs, peer)


async def test_filters(peer: Peer, hooks: DurablyHooks) -> None:
    async with hooks.use_runs(status="failed") as failed, hooks.use_runs(job_name="echo") as echos:
        await until_live(failed)
        await until_live(echos)
        echo = await peer.done("echo", {"value": "a"}, labels={"env": "prod"})
        boom = await peer.done("fails", {"message": "disk is full"})
        await until(lambda: ids(failed) == [boom])
        await until(lambda: failed.runs[0].error == "disk is full")
        await until(lambda: ids(echos) == [echo])
        failed.set_query(status=["completed", "failed"])
        await until(lambda: ids(failed) == [boom, echo])
        failed.set_query(labels={"env": "prod"})
        await until(lambda: ids(failed) == ([echo] if peer.generation == "0.15" else []))
        assert failed.error is None


async def test_one_request_serves_a_burst(
    peer: Peer, hooks: DurablyHooks, port: CountingClient
) -> None:
    async with hooks.use_runs(page_size=100) as runs:
        await until_live(runs)
        before = port.asked["get_runs"]
        began = time.monotonic()
        echo = Trigger(job_name="echo", input={"value": "a"})
        await asyncio.gather(*(port.trigger(echo) for _ in range(40)))
        await until(lambda: len(runs.runs) == 40 and all(run.is_terminal for run in runs.runs))
        took = time.monotonic() - began
        asked = port.asked["get_runs"] - before
        await until_same(runs, peer)
        # Each of these events is one for which the reference fetches the page; the last ones may
        # come after an answer that told of the same.
        await until(lambda: hooks.feed.state.events >= 40 * 5)
    assert asked <= took / 0.3 + 2, (asked, took)


async def test_08_is_asked_by_one_request_for_a_burst(replay: ReplayPeer) -> None:
    client = DurablyClient(replay.url, pace=QUICK)
    async with client, create_durably_client(client) as hooks, hooks.use_runs() as runs:
        await until_live(runs)
        before = len(replay.requests)
        # Inside the server, so that nothing but the page asks for anything.
        for number in range(100):
            replay.durably.trigger("echo", {"value": str(number)})
        began = time.monotonic()
        await until(lambda: len(runs.runs) == 10 and all(run.is_terminal for run in runs.runs))
        asked = replay.requests[before:]
        assert all(request.startswith("GET /runs?") for request in asked), asked
        assert len(asked) <= (time.monotonic() - began) / 0.3 + 2, asked


async def test_a_crash_and_a_restart_end_in_what_the_server_has(
    peer: Peer, hooks: DurablyHooks, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    for number in range(3):
        await peer.done("echo", {"value": str(number)}, labels={"env": "prod"})
    await peer.done("fails", {"message": "disk is full"})
    held = await peer.trigger("held", {"until": str(go)})
    async with hooks.use_runs(page_size=5) as runs, hooks.job("held").use_run(held) as run:
        await until_live(runs)
        await until(lambda: run.progress and run.progress.message == "held")
        await peer.kill()
        await until(lambda: runs.state.stale_since is not None)
        assert isinstance(hooks.feed.connection.error, Unreachable)
        assert len(runs.runs) == 5  # what was known is still there
        await peer.start()
        # What happened while nobody was connected is known as well.
        missed = await peer.trigger("echo", {"value": "missed"})
        await until(lambda: missed in ids(runs))
        assert runs.state.connection is not None
        assert runs.state.connection.epoch == 2
        assert runs.state.stale_since is None
        later = await peer.trigger("fails", {"message": "again"})
        await until(lambda: later in ids(runs))
        go.touch()
        for run_id in (held, missed, later):
            await peer.ended(run_id)
        await until_same(runs, peer)
        await until(lambda: run.state and run.state.settled)
        assert run.output == {"ok": True}
        assert [step.name for step in run.steps].count("prepare") == 1
        assert runs.error is None


async def test_a_page_opened_on_a_dead_server_fills_as_soon_as_it_lives(
    peer: Peer, hooks: DurablyHooks, port: CountingClient
) -> None:
    done = await peer.done("echo", {"value": "a"})
    await peer.kill()
    async with hooks.use_runs() as runs:
        # After three failures the page by itself would wait for some seconds.
        await until(lambda: port.asked["get_runs"] == 3 and not runs.is_loading)
        assert isinstance(runs.error, Unreachable)
        await peer.start()
        await until(lambda: hooks.feed.connection.phase is Phase.LIVE)
        live = time.monotonic()
        await until(lambda: ids(runs) == [done])
        assert runs.error is None
        assert time.monotonic() - live < 1.0


async def test_actions(peer: Peer, hooks: DurablyHooks, tmp_path: Path) -> None:
    actions = hooks.use_run_actions()
    go = tmp_path / "go"
    failed = await peer.done("flaky", {"until": str(go)})
    go.touch()
    result = await actions.retry(failed)
    assert result.run_id == failed
    if peer.generation == "0.8":
        assert (result.action, result.is_new_run) == (Action.RETRY, False)
        assert result.message == "The same run resumes after its last finished step."
    else:
        assert (result.action, result.is_new_run) == (Action.RETRIGGER, True)
        assert result.next_run_id in result.message
    assert (await peer.ended(result.next_run_id))["status"] == "completed"
    assert len(await peer.runs()) == (2 if result.is_new_run else 1)

    steps = await actions.get_steps(result.next_run_id)
    assert bool(steps) is (peer.generation == "0.8")
    assert (await actions.delete_run(result.next_run_id)).action is Action.DELETE
    assert await actions.get_run(result.next_run_id) is None
    assert actions.error is None
    assert not actions.is_loading


async def test_actions_that_are_refused(peer: Peer, hooks: DurablyHooks) -> None:
    actions = hooks.use_run_actions()
    done = await peer.done("echo", {"value": "a"})
    reason = actions.allowed("cancel", RunStatus.COMPLETED)
    assert reason == "run is completed: nothing to cancel"
    with pytest.raises(Conflict):
        await actions.cancel(done)
    assert isinstance(actions.error, Conflict)
    if peer.generation == "0.8":
        with pytest.raises(Conflict, match="this server has no /retrigger"):
            await actions.retrigger(done)
    else:
        assert (await actions.retrigger(done)).is_new_run
        assert actions.error is None


async def test_an_action_is_seen_at_once_and_taken_back_where_it_is_refused(
    peer: Peer, hooks: DurablyHooks
) -> None:
    actions = hooks.use_run_actions()
    async with hooks.use_runs() as runs:
        await until_live(runs)
        running = await peer.running(LONG)
        await until(lambda: runs.state.get(running))
        with runs.optimistic(running, RunStatus.CANCELLED):
            assert runs.runs[0].status is RunStatus.CANCELLED
            await actions.cancel(running)
        assert runs.runs[0].status is RunStatus.CANCELLED
        await until_same(runs, peer)
        seen: list[RunStatus] = []
        runs.subscribe(lambda state: seen.extend(run.status for run in state.runs))
        with pytest.raises(Conflict), runs.optimistic(running, RunStatus.PENDING):
            await actions.cancel(running)
        assert RunStatus.PENDING in seen
        assert runs.runs[0].status is RunStatus.CANCELLED
        with runs.optimistic(running, None):
            assert runs.runs == ()
            await actions.delete_run(running)
        await until_same(runs, peer)
        assert runs.runs == ()
