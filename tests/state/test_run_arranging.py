"""Another order of many runs is worked out in slices, and comes to what is made at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Run, RunStatus
from durably_tui.state import AllRuns, create_durably_client, ordered, run_arranging
from durably_tui.state.run_arranging import SLICE, Arranging
from durably_tui.state.run_list import RunList

MANY = 12_000
STATUSES = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED)
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)

Key = Callable[[Run], tuple[Any, ...]]
ORDERS: list[tuple[Key | None, Callable[[Run], bool] | None, bool]] = [
    (None, None, True),
    (lambda run: (run.job_name,), None, False),
    (lambda run: (run.status,), lambda run: run.job_name != "b", True),
    (None, lambda run: run.status is RunStatus.RUNNING, False),
    (lambda run: (len(run.job_name), run.status), lambda run: run.status.is_terminal, False),
]


def run(number: int, status: RunStatus = RunStatus.PENDING, job: str = "a") -> Run:
    at = _FIRST + timedelta(seconds=number)
    return Run(id=f"R{number:06}", job_name=job, status=status, created_at=at)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "older", "remove", "hide", "seem", "step", "again"]),
        st.integers(0, 30),
        st.sampled_from(STATUSES),
        st.sampled_from("abb"),
    ),
    max_size=60,
)


@given(CHANGES, st.sampled_from(ORDERS), st.sampled_from(ORDERS), st.integers(0, 20))
@settings(max_examples=150, deadline=None)
def test_whatever_happens_meanwhile_it_comes_to_what_is_made_at_once(
    changes: list[tuple[str, int, RunStatus, str]], before: Any, after: Any, first: int
) -> None:
    sizes = run_arranging.SLICE, run_arranging._LOT, run_arranging.BLOCK, ordered.BLOCK
    run_arranging.SLICE, run_arranging._LOT = 3, 6
    run_arranging.BLOCK = ordered.BLOCK = 4
    try:
        runs = RunList(before[0], before[1], rising=before[2])
        for number in range(first):
            runs.put(run(100 + number, STATUSES[number % 4], "ab"[number % 2]))
        arranging = Arranging(runs, after[0], after[1], rising=after[2])
        work = arranging.work()
        oldest = 100
        for what, number, status, job in changes:
            if what == "put":
                runs.put(run(100 + number, status, job))
            elif what == "older":
                oldest -= 1
                runs.put_older([run(oldest, status, job)])
            elif what == "remove":
                runs.remove(run(100 + number).id)
            elif what in {"hide", "seem"}:
                seems = None if what == "hide" else status
                runs.overlay(run(100 + number).id, seems, on=number % 3 > 0)
            elif what == "again":
                arranging.give_up()
                arranging = Arranging(runs, after[0], after[1], rising=after[2])
                work = arranging.work()
            else:
                next(work, None)
            assert_sound(runs)
        for _ in work:
            pass
        arranging.finish()
        assert_sound(runs)
        other = RunList(after[0], after[1], rising=after[2])
        for entry in runs.by_id.values():
            other.put(entry.run)
        other.overlay_as(runs)
        assert list(runs.view()) == list(other.view())
        runs.put(run(999, RunStatus.RUNNING))
        other.put(run(999, RunStatus.RUNNING))
        assert list(runs.view()) == list(other.view())
    finally:
        run_arranging.SLICE, run_arranging._LOT, run_arranging.BLOCK, ordered.BLOCK = sizes


def assert_sound(runs: RunList) -> None:
    """Every run that is shown is found where it is."""
    view = runs.view()
    assert [view.find(shown.id) for shown in view] == list(range(len(view)))


async def with_many(port: FakePort) -> None:
    port.abilities = replace(port.abilities, features=frozenset(("cursor", "total")))
    for number in range(MANY):
        run_id = port.made(f"job-{number % 7}")
        port.runs[run_id] = replace(port.runs[run_id], status=STATUSES[number % 4])


async def all_of(runs: AllRuns, clock: ManualClock) -> None:
    while runs.has_more:
        runs.load_older()
        await clock.advance(1)
    assert len(runs.runs) == MANY


class Turns:
    """Counts what is asked between two turns of the loop."""

    def __init__(self) -> None:
        self.now = self.most = self.number = 0

    async def give_way(self) -> None:
        self.number += 1
        self.now = 0

    def key(self, run: Run) -> tuple[str]:
        self._count()
        return (run.job_name,)

    def keep(self, run: Run) -> bool:
        self._count()
        return run.status is RunStatus.FAILED

    def _count(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)


@pytest.mark.parametrize("what", ["key", "keep"])
async def test_however_many_runs_there_are_the_loop_has_its_turns(what: str) -> None:
    port, clock, turns = FakePort(), ManualClock(), Turns()
    await with_many(port)
    async with create_durably_client(port, clock=clock) as hooks:
        hooks.take_turns(turns.give_way)
        async with hooks.use_all_runs() as runs:
            await clock.advance(1)
            await all_of(runs, clock)
            turns.now = turns.number = 0
            if what == "key":
                runs.arrange(turns.key)
            else:
                runs.arrange(keep=turns.keep)
            assert turns.most == 0, "nothing is done at once"
            assert runs.state.arranging
            assert len(runs.runs) == MANY, "until then they are shown as before"
            while runs.state.arranging:
                await settle()
            assert turns.most <= SLICE
            assert turns.number >= MANY // SLICE
            if what == "key":
                assert len(runs.runs) == MANY
                assert [run.job_name for run in runs.runs[:2]] == ["job-6", "job-6"]
            else:
                assert {run.status for run in runs.runs} == {RunStatus.FAILED}
                assert len(runs.runs) == MANY // 4


async def test_the_newest_wish_counts_and_a_close_ends_the_work() -> None:
    port, clock = FakePort(), ManualClock()
    await with_many(port)
    async with create_durably_client(port, clock=clock) as hooks:
        async with hooks.use_all_runs() as runs:
            await clock.advance(1)
            await all_of(runs, clock)
            runs.arrange(lambda run: (run.job_name,))
            runs.arrange(keep=lambda run: run.job_name == "job-1")
            while runs.state.arranging:
                await settle()
            assert {run.job_name for run in runs.runs} == {"job-1"}
            newest = [run.id for run in runs.runs]
            assert newest == sorted(newest, reverse=True)
            runs.arrange(lambda run: (run.job_name,))
            runs.arrange()
            assert not runs.state.arranging
            assert len(runs.runs) == MANY
            runs.arrange(lambda run: (run.job_name,))
        assert len(runs.runs) == MANY


async def test_a_list_that_is_fetched_anew_meanwhile_is_in_the_new_order() -> None:
    port, clock = FakePort(), ManualClock()
    await with_many(port)
    async with create_durably_client(port, clock=clock) as hooks, hooks.use_all_runs() as runs:
        await clock.advance(1)
        await all_of(runs, clock)
        runs.arrange(lambda run: (run.job_name,))
        runs.set_query(status="failed")
        await clock.advance(1)
        while runs.state.arranging:
            await settle()
        names = [run.job_name for run in runs.runs]
        assert names == sorted(names, reverse=True)
