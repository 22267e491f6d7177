"""Steps that are plain functions: stored by the thread that executed them."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.engine_events import heard, names
from support.server import make_durably

from durably_server import BlockingStep, Durably, Step, job
from durably_server.engine.checkpoints import Checkpoints, OpenStep
from durably_server.engine.model import NewStep


@pytest.fixture
async def durably(tmp_path: Path) -> AsyncIterator[Durably]:
    """One run at a time, and nobody who claims meanwhile: only its steps are written."""
    async with make_durably(tmp_path, max_concurrent_runs=1, polling_interval=60) as made:
        yield made


async def test_a_finished_step_is_stored_though_the_event_loop_stands_still(
    durably: Durably, tmp_path: Path
) -> None:
    begun = threading.Event()

    @job
    async def one(step: Step, input: None) -> int:
        loop = asyncio.get_running_loop()
        step_run = asyncio.ensure_future(step.run("a", lambda: begun.wait(10)))
        await asyncio.sleep(0)
        loop.call_soon(stand_still)
        return int(await step_run)

    found: list[tuple[str, str]] = []

    def stand_still() -> None:
        begun.set()
        db = sqlite3.connect(tmp_path / "test.db")
        deadline = time.monotonic() + 10
        while not found and time.monotonic() < deadline:
            found.extend(db.execute("SELECT name, status FROM durably_steps"))
        db.close()

    durably.register(one)
    events = heard(durably)
    assert (await durably.trigger_and_wait(one, None, timeout=10)).output == 1
    assert found == [("a", "completed")]
    assert names(events)[-2:] == ["step:complete", "run:complete"]


async def test_a_step_that_its_job_gave_up_is_not_stored_later(
    durably: Durably, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, over = threading.Event(), threading.Event()
    store_now = Checkpoints.store_now

    def told(self: Checkpoints, step: OpenStep, output: Any) -> bool | None:
        try:
            return store_now(self, step, output)
        finally:
            over.set()

    monkeypatch.setattr(Checkpoints, "store_now", told)

    @job
    async def gives_up(step: Step, input: None) -> bool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await step.run("slow", let_go.wait, 10)
        let_go.set()
        return await asyncio.to_thread(over.wait, 10)

    durably.register(gives_up)
    done = await durably.trigger_and_wait(gives_up, None, timeout=20)
    assert done.output is True
    assert [(s.name, s.status) for s in await durably.get_steps(done.id)] == [("slow", "failed")]


async def test_a_step_that_is_being_stored_is_not_told_as_cancelled(
    durably: Durably, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = durably._store
    save, saving, let_go = store.save_step_now, threading.Event(), threading.Event()

    def slowly(step: NewStep, generation: int) -> bool | None:
        saving.set()
        let_go.wait(10)
        return save(step, generation)

    monkeypatch.setattr(store, "save_step_now", slowly)

    @job
    async def one(step: Step, input: None) -> None:
        waiting = asyncio.ensure_future(step.run("a", lambda: 1))
        await asyncio.to_thread(saving.wait, 10)
        waiting.cancel()
        await asyncio.wait((waiting,))
        assert waiting.cancelled()
        let_go.set()
        monkeypatch.setattr(store, "save_step_now", save)
        while not await store.get_completed_step_names(step.run_id):  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.001)

    durably.register(one)
    done = await durably.trigger_and_wait(one, None, timeout=10)
    assert [(s.name, s.status) for s in await durably.get_steps(done.id)] == [("a", "completed")]


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_what_has_no_json_form_fails_the_step_alike(durably: Durably, kind: str) -> None:
    @job
    async def in_loop(step: Step, input: None) -> None:
        await step.run("a", object)

    @job
    def in_thread(step: BlockingStep, input: None) -> None:
        step.run("a", object)

    definition: Any = in_loop if kind == "async" else in_thread
    durably.register(definition)
    run = await durably.trigger(definition, None)
    with pytest.raises(Exception, match="has no JSON form"):
        await durably.wait_for_run(run.id, timeout=10)
    (step,) = await durably.get_steps(run.id)
    assert (step.status, step.output) == ("failed", None)
    assert "has no JSON form" in str(step.error)
