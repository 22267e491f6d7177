"""``RunActions``: what a person means, on any server."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import settle

from durably_tui.protocol import Conflict, NotFound, RunStatus, Trigger
from durably_tui.state import Action, DurablyHooks, refusal

PENDING, RUNNING = RunStatus.PENDING, RunStatus.RUNNING
COMPLETED, FAILED, CANCELLED = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED

ALLOWED = {
    Action.RETRY: {FAILED, CANCELLED},
    Action.RETRIGGER: {COMPLETED, FAILED, CANCELLED},
    Action.CANCEL: {PENDING, RUNNING},
    Action.DELETE: {COMPLETED, FAILED, CANCELLED},
}


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("status", [PENDING, RUNNING, COMPLETED, FAILED, CANCELLED])
def test_what_a_status_allows(action: Action, status: RunStatus) -> None:
    why = refusal(action, status)
    assert (why is None) == (status in ALLOWED[action])
    if why is not None:
        assert why.startswith(f"run is {status}: ")


def test_the_sentence_says_what_is_wrong() -> None:
    assert refusal("cancel", COMPLETED) == "run is completed: nothing to cancel"
    assert refusal("delete", RUNNING) == "run is running: cancel it before you delete it"
    assert refusal("cancel", RunStatus.UNKNOWN) is None
    with pytest.raises(ValueError, match="explode"):
        refusal("explode", COMPLETED)


async def test_retry_makes_a_new_run_where_the_server_cannot_resume(
    port: FakePort, hooks: DurablyHooks
) -> None:
    run_id = port.made(input=1)
    port.failed(run_id, "x")
    result = await hooks.use_run_actions().retry(run_id)
    assert result.action is Action.RETRIGGER
    assert result.is_new_run
    assert result.next_run_id in result.message
    assert port.runs[result.next_run_id].input == 1
    assert port.requests["retry"] == 0


async def test_retry_resumes_the_same_run_where_the_server_can(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.abilities = replace(port.abilities, retry=True)
    run_id = port.made()
    port.failed(run_id, "x")
    result = await hooks.use_run_actions().retry(run_id)
    assert result.action is Action.RETRY
    assert result.next_run_id == run_id
    assert not result.is_new_run
    assert port.runs[run_id].status is PENDING


async def test_retry_looks_first_what_the_server_can(port: FakePort, hooks: DurablyHooks) -> None:
    known = port.abilities
    port.abilities = replace(known, retry=None, retrigger=None)
    run_id = port.made()
    port.failed(run_id, "x")
    result = await hooks.use_run_actions().retry(run_id)
    assert port.requests["probe"] == 1
    assert port.requests["retry"] == 1
    assert result.is_new_run, "no /retry was found there"


async def test_a_run_that_is_not_there_is_not_retriggered_instead(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.abilities = replace(port.abilities, retry=True)
    port.errors["retry"] = NotFound("No run.")
    with pytest.raises(NotFound):
        await hooks.use_run_actions().retry("nobody")
    assert port.requests["retrigger"] == 0


async def test_actions_say_that_they_are_under_way_and_why_they_failed(
    port: FakePort, hooks: DurablyHooks
) -> None:
    actions = hooks.use_run_actions()
    run_id = port.made()
    port.gate.clear()
    cancelling = asyncio.create_task(actions.cancel(run_id))
    await settle()
    assert actions.is_loading
    port.gate.set()
    assert (await cancelling).action is Action.CANCEL
    assert not actions.is_loading
    assert actions.allowed("cancel", CANCELLED) == "run is cancelled: nothing to cancel"
    with pytest.raises(Conflict):
        await actions.cancel(run_id)
    assert isinstance(actions.error, Conflict)
    assert (await actions.delete_run(run_id)).next_run_id == run_id
    assert actions.error is None


async def test_questions(port: FakePort, hooks: DurablyHooks) -> None:
    actions = hooks.use_run_actions()
    assert await actions.get_run("nobody") is None
    triggered = await actions.trigger(Trigger(job_name="job", input=2))
    port.stepped(triggered.run_id, "a", 0)
    run = await actions.get_run(triggered.run_id)
    assert run is not None
    assert run.input == 2
    assert [step.name for step in await actions.get_steps(triggered.run_id)] == ["a"]
    assert (await actions.retrigger(triggered.run_id)).is_new_run
