"""``Bulk``: one action on many runs, throttled, stoppable, with a result for each."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Conflict, Run, RunStatus, Unauthorised
from durably_tui.state import Action, ActionResult, Bulk, DurablyHooks, Outcome


def run(name: str, status: RunStatus = RunStatus.FAILED) -> Run:
    return Run(id=name, job_name="report", status=status)


RUNNING = [run(f"r{n}", RunStatus.RUNNING) for n in range(1_000)]


async def told(bulk: Bulk, clock: ManualClock) -> dict[str, Outcome]:
    bulk.start()
    await clock.advance(60)
    assert (await bulk.finished()).is_running is False
    return {item.run.id: item.outcome for item in bulk.state.items}


async def test_it_retries_each_and_says_what_became_of_it(
    hooks: DurablyHooks, port: FakePort, clock: ManualClock
) -> None:
    failed = [port.made("report") for _ in range(3)]
    for run_id in failed:
        port.failed(run_id, "out of paper")
    done = port.made("report")
    port.completed(done)
    bulk = hooks.use_bulk(Action.RETRY, list(port.runs.values()))
    assert [each.id for each in bulk.applicable] == failed
    assert await told(bulk, clock) == {
        **dict.fromkeys(failed, Outcome.DONE),
        done: Outcome.SKIPPED,
    }
    skipped = next(item for item in bulk.state.items if item.run.id == done)
    assert "run is completed" in skipped.message
    assert all(item.next_run_id for item in bulk.state.items if item.outcome is Outcome.DONE)
    assert port.requests["retrigger"] == 3


async def test_a_refusal_stops_nothing_and_keeps_its_reason(clock: ManualClock) -> None:
    async def act(run_id: str) -> ActionResult:
        if run_id == "b":
            raise Conflict("run b is running")
        return ActionResult(action=Action.RETRY, run_id=run_id, next_run_id=run_id, message="ok")

    bulk = Bulk(Action.RETRY, act, map(run, "abc"), clock=clock)
    assert list((await told(bulk, clock)).values()) == [
        Outcome.DONE,
        Outcome.FAILED,
        Outcome.DONE,
    ]
    assert [(item.run.id, item.message) for item in bulk.state.failures] == [
        ("b", "run b is running")
    ]


async def test_without_the_right_to_do_it_the_rest_is_not_asked(clock: ManualClock) -> None:
    async def act(run_id: str) -> ActionResult:
        raise Unauthorised("this token may only read")

    bulk = Bulk(Action.DELETE, act, map(run, "abcdef"), at_once=1, clock=clock)
    assert list((await told(bulk, clock)).values()) == [Outcome.FAILED, *[Outcome.STOPPED] * 5]


async def test_few_at_once_and_not_too_many_a_second(clock: ManualClock) -> None:
    begun: list[float] = []
    open_now = most = 0

    async def act(run_id: str) -> ActionResult:
        nonlocal open_now, most
        begun.append(clock.monotonic())
        open_now += 1
        most = max(most, open_now)
        await clock.sleep(1)
        open_now -= 1
        return ActionResult(action=Action.RETRY, run_id=run_id, next_run_id=run_id, message="ok")

    bulk = Bulk(
        Action.RETRY, act, [run(f"r{n}") for n in range(20)], at_once=3, per_second=10, clock=clock
    )
    assert set((await told(bulk, clock)).values()) == {Outcome.DONE}
    assert most == 3
    assert all(after - before >= 0.0999 for before, after in pairwise(begun))


async def test_stopping_lets_what_is_under_way_come_to_its_end(clock: ManualClock) -> None:
    gate = asyncio.Event()

    async def act(run_id: str) -> ActionResult:
        await gate.wait()
        return ActionResult(action=Action.RETRY, run_id=run_id, next_run_id=run_id, message="ok")

    bulk = Bulk(Action.RETRY, act, map(run, "abcd"), at_once=1, clock=clock)
    bulk.start()
    await settle()
    bulk.stop()
    assert not bulk.state.is_over
    gate.set()
    await bulk.aclose()
    assert [item.outcome for item in bulk.state.items] == [Outcome.DONE, *[Outcome.STOPPED] * 3]
    assert bulk.state.finished == 4


async def test_nothing_to_do_is_over_at_once(clock: ManualClock) -> None:
    bulk = Bulk(Action.CANCEL, lambda _: asyncio.sleep(0), [run("a")], clock=clock)  # type: ignore[arg-type]
    assert await told(bulk, clock) == {"a": Outcome.SKIPPED}


async def test_once_it_is_stopped_nothing_more_is_sent(clock: ManualClock) -> None:
    sent: list[str] = []

    async def act(run_id: str) -> ActionResult:
        sent.append(run_id)
        return ActionResult(action=Action.DELETE, run_id=run_id, next_run_id=run_id, message="ok")

    runs = [run(f"r{n}") for n in range(20)]
    bulk = Bulk(Action.DELETE, act, runs, at_once=4, per_second=10, clock=clock)
    bulk.start()
    await clock.advance(0.25)  # some of the four wait for their turn
    before = list(sent)
    assert 0 < len(before) < 4
    bulk.stop()
    await clock.advance(60)
    await bulk.finished()
    assert sent == before
    outcomes = [item.outcome for item in bulk.state.items]
    assert outcomes.count(Outcome.DONE) == len(before)
    assert outcomes.count(Outcome.STOPPED) == len(runs) - len(before)


async def test_without_the_right_to_do_it_nobody_of_several_asks_again(clock: ManualClock) -> None:
    asked = 0

    async def act(run_id: str) -> ActionResult:
        nonlocal asked
        asked += 1
        await clock.sleep(0.05)
        raise Unauthorised("this token may only read")

    bulk = Bulk(Action.DELETE, act, map(run, "abcdef"), at_once=4, per_second=10, clock=clock)
    assert list((await told(bulk, clock)).values()).count(Outcome.STOPPED) == 5
    assert asked == 1


async def test_a_stop_is_told_once_for_all_that_it_leaves(clock: ManualClock) -> None:
    bulk = Bulk(Action.CANCEL, lambda _: asyncio.sleep(0), RUNNING, at_once=1, clock=clock)  # type: ignore[arg-type]
    told_of: list[int] = []
    bulk.subscribe(lambda state: told_of.append(state.finished))
    bulk.stop()
    assert told_of == [len(RUNNING)]


async def test_a_fault_of_ours_in_one_run_harms_no_other(clock: ManualClock) -> None:
    async def act(run_id: str) -> ActionResult:
        if run_id == "b":
            raise RuntimeError("this client is closed")
        await clock.sleep(1)
        return ActionResult(action=Action.RETRY, run_id=run_id, next_run_id=run_id, message="ok")

    bulk = Bulk(Action.RETRY, act, map(run, "abc"), clock=clock)
    assert list((await told(bulk, clock)).values()) == [
        Outcome.DONE,
        Outcome.FAILED,
        Outcome.DONE,
    ]
    assert "this client is closed" in bulk.state.failures[0].message
    await bulk.aclose()
