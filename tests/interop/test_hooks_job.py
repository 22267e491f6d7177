"""`Job` against a server of each generation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from support.peers import LONG, Peer, until

from durably_tui.protocol import NotFound, Phase, RefusedInput, RunStatus
from durably_tui.state import DurablyHooks, JobCancelled, JobDefinition, JobFailed


@dataclass
class Count:
    count: int
    delayMs: int = 0  # noqa: N815 - as the server says it


@dataclass
class Done:
    done: int


STEPS = JobDefinition("steps", Count, Done)


async def test_trigger_and_wait(peer: Peer, hooks: DurablyHooks) -> None:
    async with hooks.job(STEPS).use_job() as job:
        assert job.status is None
        output = await job.trigger_and_wait(Count(3, 10), labels={"env": "prod"})
        assert output == Done(3)
        assert job.is_completed
        assert job.output == Done(3)
        assert job.progress is not None
        assert job.progress.message == "step 3 of 3"
        run = await peer.run(job.current_run_id or "")
        assert run["output"] == {"done": 3}
        job.reset()
        assert (job.current_run_id, job.status, job.output) == (None, None, None)


async def test_a_failure_and_a_cancel_are_raised(peer: Peer, hooks: DurablyHooks) -> None:
    async with hooks.job("fails").use_job() as fails:
        with pytest.raises(JobFailed, match="failed: disk is full") as failure:
            await fails.trigger_and_wait({"message": "disk is full"})
        assert failure.value.reason == "disk is full"
        assert fails.error == "disk is full"
    async with hooks.job("steps").use_job() as steps:
        waiting = asyncio.create_task(steps.trigger_and_wait(LONG))
        await until(lambda: steps.is_running)
        await hooks.use_run_actions().cancel(steps.current_run_id or "")
        with pytest.raises(JobCancelled, match="was cancelled"):
            await waiting


async def test_a_refused_trigger_is_raised(peer: Peer, hooks: DurablyHooks) -> None:
    async with hooks.job("echo").use_job() as job:
        with pytest.raises(RefusedInput):
            await job.trigger({"value": 1})
        assert job.status is None
    async with hooks.job("nobody").use_job() as nobody:
        with pytest.raises(NotFound):
            await nobody.trigger({})
    assert await peer.runs() == []


async def test_auto_resume_takes_up_the_running_run(peer: Peer, hooks: DurablyHooks) -> None:
    running = await peer.running()
    async with (
        hooks.job("steps").use_job() as job,
        hooks.job("steps").use_job(auto_resume=False) as other,
    ):
        await until(lambda: job.is_running and job.progress)
        assert job.current_run_id == running
        assert other.current_run_id is None
    async with hooks.job("echo").use_job() as echo:
        triggered = await echo.trigger({"value": "a"})
        assert echo.current_run_id == triggered.run_id


async def test_auto_resume_takes_up_a_pending_run(peer: Peer, hooks: DurablyHooks) -> None:
    await peer.running(concurrencyKey="one")
    pending = await peer.trigger("noisy", {"lines": 1}, concurrencyKey="one")
    async with hooks.job("noisy").use_job() as job:
        await until(lambda: job.current_run_id == pending)
        assert job.status is RunStatus.PENDING


async def test_follow_latest(peer: Peer, hooks: DurablyHooks) -> None:
    echo = hooks.job("echo")
    async with echo.use_job() as latest, echo.use_job(follow_latest=False) as faithful:
        await until(lambda: hooks.feed.connection.phase is Phase.LIVE)
        first = await faithful.trigger({"value": "a"})
        await until(lambda: latest.current_run_id == first.run_id)
        await until(lambda: latest.is_completed)
        second = await peer.trigger("echo", {"value": "b"})
        await until(lambda: latest.current_run_id == second)
        await until(lambda: latest.output == {"value": "b"})
        await peer.done("fails", {"message": "another job"})
        assert latest.current_run_id == second
        assert faithful.current_run_id == first.run_id


async def test_an_initial_run_is_followed(peer: Peer, hooks: DurablyHooks) -> None:
    done = await peer.done("echo", {"value": "a"})
    await peer.running()
    async with hooks.job("echo").use_job(initial_run_id=done) as job:
        assert job.current_run_id == done
        await until(lambda: job.output == {"value": "a"})
