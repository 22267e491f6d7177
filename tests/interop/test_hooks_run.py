"""`JobRun` and `JobLogs` against a server of each generation."""

from __future__ import annotations

from pathlib import Path

from support.as_wire import same_run
from support.peers import NodePeer, Peer, ReplayPeer, until

import durably_tui
from durably_tui.protocol import LogLevel, Phase, RunStatus, StepStatus
from durably_tui.state import DurablyHooks, JobRun


class Told:
    """Which callbacks of a run were called, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def watch(self, hooks: DurablyHooks, job_name: str, run_id: str) -> JobRun:
        return hooks.job(job_name).use_run(
            run_id,
            on_start=lambda: self.calls.append("start"),
            on_complete=lambda: self.calls.append("complete"),
            on_fail=lambda: self.calls.append("fail"),
        )


async def settled(run: JobRun) -> None:
    """Wait until the server has described the run's end."""
    await until(lambda: run.state and run.state.settled, "the described end of the run")


async def test_a_run_is_followed_from_its_trigger_to_its_output(
    peer: Peer, hooks: DurablyHooks
) -> None:
    hooks.feed.open()  # as a monitor does: what passes before the run is opened is seen
    await until(lambda: hooks.feed.connection.phase is Phase.LIVE)
    told = Told()
    run_id = await peer.trigger("steps", {"count": 5, "delayMs": 60})
    seen: list[RunStatus] = []
    async with told.watch(hooks, "steps", run_id) as run:
        assert run.is_active
        run.subscribe(lambda state: state and seen.append(state.status))
        await until(lambda: run.progress and run.progress.current >= 2)
        assert run.is_running
        assert run.is_leased
        assert run.state is not None
        assert run.state.step_name in {None, "step-2", "step-3", "step-4"}
        await run.wait()
        assert run.is_completed
        assert run.is_terminal
        assert not run.is_active
        assert run.output == {"done": 5}
        assert run.error is None
        assert run.progress is not None
        assert (run.progress.current, run.progress.total) == (5, 5)
        assert run.progress.message == "step 5 of 5"
        assert [(step.name, step.status) for step in run.steps] == [
            (f"step-{i}", StepStatus.COMPLETED) for i in range(5)
        ]
        assert all(
            step.started_at and step.completed_at and step.started_at <= step.completed_at
            for step in run.steps
        )
        assert [line.message for line in run.logs] == [f"finished step {i}" for i in range(5)]
        assert [line.data for line in run.logs] == [{"i": i} for i in range(5)]
        assert run.state.complete
        assert run.run is not None
        assert same_run(run.run, await peer.run(run_id), peer.generation)
    assert told.calls == ["start", "complete"]
    assert [*dict.fromkeys(seen)][-2:] == [RunStatus.RUNNING, RunStatus.COMPLETED]


async def test_a_failed_run_says_why(peer: Peer, hooks: DurablyHooks) -> None:
    told = Told()
    run_id = await peer.trigger("fails", {"message": "disk is full"})
    async with told.watch(hooks, "fails", run_id) as run:
        await settled(run)
        assert run.is_failed
        assert run.error == "disk is full"
        assert run.output is None
        steps = {step.name: step for step in run.steps}
        if peer.generation == "0.8" or steps:  # Node forgot them unless the stream was in time
            assert steps["boom"].status is StepStatus.FAILED
            assert steps["boom"].error == "disk is full"
    assert told.calls[-1] == "fail"
    assert told.calls.count("fail") == 1
    assert "complete" not in told.calls


async def test_a_cancelled_run_is_cancelled(peer: Peer, hooks: DurablyHooks) -> None:
    told = Told()
    run_id = await peer.running()
    async with told.watch(hooks, "steps", run_id) as run:
        await until(lambda: run.is_running)
        await hooks.use_run_actions().cancel(run_id)
        await until(lambda: run.is_cancelled)
        await settled(run)
        assert run.output is None
    assert told.calls == ["start"]


async def test_a_deleted_run_is_gone(peer: Peer, hooks: DurablyHooks) -> None:
    run_id = await peer.done("echo", {"value": "a"})
    async with hooks.job("echo").use_run(run_id) as run:
        await settled(run)
        await hooks.use_run_actions().delete_run(run_id)
        await run.refresh()
        assert run.state is not None
        assert run.state.is_gone
    async with hooks.job("echo").use_run("NOBODY") as run:
        await until(lambda: run.state and run.state.is_gone)


