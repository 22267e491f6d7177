"""Jobs executed: checkpoints, threads, steps beside each other, runs that resume."""

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.engine_events import heard, names
from support.server import echo, make_durably

from durably_server import BlockingStep, ConflictError, Durably, RunFailedError, Step, job


async def test_a_run_goes_from_trigger_to_typed_output(durably: Durably) -> None:
    events = heard(durably)
    done = await durably.trigger_and_wait(echo, {"value": "hi"}, labels={"env": "x"})
    assert (done.output.value, done.disposition) == ("hi", "created")
    assert names(events) == [
        "run:trigger",
        "run:leased",
        "step:start",
        "step:complete",
        "run:complete",
    ]
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5]
    run = await durably.get_run(done.id)
    assert run is not None
    assert (run.status, run.completed_step_count, run.output) == ("completed", 1, {"value": "hi"})
    assert run.created_at <= (run.started_at or "") <= (run.completed_at or "")
    assert [(step.name, step.output) for step in await durably.get_steps(run.id)] == [
        ("echo", "hi")
    ]


async def test_a_trigger_wakes_an_idle_worker_at_once(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo, polling_interval=60)
    async with durably:
        await asyncio.sleep(0.05)
        await durably.trigger_and_wait(echo, {"value": "hi"}, timeout=5)


