"""``Runs``: pages, live rows, and how few requests they take."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from support.fake_port import FakePort
from support.manual_clock import START, ManualClock, settle

from durably_tui.protocol import Phase, Progress, RunStatus, Unauthorised, Unreachable
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


async def test_one_stream_serves_every_filter_that_it_covers(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    async with hooks.use_runs() as everything, hooks.use_runs(job_name="a") as some:
        await clock.advance(2)
        assert port.requests["subscribe_runs"] == 1
        port.made("b")
        a = port.made("a")
        await clock.advance(1)
        assert len(everything.runs) == 2
        assert [run.id for run in some.runs] == [a]
        some.set_query(job_name="b")
        await clock.advance(1)
        assert port.requests["subscribe_runs"] == 1
    assert len(port.open_feeds) == 1
    hooks.feed.close()
    await settle()
    assert port.open_feeds == []


async def test_the_last_user_closes_the_stream(port: FakePort, hooks: DurablyHooks) -> None:
    async with hooks.use_runs():
        async with hooks.use_runs():
            await settle()
        assert len(port.open_feeds) == 1
    assert port.open_feeds == []


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


async def test_events_per_second_are_counted(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    await settle()
    assert hooks.feed.state.is_open
    assert hooks.feed.connection.phase is Phase.LIVE
    for _ in range(3):
        port.made()
    await clock.advance(1)
    port.made()
    await clock.advance(1)
    assert hooks.feed.per_second(3) == (0, 3, 1)
    assert hooks.feed.state.events == 4
    assert hooks.feed.state.last_event_at == clock.time() - 1


async def test_that_a_server_was_heard_is_not_that_something_happened(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    await settle()
    told = [hooks.feed.state]
    leave = hooks.feed.subscribe(told.append)
    (feed,) = port.open_feeds
    feed.turn(Phase.LIVE, latency_ms=4.0, last_seen=START + 9)
    await settle()
    port.made()
    await settle()
    feed.turn(Phase.LIVE, error=Unreachable("gone"))
    await settle()
    feed.turn(Phase.RECONNECTING, latency_ms=5.0)
    await settle()
    leave()
    assert [now.is_quiet_since(before) for before, now in pairwise(told)] == [
        True, False, False, False
    ]  # fmt: skip


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