async def test_a_run_opened_late_shows_what_passed_on_the_feed(
    peer: Peer, hooks: DurablyHooks
) -> None:
    hooks.feed.open()
    await until(lambda: hooks.feed.connection.phase is Phase.LIVE)
    ended = await peer.done("steps", {"count": 3, "delayMs": 5})
    failed = await peer.done("fails", {"message": "disk is full"})
    running = await peer.running()
    await until(lambda: (seen := hooks.history.runs.get(running)) and len(seen.logs) >= 1)

    async with hooks.job("steps").use_run(ended) as run:
        await settled(run)
        assert [line.message for line in run.logs] == [f"finished step {i}" for i in range(3)]
        assert [(step.name, step.status) for step in run.steps] == [
            (f"step-{i}", StepStatus.COMPLETED) for i in range(3)
        ]
        assert run.output == {"done": 3}
        assert run.state is not None
        assert run.state.complete
    async with hooks.job("fails").use_run(failed) as run:
        await settled(run)
        assert [(line.level, line.message) for line in run.logs] == [
            (LogLevel.WARN, "about to fail")
        ]
        assert [(step.name, step.error) for step in run.steps] == [("boom", "disk is full")]
    async with hooks.job("steps").use_run(running) as run:
        await until(lambda: len(run.logs) >= 4)
        numbers = [line.data["i"] for line in run.logs]
        assert numbers == list(range(len(numbers)))  # none twice, none left out
        await until(lambda: len(run.steps) >= 4)
        names = [step.name for step in run.steps]
        assert names == [f"step-{i}" for i in range(len(names))]


async def test_a_run_that_nobody_watched_shows_what_the_server_kept(
    peer: Peer, hooks: DurablyHooks
) -> None:
    run_id = await peer.done("steps", {"count": 3, "delayMs": 1})
    async with hooks.job("steps").use_run(run_id) as run:
        await settled(run)
        assert run.output == {"done": 3}
        assert len(run.logs) == 0
        kept = [step.name for step in run.steps]
        assert kept == (["step-0", "step-1", "step-2"] if peer.generation == "0.8" else [])
        assert run.state is not None
        assert not run.state.complete


async def test_08_a_retried_run_comes_alive_again(replay: ReplayPeer, tmp_path: Path) -> None:
    async with durably_tui.create_durably_client(replay.url) as hooks:
        run_id = await replay.done("flaky", {"until": str(tmp_path / "go")})
        told = Told()
        async with told.watch(hooks, "flaky", run_id) as run:
            await settled(run)
            assert (run.status, run.error) == (RunStatus.FAILED, "not this time")
            # The retry is heard on a stream of the job, even where no feed was open.
            await replay.replay.streams_open(1)
            result = await hooks.use_run_actions().retry(run_id)
            assert not result.is_new_run
            await until(lambda: run.is_failed and told.calls.count("fail") == 2)
            await settled(run)
            (tmp_path / "go").touch()
            await replay.replay.streams_open(1)
            await hooks.use_run_actions().retry(run_id)
            await until(lambda: run.is_completed)
            await settled(run)
            assert (run.output, run.error) == ({"ok": True}, None)
            # `prepare` was finished by the first attempt and is in none of the others.
            assert [step.name for step in run.steps].count("prepare") == 1
            assert run.steps[-1].status is StepStatus.COMPLETED
        assert told.calls == ["fail", "start", "fail", "start", "complete"]


async def test_node_a_run_that_failed_stays_failed_and_its_streams_end(
    node: NodePeer, tmp_path: Path
) -> None:
    async with durably_tui.create_durably_client(node.url) as hooks:
        run_id = await node.done("flaky", {"until": str(tmp_path / "go")})
        async with hooks.job("flaky").use_run(run_id) as run:
            await settled(run)
            (tmp_path / "go").touch()
            result = await hooks.use_run_actions().retry(run_id)
            assert result.is_new_run
            async with hooks.job("flaky").use_run(result.next_run_id) as new:
                await settled(new)
                assert new.output == {"ok": True}
            assert run.is_failed
            assert run.connection.phase is Phase.ENDED


async def test_logs(peer: Peer, hooks: DurablyHooks) -> None:
    hooks.feed.open()
    await until(lambda: hooks.feed.connection.phase is Phase.LIVE)
    run_id = await peer.done("noisy", {"lines": 30})
    await until(lambda: (seen := hooks.history.runs.get(run_id)) and len(seen.logs) == 30)
    noisy = hooks.job("noisy")
    async with noisy.use_logs(run_id) as logs, noisy.use_logs(run_id, max_logs=5) as few:
        await until(lambda: len(logs.logs) == 30)
        assert [line.message for line in logs.logs] == [f"line {i}" for i in range(30)]
        assert [line.level for line in logs.logs][:3] == [
            *(LogLevel.INFO, LogLevel.WARN, LogLevel.ERROR)
        ]
        assert logs.logs[7].data == {"line": 7, "of": 30}
        assert [line.message for line in few.logs] == [f"line {i}" for i in range(25, 30)]
        assert few.logs.dropped == 25


async def test_cleared_logs_show_only_what_comes_after(peer: Peer, hooks: DurablyHooks) -> None:
    run_id = await peer.running()
    async with hooks.job("steps").use_logs(run_id) as logs:
        await until(lambda: len(logs.logs) >= 2)
        last = logs.logs[-1].data["i"]
        logs.clear_logs()
        assert len(logs.logs) == 0
        await until(lambda: len(logs.logs) >= 2)
        assert logs.logs[0].data["i"] == last + 1
