"""What fails, by kind, as the hook tells it: of before and of now, and asked for seldom."""

from __future__ import annotations

from typing import Any

from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import ServerFault, Step, StepStatus
from durably_tui.state import DurablyHooks, create_durably_client
from durably_tui.state.error_groups import FIRST_PAGES, PAGE, SECONDS_BETWEEN_REQUESTS


def fail(port: FakePort, error: str, *, job: str = "job", input: Any = None) -> str:
    run_id = port.made(job, input=input)
    port.started(run_id)
    port.step_failed(run_id, "burn", 0, error)
    port.failed(run_id, error)
    return run_id


async def test_failures_of_before_and_of_now(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    fail(port, "row 1 is bad", input=1)
    async with hooks.use_error_groups() as errors:
        await clock.advance(10)
        assert errors.state.fetched_at is not None
        (group,) = errors.groups
        assert (group.count, group.step_name) == (1, None)
        fail(port, "row 2 is bad", input=2)
        await settle()
        (group,) = errors.groups
        assert (group.count, group.step_name, group.sample.error) == (2, "burn", "row 2 is bad")
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        assert errors.groups[0].sample.input == 2
        port.completed(port.made("job", input=2))
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        (group,) = errors.groups
        assert (group.through, [each.input for each in group.open]) == (1, [1])


async def test_the_server_is_asked_seldom_and_only_after_failures(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_error_groups() as errors:
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        port.requests.clear()
        for _ in range(20):
            port.completed(port.made("fine"))
            await clock.advance(1)
        assert port.requests["get_runs"] == 0
        for _ in range(30):
            fail(port, "boom")
            await clock.advance(SECONDS_BETWEEN_REQUESTS / 10)
        assert 2 * 3 <= port.requests["get_runs"] <= 2 * 5
        errors.watch(False)
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        port.requests.clear()
        fail(port, "boom")
        await clock.advance(60)
        assert not port.requests
        assert errors.groups[0].count == 31
        errors.watch(True)
        await clock.advance(0)
        assert port.requests["get_runs"] == 2


async def test_pages_are_bounded(port: FakePort, hooks: DurablyHooks, clock: ManualClock) -> None:
    for _ in range(PAGE * FIRST_PAGES + 5):
        port.failed(port.made("job"), "boom")
    async with hooks.use_error_groups() as errors:
        await clock.advance(1)
        assert errors.groups[0].count == PAGE * FIRST_PAGES
        assert errors.state.has_more


async def test_what_was_seen_before_is_there_at_once(port: FakePort, hooks: DurablyHooks) -> None:
    hooks.feed.open()
    await settle()
    fail(port, "boom")
    await settle()
    port.errors["get_runs"] = ServerFault("down")
    async with hooks.use_error_groups() as errors:
        (group,) = errors.groups
        assert (group.message, group.step_name) == ("boom", "burn")
        await settle()
        assert str(errors.error) == "down"
        assert not errors.is_loading


async def test_a_server_that_keeps_steps_is_asked_in_which_step_it_was(clock: ManualClock) -> None:
    port = FakePort(retry=True, preserve_steps=True)
    run_id = fail(port, "boom")
    fail(port, "boom")
    lost = fail(port, "lost")
    port.errors["get_steps"] = ServerFault("down")
    async with create_durably_client(port, clock=clock) as hooks:
        async with hooks.use_error_groups() as errors:
            await clock.advance(1)
            assert {group.step_name for group in errors.groups} == {None}
            del port.errors["get_steps"]
        for each in (run_id, "R00002"):
            port.steps[each].append(Step(name="melt", index=0, status=StepStatus.FAILED))
        async with hooks.use_error_groups() as errors:
            await clock.advance(1)
            found = {group.message: group.step_name for group in errors.groups}
            assert found == {"boom": "melt", "lost": None}
            port.requests.clear()
            await errors.refresh()
            await clock.advance(10)
            assert port.requests["get_steps"] == 0, "each is asked for once"
            assert lost in errors.state.book.failures


async def test_after_a_lost_connection_all_is_fetched_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_error_groups() as errors:
        await clock.advance(1)
        assert errors.groups == ()
        port.cut()
        fail(port, "boom")
        await settle()
        port.restore()
        await clock.advance(0)
        assert errors.groups[0].count == 1


async def test_what_happens_while_a_page_is_under_way_is_newer_than_the_page(
    port: FakePort, hooks: DurablyHooks
) -> None:
    run_id = fail(port, "boom")
    async with hooks.use_error_groups() as errors:
        port.gate.clear()
        await settle()
        port.deleted(run_id)
        await settle()
        port.gate.set()
        await settle()
        assert errors.groups == ()


async def test_a_failure_that_passes_is_asked_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    fail(port, "boom")
    port.errors["get_runs"] = ServerFault("down")
    async with hooks.use_error_groups() as errors:
        await settle()
        del port.errors["get_runs"]
        await clock.advance(5)
        assert (errors.error, len(errors.groups)) == (None, 1)


async def test_it_ends_without_a_trace(port: FakePort, hooks: DurablyHooks) -> None:
    port.gate.clear()
    errors = hooks.use_error_groups().start()
    await settle()
    await errors.aclose()
    assert all(feed.closed for feed in port.feeds)
    errors.watch(True)
    port.gate.set()
