"""``Runs``: pages, live rows and filters."""

from __future__ import annotations

import asyncio

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Progress, RunStatus, Unreachable
from durably_tui.state import DurablyHooks, RunsState


async def test_first_page_is_fetched_with_one_more_than_a_page(
    port: FakePort, hooks: DurablyHooks
) -> None:
    ids = [port.made() for _ in range(4)]
    runs = hooks.use_runs(page_size=3)
    assert runs.is_loading
    assert runs.runs == ()
    async with runs:
        await settle()
        assert [run.id for run in runs.runs] == sorted(ids, reverse=True)[:3]
        assert runs.has_more
        assert not runs.is_loading
        assert runs.page == 0
        assert port.queries[0].limit == 4
        assert port.queries[0].offset == 0


async def test_events_that_carry_enough_change_the_row_without_a_request(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.requests.clear()
        port.started(run_id)
        port.step_started(run_id, "parse", 0)
        await settle()
        row = runs.runs[0]
        assert row.status is RunStatus.RUNNING
        assert runs.state.activity[run_id].step_name == "parse"
        assert runs.state.activity[run_id].changed_at == clock.time()
        port.progressed(run_id, 1, 4)
        port.stepped(run_id, "parse", 0)
        await settle()
        row = runs.runs[0]
        assert row.progress == Progress(1, 4)
        assert row.current_step_index == 1
        assert row.completed_step_count == 1
        assert runs.state.activity[run_id].step_name is None
        assert port.requests["get_runs"] == 0
        port.completed(run_id, {"n": 1})
        await clock.advance(1)
        assert runs.runs[0].output == {"n": 1}
        assert port.requests["get_runs"] == 1


async def test_an_end_is_not_taken_back_by_what_comes_late(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.started(run_id)
    port.step_started(run_id, "a", 0)
    port.progressed(run_id, 1)
    late = list(port.published)
    port.completed(run_id, 7)
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        seen: list[RunStatus] = []
        runs.subscribe(lambda state: seen.extend(run.status for run in state.runs))
        port.deliver(late)
        await clock.advance(2)
        assert runs.runs[0].status is RunStatus.COMPLETED
        assert runs.runs[0].output == 7
        assert set(seen) <= {RunStatus.COMPLETED}


async def test_other_pages_stand_still_until_they_are_refreshed(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    for _ in range(5):
        port.made()
    async with hooks.use_runs(page_size=2) as runs:
        await clock.advance(2)
        runs.next_page()
        assert runs.page == 1
        assert runs.is_loading
        assert len(runs.runs) == 2, "the old rows stay meanwhile"
        await clock.advance(1)
        before = [run.id for run in runs.runs]
        assert port.queries[-1].offset == 2
        port.requests.clear()
        port.made()
        port.started(before[1])
        await clock.advance(5)
        assert port.requests["get_runs"] == 0
        assert {run.status for run in runs.runs} == {RunStatus.PENDING}
        await runs.refresh()
        assert {run.status for run in runs.runs} == {RunStatus.PENDING, RunStatus.RUNNING}
        runs.go_to_page(-3)
        assert runs.page == 0
        runs.prev_page()
        assert runs.page == 0
        await clock.advance(1)
        assert runs.has_more


async def test_next_page_stops_at_the_last(port: FakePort, hooks: DurablyHooks) -> None:
    port.made()
    async with hooks.use_runs() as runs:
        await settle()
        runs.next_page()
        assert runs.page == 0


async def test_without_realtime_there_is_no_stream(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_runs(realtime=False) as runs:
        await clock.advance(2)
        port.made()
        await clock.advance(10)
        assert runs.runs == ()
        assert port.requests == {"get_runs": 1}
        await runs.refresh()
        assert len(runs.runs) == 1


async def test_a_status_filter_lets_runs_come_and_go(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    failing, other = port.made(), port.made()
    port.started(failing)
    port.started(other)
    async with (
        hooks.use_runs(status=["failed"]) as failed,
        hooks.use_runs(status="running") as running,
    ):
        await clock.advance(2)
        assert failed.runs == ()
        assert len(running.runs) == 2
        port.failed(failing, "boom")
        await settle()
        assert [run.id for run in running.runs] == [other]
        await clock.advance(1)
        assert [run.error for run in failed.runs] == ["boom"]


async def test_another_filter_keeps_the_old_rows_until_the_new_ones_are_there(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.made("a")
    b = port.made("b", labels={"env": "prod"})
    async with hooks.use_runs(job_name="a") as runs:
        await clock.advance(2)
        port.gate.clear()
        runs.set_query(job_name=["b"], labels={"env": "prod"}, page_size=5)
        await settle()
        assert [run.job_name for run in runs.runs] == ["a"]
        assert runs.is_loading
        port.gate.set()
        await clock.advance(1)
        assert [run.id for run in runs.runs] == [b]
        assert port.queries[-1].labels == (("env", "prod"),)
        assert port.queries[-1].limit == 6
        assert [feed.wants for feed in port.open_feeds] == [(("b",), {"env": "prod"})]


async def test_optimistic_changes_show_at_once_and_go_back_when_refused(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    actions = hooks.use_run_actions()
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.gate.clear()

        async def cancel() -> None:
            with runs.optimistic(run_id, RunStatus.CANCELLED):
                await actions.cancel(run_id)

        cancelling = asyncio.create_task(cancel())
        await settle()
        assert runs.runs[0].status is RunStatus.CANCELLED
        assert runs.state.get(run_id) == runs.runs[0]
        port.errors["cancel"] = Unreachable("Nobody answers.")
        port.gate.set()
        with pytest.raises(Unreachable):
            await cancelling
        assert runs.runs[0].status is RunStatus.PENDING
        port.errors.clear()
        await cancel()
        assert runs.runs[0].status is RunStatus.CANCELLED
        await clock.advance(1)
        assert runs.runs[0].completed_at is not None
        with runs.optimistic(run_id, None):
            assert runs.runs == ()
            assert runs.state.get(run_id) is None
            await actions.delete_run(run_id)
        assert runs.runs == ()
        await clock.advance(1)
        assert runs.runs == ()


async def test_a_listener_that_raises_does_not_hurt_the_others(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    told: list[RunsState] = []
    async with hooks.use_runs() as runs:
        runs.subscribe(lambda state: 1 / 0)
        runs.subscribe(told.append)
        port.made()
        await clock.advance(1)
    assert told
    assert len(runs.runs) == 1


def test_a_wrong_option_is_said_at_once(port: FakePort) -> None:
    from durably_tui.state import create_durably_client

    hooks = create_durably_client(port)
    with pytest.raises(ValueError, match="page_size"):
        hooks.use_runs(page_size=0)
    with pytest.raises(ValueError, match="leasing"):
        hooks.use_runs(status="leasing")


async def test_a_row_that_leaves_a_full_page_is_replaced(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    ids = [port.made() for _ in range(3)]
    async with hooks.use_runs(status="pending", page_size=2) as runs:
        await clock.advance(1)
        port.started(ids[2])
        await clock.advance(1)
        assert [run.id for run in runs.runs] == [ids[1], ids[0]]
        assert not runs.has_more
