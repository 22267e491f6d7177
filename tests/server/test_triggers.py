"""How runs are stored: keys, labels, batches, and what is refused."""

import asyncio
from pathlib import Path
from typing import Any, Literal, NotRequired

import pytest
from support.engine_events import heard, names, signal
from support.server import echo, make_durably
from typing_extensions import TypedDict

from durably_server import (
    BatchItem,
    ConflictError,
    Durably,
    InvalidRequestError,
    NotFoundError,
    Step,
    job,
)


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