async def test_steps_may_be_sync_async_lambdas_and_methods(durably: Durably) -> None:
    class Callable_:  # noqa: N801
        async def __call__(self, n: int) -> int:
            return n + 1

    async def later(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    main = threading.get_ident()

    @job
    async def mixed(step: Step, input: None) -> list[int]:
        one = await step.run("lambda", lambda: 1)
        two = await step.run("async", later, one)
        three = await step.run("awaitable", lambda: later(two))
        four = await step.run("object", Callable_(), three)
        assert await step.run("thread", threading.get_ident) != main
        return [one, two, three, four]

    durably.register(mixed)
    assert (await durably.trigger_and_wait(mixed, None)).output == [1, 2, 3, 4]


async def test_steps_may_run_beside_each_other(durably: Durably) -> None:
    @job
    async def both(step: Step, input: None) -> list[int]:
        async def one(n: int) -> int:
            step.log.info(f"in {n}")
            await asyncio.sleep(0.01)
            return n

        return list(await asyncio.gather(*(step.run(f"s{n}", one, n) for n in range(5))))

    durably.register(both)
    done = await durably.trigger_and_wait(both, None)
    assert done.output == [0, 1, 2, 3, 4]
    assert [step.index for step in await durably.get_steps(done.id)] == [0, 1, 2, 3, 4]
    assert {log.step_name: log.message for log in await durably.get_logs(done.id)} == {
        f"s{n}": f"in {n}" for n in range(5)
    }


async def test_a_step_of_the_same_name_answers_with_the_first_output(durably: Durably) -> None:
    calls = []

    @job
    async def twice(step: Step, input: None) -> list[int]:
        def count() -> int:
            calls.append(1)
            return len(calls)

        return [await step.run("count", count), await step.run("count", count)]

    durably.register(twice)
    assert (await durably.trigger_and_wait(twice, None)).output == [1, 1]


async def test_a_retry_resumes_after_the_last_finished_step(durably: Durably) -> None:
    @dataclass
    class Row:
        n: int

    calls: list[str] = []

    def load() -> list[Row]:
        calls.append("load")
        return [Row(1), Row(2)]

    @job
    async def flaky(step: Step, input: None) -> int:
        rows = await step.run("load", load)
        untyped = await step.run("again", lambda: [*load()], returns=list[Row])
        total = sum(row.n for row in [*rows, *untyped])

        def save() -> int:
            calls.append("save")
            if step.attempt == 1:
                raise RuntimeError("disk is full")
            return total

        return await step.run("save", save)

    durably.register(flaky)
    run_id = (await durably.trigger(flaky, None)).id
    with pytest.raises(RunFailedError, match="disk is full"):
        await durably.wait_for_run(run_id, timeout=5)
    assert calls == ["load", "load", "save"]
    events = heard(durably)
    retried = await durably.retry(run_id)
    assert retried.status in {"pending", "leased"}  # the worker may be quick
    run = await durably.wait_for_run(run_id, timeout=5)
    assert (run.output, run.error, run.completed_step_count) == (6, None, 3)
    assert calls == ["load", "load", "save", "save"]
    assert names(events)[:3] == ["run:retry", "run:leased", "step:start"]
    steps = await durably.get_steps(run_id)
    assert [(s.name, s.index, s.status) for s in steps] == [
        ("load", 0, "completed"),
        ("again", 1, "completed"),
        ("save", 2, "failed"),
        ("save", 2, "completed"),
    ]
    with pytest.raises(ConflictError, match="Cannot retry completed run"):
        await durably.retry(run_id)


async def test_a_retrigger_is_a_new_run_with_the_same_input(durably: Durably) -> None:
    first = await durably.trigger_and_wait(echo, {"value": "x"}, labels={"a": "b"})
    again = await durably.retrigger(first.id)
    assert again.id != first.id
    assert (again.input, again.labels) == ({"value": "x"}, {"a": "b"})
    assert (await durably.wait_for_run(again.id, timeout=5)).output == {"value": "x"}


async def test_a_plain_job_runs_in_a_thread_with_blocking_steps(durably: Durably) -> None:
    main = threading.get_ident()

    async def later() -> int:
        return 2

    @job
    def plain(step: BlockingStep, input: int) -> int:
        assert threading.get_ident() != main
        one = step.run("one", lambda: input)
        two: Any = step.run("two", later)
        step.progress(1, 2)
        step.log.info("in a thread", data={"one": one})
        return one + two

    durably.register(plain)
    done = await durably.trigger_and_wait(plain, 40, timeout=5)
    assert done.output == 42
    assert [log.data for log in await durably.get_logs(done.id)] == [{"one": 40}]
    run = await durably.get_run(done.id)
    assert run is not None
    assert run.progress == {"current": 1, "total": 2}


@pytest.mark.parametrize("url", ["memory:", "sqlite"])
async def test_a_run_is_over_before_its_place_is_taken_again(tmp_path: Path, url: str) -> None:
    @job
    async def talks(step: Step, input: int) -> None:
        step.progress(input)
        step.log.info("one")
        await step.run("one", lambda: 1)
        step.progress(input + 1)
        step.log.info("two")
        if input == 2:
            raise RuntimeError("two is one too many")

    @job(timeout=0.05)
    async def hangs(step: Step, input: None) -> None:
        step.log.info("about to hang")
        await step.run("hang", asyncio.sleep, 60)

    made = f"sqlite:///{tmp_path / 'order.db'}" if url == "sqlite" else url
    durably = Durably(made, jobs=[talks, hangs], stop_grace=0.2)
    for n in range(5):
        await durably.trigger(talks, n)
    await durably.trigger(hangs, None)
    last = await durably.trigger(talks, 5)
    events = heard(durably)
    async with durably:
        assert (await durably.wait_for_run(last.id, timeout=10)).progress == {"current": 6}
        # Whoever hears of the end finds all that was said before it.
        assert [log.message for log in await durably.get_logs(last.id)] == ["one", "two"]
    told = [each for each in names(events) if each.startswith("run:") and each != "run:progress"]
    assert told == [
        *("run:leased", "run:complete") * 2,
        *("run:leased", "run:fail"),
        *("run:leased", "run:complete") * 2,
        *("run:leased", "run:fail"),
        *("run:leased", "run:complete"),
    ]


async def test_runs_are_worked_off_without_a_started_worker(tmp_path: Path) -> None:
    durably = Durably("memory:", jobs=[echo])
    for value in "abc":
        await durably.trigger(echo, {"value": value})
    assert await durably.process_until_idle(max_runs=2) == 2
    assert await durably.process_until_idle() == 1
    assert not await durably.process_one()
    assert {run.status for run in await durably.get_runs()} == {"completed"}
    await durably.stop()


async def test_without_preserved_steps_they_go_when_the_run_ends(tmp_path: Path) -> None:
    async with make_durably(tmp_path, echo, preserve_steps=False) as durably:
        done = await durably.trigger_and_wait(echo, {"value": "x"})
        assert await durably.get_steps(done.id) == []
