"""Jobs executed: checkpoints, failures, threads, keys, progress, logs. On both stores' engine."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, NotRequired

import pytest
from support.server import echo, make_durably
from typing_extensions import TypedDict

from durably_server import (
    BatchItem,
    BlockingStep,
    ConflictError,
    Durably,
    InvalidRequestError,
    JobDefinition,
    NotFoundError,
    RunCancelledError,
    RunFailedError,
    RunInterrupted,
    Step,
    job,
)
from durably_server.engine import maintenance
from durably_server.engine.events import Event, LogWrite, RunFail


@pytest.fixture
async def durably(tmp_path: Path) -> AsyncIterator[Durably]:
    made = make_durably(tmp_path, echo)
    await made.init()
    yield made
    await made.stop()


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Untamed(BaseException):
    pass


def heard(durably: Durably) -> list[Event]:
    events: list[Event] = []
    durably.on(None, events.append)
    return events


def signal(durably: Durably, event_type: str) -> asyncio.Event:
    found = asyncio.Event()
    durably.on(event_type, lambda event: found.set())
    return found


def names(events: list[Event]) -> list[str]:
    return [event.type for event in events]


async def failure(durably: Durably, definition: JobDefinition[Any, Any], value: Any = None) -> str:
    durably.register(definition)
    with pytest.raises(RunFailedError) as error:
        await durably.trigger_and_wait(definition, value, timeout=10)
    run = await durably.get_run(error.value.run_id)
    assert run is not None
    assert (run.status, run.error) == ("failed", str(error.value))
    again = await durably.trigger_and_wait("echo", {"value": "still here"}, timeout=10)
    assert again.output.value == "still here"
    return str(error.value)


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


async def test_a_job_that_raises_fails_with_its_own_words(durably: Durably) -> None:
    @job
    async def raises(step: Step, input: None) -> None:
        raise ValueError("invoice 17 has no customer")

    assert await failure(durably, raises) == "invoice 17 has no customer"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("customer"), "KeyError: 'customer'"),
        (RuntimeError(), "RuntimeError"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (Unspeakable(), "Unspeakable, which cannot say what happened"),
        (Untamed("out of line"), "out of line"),
        (ExceptionGroup("two", [ValueError("a"), ValueError("b")]), "two: a; b"),
        (asyncio.CancelledError(), "the job was cancelled from inside"),
        (ValueError("lone \ud800 surrogate"), "lone ? surrogate"),
    ],
)
async def test_every_kind_of_error_has_a_reason(
    durably: Durably, error: BaseException, reason: str
) -> None:
    @job
    async def raises(step: Step, input: None) -> None:
        raise error

    assert await failure(durably, raises) == reason

    @job
    async def in_step(step: Step, input: None) -> None:
        async def burst() -> None:
            raise error

        await step.run("burst", burst)

    assert await failure(durably, in_step) == reason

    @job
    def in_thread(step: BlockingStep, input: None) -> None:
        def burst() -> None:
            raise error

        step.run("burst", burst)

    if not isinstance(error, asyncio.CancelledError):
        assert await failure(durably, in_thread) == reason
        (run, *_) = await durably.get_runs(job_name="in-thread", limit=1)
        assert [(s.status, s.error) for s in await durably.get_steps(run.id)] == [
            ("failed", reason)
        ]


async def test_a_job_that_takes_too_long_fails_and_is_stopped(durably: Durably) -> None:
    ended, left = asyncio.Event(), threading.Event()

    @job(timeout=0.05)
    async def hangs(step: Step, input: None) -> None:
        try:
            await step.run("sleep", asyncio.sleep, 60)
        finally:
            ended.set()

    events = heard(durably)
    assert await failure(durably, hangs) == "The job did not end within 0.05 s"
    await asyncio.wait_for(ended.wait(), 5)
    (failed,) = [event for event in events if isinstance(event, RunFail)]
    assert failed.failed_step_name == "sleep"

    @job(timeout=0.05)
    def stuck(step: BlockingStep, input: None) -> None:
        try:
            step.run("wait", step.signal.wait)
        except RunInterrupted:
            left.set()
            raise

    assert await failure(durably, stuck) == "The job did not end within 0.05 s"
    assert await asyncio.to_thread(left.wait, 5)
    (run,) = await durably.get_runs(job_name="stuck")
    assert await durably.get_steps(run.id) == []


async def test_an_output_that_is_refused_fails_the_run(durably: Durably) -> None:
    @job
    async def wrong(step: Step, input: None) -> int:
        return "many"  # type: ignore[return-value]

    assert "Invalid output: Input should be a valid integer" in await failure(durably, wrong)


async def test_a_step_output_without_a_json_form_fails_the_run(durably: Durably) -> None:
    @job
    async def odd(step: Step, input: None) -> None:
        await step.run("open", object)

    reason = await failure(durably, odd)
    assert reason.startswith('Step "open" returned a value that has no JSON form')


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


async def test_a_plain_job_that_fails_in_a_step(durably: Durably) -> None:
    @job
    def plain(step: BlockingStep, input: None) -> None:
        step.run("boom", lambda: 1 // 0)

    assert "division" in await failure(durably, plain)


async def test_a_failing_step_is_named_by_the_event(durably: Durably) -> None:
    events = heard(durably)

    @job
    async def fails(step: Step, input: None) -> None:
        await step.run("boom", lambda: 1 // 0)

    await failure(durably, fails)
    found = next(event for event in events if event.type == "run:fail")
    assert getattr(found, "failed_step_name") == "boom"  # noqa: B009


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


async def test_a_concurrency_key_runs_one_at_a_time(durably: Durably) -> None:
    inside, most, gate = 0, 0, asyncio.Event()

    @job
    async def alone(step: Step, input: int) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await gate.wait()
        inside -= 1

    durably.register(alone)
    leased = signal(durably, "run:leased")
    await durably.trigger(alone, 1, concurrency_key="k")
    await leased.wait()
    second = await durably.trigger(alone, 2, concurrency_key="k")
    with pytest.raises(ConflictError, match="pending run already exists"):
        await durably.trigger(alone, 3, concurrency_key="k")
    events = heard(durably)
    skipped = await durably.trigger(alone, 3, concurrency_key="k", coalesce="skip")
    assert (skipped.id, skipped.disposition) == (second.id, "coalesced")
    assert names(events) == ["run:coalesced"]
    gate.set()
    await durably.wait_for_run(second.id, timeout=5)
    assert most == 1
    told = [each for each in names(events) if each != "run:lease-renewed"]
    assert told == ["run:coalesced", "run:complete", "run:leased", "run:complete"]


async def test_an_idempotency_key_answers_with_the_first_run(durably: Durably) -> None:
    first = await durably.trigger(echo, {"value": "a"}, idempotency_key="k")
    again = await durably.trigger(echo, {"value": "b"}, idempotency_key="k")
    assert (again.id, again.disposition) == (first.id, "idempotent")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"input": {"value": 3}}, "Invalid input: value"),
        ({"labels": {"bad key!": "v"}}, 'Invalid label key "bad key!"'),
        ({"labels": {"a": 1}}, 'Invalid label "a"'),
        ({"coalesce": "all"}, "Invalid coalesce value"),
        ({"coalesce": "skip"}, "coalesce requires concurrencyKey"),
    ],
)
async def test_a_refused_trigger_stores_nothing(
    durably: Durably, call: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        await durably.trigger(echo, **({"input": {"value": "x"}} | call))
    assert message in str(refusal.value)
    assert await durably.get_runs() == []


async def test_a_batch_is_checked_before_anything_is_stored(durably: Durably) -> None:
    with pytest.raises(InvalidRequestError):
        await durably.batch_trigger(echo, [{"value": "a"}, {"value": 1}])
    assert await durably.get_runs() == []
    made = await durably.batch_trigger(echo, [{"value": "a"}, {"value": "b"}])
    assert [each.disposition for each in made] == ["created", "created"]


async def test_items_of_a_batch_have_their_own_options(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo)
    a, b, c = await durably.batch_trigger(
        echo,
        [
            BatchItem(input={"value": "a"}, idempotency_key="i", labels={"own": "yes"}),
            {"value": "b"},
            BatchItem(input={"value": "c"}, idempotency_key="i"),
        ],
        labels={"of": "all"},
    )
    assert (a.run.labels, b.run.labels) == ({"own": "yes"}, {"of": "all"})
    assert (c.id, c.disposition) == (a.id, "idempotent")
    with pytest.raises(InvalidRequestError, match=r"coalesce requires .* \(item 1 of the batch\)"):
        await durably.batch_trigger(
            echo, [{"value": "x"}, BatchItem(input={"value": "y"}, coalesce="skip")]
        )
    with pytest.raises(ConflictError):
        await durably.batch_trigger(
            echo, [BatchItem(input={"value": v}, concurrency_key="k") for v in "xy"]
        )
    assert await durably.count_runs() == 2
    await durably.stop()


class Tags(TypedDict):
    env: Literal["prod", "test"]
    team: NotRequired[str]


async def test_labels_have_to_fit_their_schema(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo, labels=Tags)
    made = await durably.trigger(echo, {"value": "x"}, labels={"env": "prod", "team": "a"})
    assert made.run.labels == {"env": "prod", "team": "a"}
    with pytest.raises(InvalidRequestError, match="Invalid labels: env: Input should be 'prod'"):
        await durably.trigger(echo, {"value": "x"}, labels={"env": "local"})
    assert (await durably.trigger(echo, {"value": "x"})).run.labels == {}
    await durably.stop()
    with pytest.raises(InvalidRequestError, match="type that can be checked"):
        make_durably(tmp_path, echo, labels=object())


async def test_unknown_jobs_and_runs_are_not_found(durably: Durably) -> None:
    with pytest.raises(NotFoundError, match="Job not found: nope"):
        await durably.trigger("nope", {})
    for call in (durably.retry, durably.retrigger, durably.cancel, durably.delete_run):
        with pytest.raises(NotFoundError, match="Run not found"):
            await call("nope")
    with pytest.raises(NotFoundError, match="Run not found"):
        await durably.wait_for_run("nope")


async def test_a_run_of_a_job_that_is_gone_fails_with_the_reason(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo)
    run_id = (await durably.trigger(echo, {"value": "x"})).id
    await durably.stop()

    @job
    async def other(step: Step, input: None) -> None: ...

    async with make_durably(tmp_path, other) as later:
        with pytest.raises(RunFailedError, match="Unknown job: echo"):
            await later.wait_for_run(run_id, timeout=5)


async def test_waiting_has_a_limit_and_hears_progress_and_logs(durably: Durably) -> None:
    gate = asyncio.Event()

    @job
    async def slow(step: Step, input: None) -> None:
        step.progress(1)
        step.log.warn("slow", data={"a": 1})
        await gate.wait()

    durably.register(slow)
    run_id = (await durably.trigger(slow, None)).id
    seen: list[Any] = []
    logs: list[LogWrite] = []
    with pytest.raises(TimeoutError, match="did not end in"):
        await durably.wait_for_run(run_id, timeout=0.2, on_progress=seen.append, on_log=logs.append)
    gate.set()
    await durably.wait_for_run(run_id, timeout=5)
    assert seen == [{"current": 1}]
    assert [(log.level, log.message, log.data) for log in logs] == [("warn", "slow", {"a": 1})]


async def test_readers_see_the_live_progress_and_the_last_is_stored(durably: Durably) -> None:
    gate, told = asyncio.Event(), asyncio.Event()

    @job
    async def fast(step: Step, input: None) -> None:
        for n in range(1000):
            step.progress(n)
        told.set()
        await gate.wait()

    durably.register(fast)
    run_id = (await durably.trigger(fast, None)).id
    await told.wait()
    for run in (await durably.get_run(run_id), (await durably.get_runs())[0]):
        assert run is not None
        assert run.progress == {"current": 999}
    gate.set()
    assert (await durably.wait_for_run(run_id, timeout=5)).progress == {"current": 999}


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


async def test_a_subscription_begins_with_the_state_and_ends_with_the_run(
    durably: Durably,
) -> None:
    gate = asyncio.Event()

    @job
    async def gated(step: Step, input: None) -> int:
        step.progress(5)
        await gate.wait()
        return 1

    durably.register(gated)
    told = signal(durably, "run:progress")
    run_id = (await durably.trigger(gated, None)).id
    await told.wait()
    found = []
    async for event in durably.subscribe(run_id):
        found.append((event.type, event.sequence > 0))
        gate.set()
    assert found == [("run:leased", False), ("run:progress", False), ("run:complete", True)]
    assert [event.type async for event in durably.subscribe(run_id)] == ["run:complete"]


async def test_a_listener_that_raises_harms_nobody(durably: Durably) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("listener")

    durably.on("run:leased", broken)
    assert (await durably.trigger_and_wait(echo, {"value": "x"}, timeout=5)).output.value == "x"


async def test_without_preserved_steps_they_go_when_the_run_ends(tmp_path: Path) -> None:
    async with make_durably(tmp_path, echo, preserve_steps=False) as durably:
        done = await durably.trigger_and_wait(echo, {"value": "x"})
        assert await durably.get_steps(done.id) == []


async def test_old_runs_are_purged(tmp_path: Path) -> None:
    now = 1_800_000_000_000
    async with make_durably(tmp_path, echo, clock=lambda: now) as durably:
        done = await durably.trigger_and_wait(echo, {"value": "x"})
        now += 60_000
        assert await durably.purge_runs(older_than=60) == 0
        assert await durably.purge_runs(older_than=59) == 1
        assert await durably.get_run(done.id) is None
        with pytest.raises(InvalidRequestError, match="not negative"):
            await durably.purge_runs(older_than=-1)


async def test_runs_are_kept_for_as_long_as_the_option_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 2)
    now = 1_800_000_000_000
    durably = make_durably(tmp_path, echo, clock=lambda: now)
    old = [await durably.trigger(echo, {"value": str(n)}) for n in range(5)]
    await durably.process_until_idle()
    await durably.stop()
    now += 3_600_001
    young = make_durably(tmp_path, echo, clock=lambda: now, retain_runs="1h")
    new = await young.trigger(echo, {"value": "new"})
    async with young, asyncio.timeout(5):
        while await young.count_runs() > 1:  # noqa: ASYNC110 - a purge tells nobody
            await asyncio.sleep(0.01)
        assert [run.id for run in await young.get_runs()] == [new.id]
        assert await young.get_run(old[0].id) is None
    with pytest.raises(InvalidRequestError, match="retain_runs"):
        make_durably(tmp_path, echo, retain_runs="1 month")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_concurent_runs": 4}, 'There is no option "max_concurent_runs": the options are max'),
        ({"max_concurrent_runs": 0}, "max_concurrent_runs must be between 1 and 1000"),
        ({"lease": 1.0, "lease_renewal": 0.6}, "lease_renewal at most half of lease"),
        ({"polling_interval": 0}, "polling_interval and lease must be positive"),
        ({"stop_grace": -1.0}, "stop_grace must not be negative"),
        ({"max_logs_per_run": 0}, "max_logs_per_run at least 1"),
    ],
)
def test_options_that_cannot_work_are_refused(options: Any, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        Durably("memory:", **options)


async def test_runs_are_worked_off_without_a_started_worker(tmp_path: Path) -> None:
    durably = Durably("memory:", jobs=[echo])
    for value in "abc":
        await durably.trigger(echo, {"value": value})
    assert await durably.process_until_idle(max_runs=2) == 2
    assert await durably.process_until_idle() == 1
    assert not await durably.process_one()
    assert {run.status for run in await durably.get_runs()} == {"completed"}
    await durably.stop()


async def test_lists_are_asked_for_by_time_text_and_cursor(tmp_path: Path) -> None:
    now = 1_800_000_000_000
    durably = make_durably(tmp_path, echo, clock=lambda: now)
    made = []
    for value in "abc":
        made.append((await durably.trigger(echo, {"value": f"word-{value}"})).run)
        now += 1000
    second = datetime.fromtimestamp(1_800_000_001, UTC)
    later = await durably.get_runs(created_after=second)
    assert [run.id for run in later] == [made[2].id, made[1].id]
    with_zone = second.astimezone(timezone(timedelta(hours=2))).isoformat()
    assert [run.id for run in await durably.get_runs(created_before=with_zone)] == [made[0].id]
    assert [run.id for run in await durably.get_runs(text="WORD-B")] == [made[1].id]
    cursor = (made[1].created_at, made[1].id)
    assert [run.id for run in await durably.get_runs(after=cursor, limit=5)] == [made[0].id]
    assert await durably.count_runs(after=cursor, status=["pending"]) == 3
    for wrong in ("yesterday", "2026-13-01", "9999-12-31T23:59:59-23:00"):
        with pytest.raises(InvalidRequestError, match="Invalid createdAfter"):
            await durably.get_runs(created_after=wrong)
    with pytest.raises(InvalidRequestError, match="Invalid level"):
        await durably.get_logs(level="debug")  # type: ignore[arg-type]
    await durably.stop()


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


async def test_stats_tell_of_jobs_that_ran_and_of_those_that_did_not(durably: Durably) -> None:
    @job
    async def never(step: Step, input: None) -> None:
        """Not triggered."""

    durably.register(never)
    await durably.trigger_and_wait(echo, {"value": "x"})
    ran, idle = await durably.stats(60)
    assert (ran.job_name, ran.counts["completed"], ran.completed) == ("echo", 1, 1)
    assert ran.rate_per_minute == 1.0
    assert ran.p50_ms is not None
    assert ran.last_run_at is not None
    assert (idle.job_name, sum(idle.counts.values()), idle.last_run_at) == ("never", 0, None)
    with pytest.raises(InvalidRequestError, match="window"):
        await durably.stats(0)


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
