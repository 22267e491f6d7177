"""``Job``: trigger, wait, resume, follow."""

from __future__ import annotations

import asyncio

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import NotFound, RunStatus
from durably_tui.state import DurablyHooks, JobCancelled, JobFailed


async def test_trigger_makes_the_new_run_the_current_one(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.job("job").use_job() as job:
        await settle()
        assert job.status is None
        assert job.current_run_id is None
        port.gate.clear()
        triggering = asyncio.create_task(
            job.trigger({"n": 1}, labels={"env": "prod"}, idempotency_key="k")
        )
        await settle()
        assert job.is_pending
        port.gate.set()
        triggered = await triggering
        assert job.current_run_id == triggered.run_id
        assert port.triggers[0].labels == {"env": "prod"}
        assert port.triggers[0].idempotency_key == "k"
        port.started(triggered.run_id)
        port.logged(triggered.run_id, "hello")
        await settle()
        assert job.is_running
        assert [line.message for line in job.logs] == ["hello"]
        port.completed(triggered.run_id, 4)
        await clock.advance(1)
        assert job.output == 4
        job.reset()
        assert job.status is None
        assert job.current_run_id is None
        assert job.logs == ()


async def test_a_refused_trigger_leaves_nothing_pending(
    port: FakePort, hooks: DurablyHooks
) -> None:
    async with hooks.job("job").use_job() as job:
        port.errors["trigger"] = NotFound("No such job.")
        with pytest.raises(NotFound):
            await job.trigger({})
        assert job.status is None


async def test_waiting_gives_the_output_whatever_is_followed_meanwhile(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.job("job").use_job() as job:
        await settle()
        waiting = asyncio.create_task(job.trigger_and_wait({}))
        await settle()
        mine = job.current_run_id
        assert mine is not None
        other = port.made("job")
        await settle()
        assert job.current_run_id == other, "follow_latest"
        port.completed(other, "other")
        port.completed(mine, "mine")
        await clock.advance(1)
        assert await waiting == "mine"


@pytest.mark.parametrize("end", ["failed", "cancelled", "deleted"])
async def test_waiting_for_a_run_that_gives_nothing_raises_a_sentence(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock, end: str
) -> None:
    async with hooks.job("job").use_job() as job:
        waiting = asyncio.create_task(job.trigger_and_wait({}))
        await settle()
        run_id = job.current_run_id
        assert run_id is not None
        match end:
            case "failed":
                port.failed(run_id, "disk is full")
            case "cancelled":
                port.cancelled(run_id)
            case _:
                port.deleted(run_id)
        await clock.advance(1)
        with pytest.raises(JobFailed if end == "failed" else JobCancelled) as caught:
            await waiting
        assert caught.value.run_id == run_id
        assert run_id in str(caught.value)
        if end == "failed":
            assert caught.value.reason == "disk is full"


async def test_cancelling_the_wait_leaves_nothing(port: FakePort, hooks: DurablyHooks) -> None:
    async with hooks.job("job").use_job(follow_latest=False) as job:
        waiting = asyncio.create_task(job.trigger_and_wait({}))
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert job.is_pending


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.PENDING])
async def test_the_running_run_is_taken_up_else_the_pending_one(
    port: FakePort, hooks: DurablyHooks, status: RunStatus
) -> None:
    first = port.made()
    pending = port.made()
    port.made("other")
    if status is RunStatus.RUNNING:
        port.started(first)
    else:
        port.completed(first)
    async with hooks.job("job").use_job() as job:
        await settle()
        assert job.current_run_id == (first if status is RunStatus.RUNNING else pending)
        assert job.status is status


async def test_what_the_user_triggered_is_not_replaced_by_what_was_there(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.started(port.made())
    port.gate.clear()
    async with hooks.job("job").use_job(follow_latest=False) as job:
        triggering = asyncio.create_task(job.trigger({}))
        await settle()
        port.gate.set()
        triggered = await triggering
        await settle()
        assert job.current_run_id == triggered.run_id


async def test_an_initial_run_is_followed_and_nothing_is_looked_for(
    port: FakePort, hooks: DurablyHooks
) -> None:
    wanted = port.made()
    port.started(port.made())
    job = hooks.job("job").use_job(initial_run_id=wanted, follow_latest=False)
    async with job:
        await settle()
        assert job.current_run_id == wanted
        assert port.requests["get_runs"] == 0
        assert port.feeds == []


async def test_without_following_a_new_run_of_somebody_else_is_left_alone(
    port: FakePort, hooks: DurablyHooks
) -> None:
    mine = port.made()
    async with hooks.job("job").use_job(follow_latest=False) as job:
        await settle()
        port.made()
        await settle()
        assert job.current_run_id == mine


async def test_runs_of_other_jobs_are_not_followed(port: FakePort, hooks: DurablyHooks) -> None:
    hooks.feed.open()
    async with hooks.job("job").use_job() as job:
        await settle()
        port.made("other")
        await settle()
        assert job.current_run_id is None
