"""Log lines of runs: in order, bounded, in nobody's way."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.engine_events import heard
from support.server import echo, make_durably

from durably_server import BlockingStep, Durably, JobDefinition, RunFailedError, Step, job
from durably_server.engine.events import Event, LogWrite
from durably_server.storage.sqlite.store import SqliteStore


async def test_logs_are_kept_in_order_and_bounded(tmp_path: Path) -> None:
    @job
    async def noisy(step: Step, input: None) -> None:
        for n in range(2500):
            step.log.info(f"line {n}")
        step.log.error("bad", data=object())
        step.log.info("none", data=None)

    async with make_durably(tmp_path, noisy, max_logs_per_run=100) as durably:
        done = await durably.trigger_and_wait(noisy, None, timeout=10)
        logs = await durably.get_logs(done.id)
    assert len(logs) == 100
    assert logs[0].message == "line 2402"
    assert logs[-2].data.startswith("<object object")
    assert (logs[-1].message, logs[-1].data) == ("none", None)


async def test_logs_of_all_runs_can_be_followed_from_a_line(durably: Durably) -> None:
    @job
    async def talks(step: Step, input: str) -> None:
        for n in range(3):
            step.log.info(f"{input}{n}")

    durably.register(talks)
    first = await durably.trigger_and_wait(talks, "a", timeout=5)
    before = await durably.get_logs(job_name="talks")
    await durably.trigger_and_wait(talks, "b", timeout=5)
    after = await durably.get_logs(after=before[-1].id, limit=2)
    assert [log.message for log in after] == ["b0", "b1"]
    assert [log.message for log in await durably.get_logs(limit=2)] == ["b1", "b2"]
    past = await durably.get_logs(before=after[0].id, limit=2)
    assert [(log.message, log.run_id) for log in past] == [("a1", first.id), ("a2", first.id)]


async def test_what_was_told_is_found_though_it_is_still_being_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing, go_on, told_two, stored, end = (asyncio.Event() for _ in range(5))
    append_logs = SqliteStore.append_logs

    async def slowly(*args: Any, **kwargs: Any) -> bool:
        storing.set()
        await stored.wait()
        return await append_logs(*args, **kwargs)

    @job
    async def talks(step: Step, input: None) -> None:
        step.log.info("one")
        await go_on.wait()
        step.log.info("two")
        told_two.set()
        await end.wait()

    monkeypatch.setattr(SqliteStore, "append_logs", slowly)
    async with make_durably(tmp_path, talks) as durably:
        run = await durably.trigger(talks, None)
        await storing.wait()
        go_on.set()
        await told_two.wait()
        asked = asyncio.create_task(durably.get_logs(run.id))
        await asyncio.sleep(0)
        stored.set()
        assert [log.message for log in await asked] == ["one", "two"]
        end.set()


async def test_a_store_that_takes_no_lines_does_not_keep_a_reader_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing, end = asyncio.Event(), asyncio.Event()

    async def never(*args: Any, **kwargs: Any) -> bool:
        storing.set()
        return await end.wait()

    @job
    async def talks(step: Step, input: None) -> None:
        step.log.info("one")
        await end.wait()

    monkeypatch.setattr(SqliteStore, "append_logs", never)
    monkeypatch.setattr("durably_server.engine.reading.STORED_WITHIN", 0.05)
    async with make_durably(tmp_path, talks) as durably:
        run = await durably.trigger(talks, None)
        await storing.wait()
        assert await durably.get_logs(run.id) == []
        end.set()


@pytest.mark.parametrize("plain", [True, False])
async def test_what_a_thread_says_is_told_before_its_step_and_its_run_end(
    durably: Durably, plain: bool
) -> None:
    said = threading.Event()

    def flood(step: Step | BlockingStep) -> None:
        for n in range(900):
            step.log.info(str(n))
        said.set()

    @job("floods")
    async def floods(step: Step, input: None) -> None:
        await step.run("a", flood, step)

    @job("floods")
    def plainly(step: BlockingStep, input: None) -> None:
        step.run("a", flood, step)
        flood(step)

    chosen: JobDefinition[None, None] = plainly if plain else floods
    durably.register(chosen)
    told: list[str] = []

    def hear(event: Event) -> None:
        told.append(type(event).__name__)
        if isinstance(event, LogWrite):
            # Who listens is slow: the thread is done while most of what it said waits.
            said.wait(5)
            time.sleep(0.0005)

    for kind in ("log:write", "step:complete", "run:complete"):
        durably.on(kind, hear)
    run = await durably.trigger_and_wait(chosen, None, timeout=20)
    lines = ["LogWrite"] * 900
    ends = [*lines, "RunComplete"] if plain else ["RunComplete"]
    assert told == [*lines, "StepComplete", *ends]
    assert len(await durably.get_logs(run.id, limit=10_000)) == told.count("LogWrite")


@pytest.mark.parametrize("plain", [True, False])
async def test_a_flood_of_lines_is_bounded_and_its_end_is_kept(tmp_path: Path, plain: bool) -> None:
    lines = 5000

    @job("flood")
    async def flood(step: Step, input: None) -> None:
        for n in range(lines):
            step.log.info(str(n))
            if n % 500 == 0:
                await asyncio.sleep(0)

    @job("flood")
    def plain_flood(step: BlockingStep, input: None) -> None:
        for n in range(lines):
            step.log.info(str(n))

    chosen: JobDefinition[None, None] = plain_flood if plain else flood
    async with make_durably(tmp_path, chosen, max_logs_per_run=300) as durably:
        heard_lines: list[str] = []
        durably.on(
            "log:write",
            lambda event: (
                heard_lines.append(event.message) if isinstance(event, LogWrite) else None
            ),
        )
        run = await durably.trigger_and_wait(chosen, None, timeout=20)
        kept = await durably.get_logs(run.id)
    assert heard_lines == [str(n) for n in range(lines)]
    assert [log.message for log in kept] == heard_lines[-300:]
    assert [log.id for log in kept] == sorted(log.id for log in kept)


async def test_a_plain_job_that_logs_without_end_harms_nobody(tmp_path: Path) -> None:
    over = threading.Event()

    @job(timeout=0.3)
    def endless(step: BlockingStep, input: None) -> None:
        while not over.is_set():
            step.log.info("again")

    async with make_durably(tmp_path, endless, echo, max_logs_per_run=300) as durably:
        events = heard(durably)
        run_id = (await durably.trigger(endless, None)).id
        with pytest.raises(RunFailedError, match=r"did not end within 0\.3 s"):
            await durably.wait_for_run(run_id, timeout=10)
        await durably.trigger_and_wait(echo, {"value": "next"}, timeout=10)
        over.set()
    of_run = [event.type for event in events if event.run_id == run_id]
    assert of_run.count("log:write") > 300
    assert of_run[-1] == "run:fail"


async def test_a_line_tells_its_data_as_it_was_when_it_was_written(tmp_path: Path) -> None:
    @job
    def counts(step: BlockingStep, input: None) -> None:
        seen: dict[str, int] = {}
        for n in range(200):
            seen["n"] = n
            step.log.info("seen", data=seen)
        seen["n"] = -1

    async with make_durably(tmp_path, counts) as durably:
        run_id = (await durably.trigger_and_wait(counts, None, timeout=10)).id
        lines = await durably.get_logs(run_id)
    assert [line.data for line in lines] == [{"n": n} for n in range(200)]
