"""``Runs``: how few requests they take, and what is shown while one is under way."""

from __future__ import annotations

import asyncio

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Phase, Progress, RunStatus, Unauthorised, Unreachable
from durably_tui.state import DurablyHooks, RunsState


async def test_one_request_for_a_burst_of_a_thousand_events(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_runs(page_size=10) as runs:
        await clock.advance(1)
        await clock.advance(1)
        port.requests.clear()
        for _ in range(250):
            run_id = port.made()
            port.started(run_id)
            port.step_started(run_id, "a", 0)
            port.completed(run_id, {"ok": True})
        await settle()
        assert port.requests["get_runs"] == 1
        await clock.advance(5)
        assert port.requests["get_runs"] <= 2
        assert list(runs.runs) == sorted(
            runs.runs, key=lambda run: (run.created_at, run.id), reverse=True
        )
        assert all(run.status is RunStatus.COMPLETED for run in runs.runs)
        assert all(run.output == {"ok": True} for run in runs.runs)


@pytest.mark.parametrize(("runs", "requests"), [(60, 1), (1_000, 2)])
async def test_a_burst_in_one_batch_is_one_request_and_one_more_where_it_is_long(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock, runs: int, requests: int
) -> None:
    async with hooks.use_runs():
        await clock.advance(2)
        port.requests.clear()
        port.mute = True
        for _ in range(runs):
            port.completed(port.made(), 1)
        port.mute = False
        port.deliver(port.published)
        await clock.advance(5)
        assert port.requests["get_runs"] == requests


async def test_at_most_a_few_requests_a_second_while_events_keep_coming(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_runs():
        await clock.advance(2)
        port.requests.clear()
        for _ in range(100):
            port.made()
            await clock.advance(0.01)
        assert port.requests["get_runs"] <= 4
        last = port.made()
        await clock.advance(1)
        assert port.queries[-1].limit == 11
        assert last in {run.id for run in port.listed(port.queries[-1])}


async def test_nothing_is_asked_when_nothing_changed(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.requests.clear()
        told: list[RunsState] = []
        runs.subscribe(told.append)
        await clock.advance(3_600)
        for line in range(100):
            port.logged(run_id, f"line {line}")
        await clock.advance(10)
        assert port.requests.total() == 0
        assert told == []


async def test_events_during_a_request_are_applied_over_its_older_answer(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    kept, doomed = port.made(), port.made()
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.gate.clear()
        refreshing = asyncio.create_task(runs.refresh())
        await settle()  # the answer is made now, and held back
        assert port.requests["get_runs"] == 2
        port.started(kept)
        port.progressed(kept, 5, 10)
        port.cancelled(doomed)
        port.deleted(doomed)
        await settle()
        port.gate.set()
        await refreshing
        assert [run.id for run in runs.runs] == [kept]
        assert runs.runs[0].status is RunStatus.RUNNING
        assert runs.runs[0].progress == Progress(5, 10)


async def test_what_the_answer_lacked_leads_to_one_more_request(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.requests.clear()
        port.gate.clear()
        first = port.made()
        await settle()
        second = port.made()
        await settle()
        port.gate.set()
        await settle()
        assert [run.id for run in runs.runs] == [first]
        await clock.advance(1)
        assert {run.id for run in runs.runs} == {first, second}
        assert port.requests["get_runs"] == 2


async def test_a_dropped_connection_is_told_and_mended_by_a_request(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.cut()
        await settle()
        assert runs.state.stale_since is not None
        assert runs.state.connection is not None
        assert runs.state.connection.phase is Phase.RECONNECTING
        port.completed(run_id, 1)
        port.made()
        await clock.advance(60)
        assert runs.runs[0].status is RunStatus.PENDING
        port.requests.clear()
        port.restore()
        await clock.advance(1)
        assert port.requests["get_runs"] == 1
        assert [run.status for run in runs.runs] == [RunStatus.PENDING, RunStatus.COMPLETED]
        assert runs.state.stale_since is None


async def test_a_failed_request_keeps_the_rows_and_is_tried_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.made()
    async with hooks.use_runs() as runs:
        await clock.advance(2)
        port.errors["get_runs"] = Unreachable("Nobody answers.")
        await runs.refresh()
        assert isinstance(runs.error, Unreachable)
        assert len(runs.runs) == 1
        assert not runs.is_loading
        port.errors.clear()
        port.mute = True
        port.made()
        await clock.advance(3)
        assert runs.error is None
        assert len(runs.runs) == 2


async def test_a_refusal_is_not_tried_again_by_itself(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.errors["get_runs"] = Unauthorised("Give a token.")
    port.offline = True
    async with hooks.use_runs() as runs:
        await clock.advance(120)
        assert isinstance(runs.error, Unauthorised)
        assert port.requests["get_runs"] == 1


async def test_a_fault_of_the_port_itself_becomes_an_error_that_can_be_shown(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(query: object = None) -> list[object]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(port, "get_runs", broken)
    async with hooks.use_runs() as runs:
        await settle()
        assert "a bug" in str(runs.error)


async def test_an_answer_to_an_old_question_is_not_shown(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.made("a")
    b = port.made("b")
    port.gate.clear()
    async with hooks.use_runs(job_name="a") as runs:
        await settle()
        runs.set_query(job_name="b")
        port.gate.set()
        await clock.advance(1)
        assert [run.id for run in runs.runs] == [b]


async def test_closing_while_a_request_is_held_back_leaves_nothing(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.gate.clear()
    runs = hooks.use_runs().start()
    waiting = asyncio.create_task(runs.refresh())
    await settle()
    await runs.aclose()
    await waiting
    await runs.refresh()
    runs.go_to_page(2)
    await settle()


async def test_a_server_that_was_down_is_asked_as_soon_as_its_stream_is_live(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.offline = True
    port.errors["get_runs"] = Unreachable("Nobody answers.")
    async with hooks.use_runs() as runs:
        await clock.advance(200)
        assert port.requests["get_runs"] < 20
        port.made()
        port.errors.clear()
        port.restore()
        await settle()
        assert len(runs.runs) == 1
        assert runs.error is None
