"""Jobs that fail: each with a reason, and the worker goes on."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from support.engine_events import heard
from support.server import echo, make_durably

from durably_server import (
    BlockingStep,
    Durably,
    JobDefinition,
    RunFailedError,
    RunInterrupted,
    Step,
    job,
)
from durably_server.engine.events import RunFail


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Untamed(BaseException):
    pass


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


async def test_a_run_of_a_job_that_is_gone_fails_with_the_reason(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo)
    run_id = (await durably.trigger(echo, {"value": "x"})).id
    await durably.stop()

    @job
    async def other(step: Step, input: None) -> None: ...

    async with make_durably(tmp_path, other) as later:
        with pytest.raises(RunFailedError, match="Unknown job: echo"):
            await later.wait_for_run(run_id, timeout=5)
