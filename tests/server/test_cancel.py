"""Cancelled runs: async code stops at once, plain code at its next step."""

import asyncio
import threading
from pathlib import Path

import pytest
from support.engine_events import heard, names
from support.server import echo, make_durably

from durably_server import (
    BlockingStep,
    ConflictError,
    Durably,
    NotFoundError,
    RunCancelledError,
    RunInterrupted,
    Step,
    job,
)


async def test_cancel_really_cancels_async_code(durably: Durably) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @job
    async def endless(step: Step, input: None) -> None:
        async def wait() -> None:
            began.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        step.progress(7)
        step.progress(8)
        await step.run("wait", wait)

    durably.register(endless)
    events = heard(durably)
    run_id = (await durably.trigger(endless, None)).id
    await began.wait()
    await durably.cancel(run_id)
    async with asyncio.timeout(5):
        await ended.wait()
        with pytest.raises(RunCancelledError):
            await durably.wait_for_run(run_id)
    await durably.trigger_and_wait(echo, {"value": "next"}, timeout=5)
    assert names(events)[:6] == [
        *("run:trigger", "run:leased", "run:progress", "run:progress", "step:start"),
        "run:cancel",
    ]
    assert "step:cancel" in names(events)
    run = await durably.get_run(run_id)
    assert run is not None
    assert (run.status, run.progress) == ("cancelled", {"current": 8})
    steps = await durably.get_steps(run_id)
    assert [(s.name, s.status) for s in steps] == [("wait", "cancelled")]
    with pytest.raises(ConflictError, match="already cancelled"):
        await durably.cancel(run_id)
    await durably.delete_run(run_id)
    with pytest.raises(NotFoundError):
        await durably.cancel(run_id)


async def test_cancel_stops_a_plain_job_at_its_next_step(durably: Durably) -> None:
    began, seen = threading.Event(), threading.Event()

    @job
    def endless(step: BlockingStep, input: None) -> None:
        began.set()
        assert step.signal.wait(10)
        assert step.cancelled
        try:
            step.run("never", lambda: 1)
        except RunInterrupted:
            seen.set()
            raise

    durably.register(endless)
    run_id = (await durably.trigger(endless, None)).id
    await asyncio.to_thread(began.wait, 5)
    await durably.cancel(run_id)
    assert await asyncio.to_thread(seen.wait, 5)
    assert await durably.get_steps(run_id) == []


async def test_a_waiting_run_is_cancelled_and_never_runs(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo)
    run_id = (await durably.trigger(echo, {"value": "x"})).id
    await durably.cancel(run_id)
    assert await durably.process_until_idle() == 0
    await durably.stop()
