"""What is told of a run while it goes on: events, progress, and waiting for its end."""

import asyncio
import json
from fractions import Fraction
from typing import Annotated, Any

import pytest
from pydantic import PlainSerializer
from support.engine_events import heard, signal
from support.server import echo

from durably_server import Durably, Step, job
from durably_server.engine.events import Event, LogWrite, RunComplete


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


async def test_a_progress_that_json_cannot_hold_is_left_out(durably: Durably) -> None:
    @job
    async def odd(step: Step, input: None) -> None:
        step.progress(True, Fraction(9, 2), "lone \ud800")
        step.progress(float("nan"), 3)
        step.progress(2, float("inf"))
        with pytest.raises(TypeError):
            step.progress(None)  # type: ignore[arg-type]

    durably.register(odd)
    told: list[Any] = []
    durably.on("run:progress", lambda event: told.append(getattr(event, "progress", None)))
    done = await durably.trigger_and_wait(odd, None, timeout=5)
    assert [json.dumps(each) for each in told] == [
        '{"current": 1, "total": 4.5, "message": "lone ?"}',
        '{"current": 2}',
    ]
    run = await durably.get_run(done.id)
    assert run is not None
    assert run.progress == {"current": 2}


async def test_an_output_is_told_as_its_type_has_made_it(durably: Durably) -> None:
    class Opaque:
        pass

    Shown = Annotated[  # noqa: N806
        Any, PlainSerializer(lambda value: f"a {type(value).__name__}", return_type=str)
    ]

    @job
    async def gives(step: Step, input: None) -> list[Shown]:
        return [Opaque()]

    durably.register(gives)
    events = heard(durably)
    run_id = (await durably.trigger(gives, None)).id
    run = await durably.wait_for_run(run_id, timeout=5)
    (end,) = [event for event in events if isinstance(event, RunComplete)]
    assert end.output == run.output == ["a Opaque"]


@pytest.mark.parametrize("turns", range(5))
async def test_waiting_can_be_given_up_in_the_moment_in_which_something_is_told(
    durably: Durably, turns: int
) -> None:
    gate = asyncio.Event()

    @job
    async def slow(step: Step, input: None) -> None:
        await gate.wait()

    durably.register(slow)
    run_id = (await durably.trigger(slow, None)).id
    asked = asyncio.Event()
    get_run = durably.get_run

    async def looked(run_id: str) -> Any:
        found = await get_run(run_id)
        asked.set()
        return found

    durably.get_run = looked  # type: ignore[method-assign]
    waiting = asyncio.create_task(durably.wait_for_run(run_id))
    await asked.wait()
    await asyncio.sleep(0)
    # As another process tells it, before this one can read it.
    durably._bus.emit(RunComplete(run_id=run_id, job_name="slow", labels={}, output=1, duration=1))
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting], timeout=5)
    gate.set()
    assert waiting.cancelled()
