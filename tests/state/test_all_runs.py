"""``AllRuns``: all runs without pages, live, in bounded memory."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Run, RunStatus, Unreachable
from durably_tui.state import AllRuns, DurablyHooks
from durably_tui.state.all_runs import MARGIN
from durably_tui.state.all_runs_loading import HEAD, PAGE


@pytest.fixture
def port() -> FakePort:
    """A server that can go on in its list, and counts."""
    served = FakePort(retry=True)
    served.abilities = replace(served.abilities, features=frozenset(("cursor", "total")))
    return served


def ids(runs: AllRuns) -> list[str]:
    return [run.id for run in runs.runs]


def on_server(port: FakePort) -> list[str]:
    known = port.runs.values()
    return [r.id for r in sorted(known, key=lambda r: (r.created_at, r.id), reverse=True)]


async def down(runs: AllRuns, clock: ManualClock) -> None:
    """Go to the end until there is no more."""
    for _ in range(100):
        runs.reach(max(0, len(runs.runs) - 40), len(runs.runs))
        await clock.advance(0.4)
        if not runs.state.has_more or runs.state.is_full:
            return
    raise AssertionError(runs.state)


async def test_the_newest_come_first_and_older_ones_only_near_the_end(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(HEAD + PAGE + 300)]
    async with hooks.use_all_runs() as runs:
        await settle()
        assert ids(runs) == made[: -HEAD - 1 : -1]
        assert (runs.state.loaded, runs.state.total) == (HEAD, len(made))
        assert runs.has_more
        runs.reach(0, 40)
        await clock.advance(1)
        assert len(runs.runs) == HEAD + PAGE
        runs.reach(0, PAGE - MARGIN)
        await clock.advance(1)
        assert len(runs.runs) == HEAD + PAGE
        await down(runs, clock)
        assert ids(runs) == on_server(port)
        assert (runs.state.loaded, runs.state.total) == (len(made), len(made))
        assert port.requests["get_runs"] == 3


async def test_an_event_changes_its_run_wherever_it_is_without_a_request(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(HEAD * 3)]
    async with hooks.use_all_runs() as runs:
        await settle()
        await down(runs, clock)
        port.requests.clear()
        view = runs.runs
        port.started(made[0])
        port.step_started(made[0], "row-0", 0)
        port.progressed(made[1], 3, 9)
        await settle()
        at = runs.runs.find(made[0])
        assert at == len(made) - 1
        assert runs.runs[at].status is RunStatus.RUNNING
        assert runs.runs.entry(at).activity.step_name == "row-0"
        assert view[at].status is RunStatus.RUNNING
        assert runs.counts[RunStatus.RUNNING] == 1
        assert port.requests["get_runs"] == 0


async def test_new_runs_come_at_the_top_and_a_view_keeps_its_order(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    for _ in range(HEAD + 20):
        port.made()
    async with hooks.use_all_runs() as runs:
        await settle()
        await down(runs, clock)
        before, was = runs.runs, ids(runs)
        new = [port.made() for _ in range(HEAD * 2 + 30)]
        await clock.advance(2)
        assert ids(runs) == on_server(port)
        assert ids(runs)[: len(new)] == new[::-1]
        assert [run.id for run in before] == was
        assert runs.state.total == len(port.runs)


async def test_too_much_that_is_new_begins_the_list_anew(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    for _ in range(HEAD):
        port.made()
    async with hooks.use_all_runs() as runs:
        await settle()
        for _ in range(HEAD * 21):
            port.made()
        await clock.advance(2)
        assert ids(runs) == on_server(port)[: HEAD * 20]
        assert runs.has_more
        await down(runs, clock)
        assert ids(runs) == on_server(port)


async def test_no_more_than_the_most_are_kept(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    for _ in range(HEAD * 4):
        port.made()
    async with hooks.use_all_runs(at_most=HEAD * 2) as runs:
        await settle()
        await down(runs, clock)
        assert runs.state.is_full
        assert ids(runs) == on_server(port)[: HEAD * 2]
        runs.load_older()
        port.made()
        await clock.advance(2)
        assert ids(runs) == on_server(port)[: HEAD * 2]
        assert runs.state.total == HEAD * 4 + 1


async def test_after_an_outage_all_that_is_here_is_as_on_the_server(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(PAGE * 2 + 50)]
    async with hooks.use_all_runs() as runs:
        await settle()
        await down(runs, clock)
        port.cut()
        await settle()
        assert runs.state.stale_since is not None
        port.started(made[3])
        port.completed(made[3], {"ok": True})
        port.deleted(made[PAGE])
        new = port.made()
        port.restore()
        await settle()
        assert runs.runs[0].id == new
        assert runs.state.checking
        await clock.advance(3)
        assert not runs.state.checking
        assert ids(runs) == on_server(port)
        assert runs.get(made[3]) == port.runs[made[3]]
        assert runs.state.total == len(port.runs)


async def test_a_run_that_comes_to_match_is_asked_for_by_itself(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(30)]
    for each in made[10:20]:
        port.failed(each, "no")
    async with hooks.use_all_runs(status="failed") as runs:
        await settle()
        assert ids(runs) == made[19:9:-1]
        port.started(made[2])
        port.failed(made[2], "the disk is full")
        await clock.advance(1)
        assert ids(runs) == [*made[19:9:-1], made[2]]
        assert runs.get(made[2]) == port.runs[made[2]]
        port.retried(made[12])
        await clock.advance(1)
        assert made[12] not in ids(runs)


async def test_another_filter_keeps_the_rows_until_its_own_are_there(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    a, b = port.made("a"), port.made("b")
    async with hooks.use_all_runs() as runs:
        await settle()
        port.gate.clear()
        runs.set_query(job_name="a")
        await settle()
        assert ids(runs) == [b, a]
        assert runs.is_loading
        port.gate.set()
        await clock.advance(1)
        assert ids(runs) == [a]


async def test_what_happens_while_an_answer_is_under_way_is_not_lost(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(HEAD + 10)]
    async with hooks.use_all_runs() as runs:
        await settle()
        port.gate.clear()
        runs.reach(0, HEAD)
        await settle()
        port.started(made[0])
        port.deleted(made[1])
        await settle()
        port.gate.set()
        await clock.advance(1)
        assert runs.counts[RunStatus.RUNNING] == 1
        assert runs.get(made[0]).status is RunStatus.RUNNING  # type: ignore[union-attr]
        assert made[1] not in ids(runs)


async def test_an_order_of_ones_own_follows_what_changes(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(6)]
    async with hooks.use_all_runs() as runs:
        await settle()
        runs.arrange(lambda run: (run.status is RunStatus.RUNNING,))
        assert ids(runs) == made[::-1]
        port.started(made[2])
        await settle()
        assert ids(runs)[0] == made[2]
        assert runs.runs.find(made[5]) == 1
        runs.arrange(keep=lambda run: run.status is RunStatus.PENDING)
        assert made[2] not in ids(runs)
        assert runs.state.searching
        port.started(made[4])
        port.cancelled(made[2])
        await settle()
        assert ids(runs) == [made[5], made[3], made[1], made[0]]
        runs.arrange()
        assert ids(runs) == made[::-1]


async def test_a_search_stops_after_a_while_until_more_is_asked_for(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durably_tui.state.all_runs.SEARCH", PAGE)
    for _ in range(HEAD + PAGE * 3):
        port.made()
    async with hooks.use_all_runs() as runs:
        await settle()
        runs.arrange(keep=lambda run: False)
        for _ in range(5):
            runs.reach(0, 0)
            await clock.advance(0.4)
        assert runs.state.loaded == HEAD + PAGE
        runs.load_older()
        await clock.advance(0.4)
        assert runs.state.loaded == HEAD + PAGE * 2


async def test_optimistic_changes_are_shown_and_taken_back(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = [port.made() for _ in range(3)]
    async with hooks.use_all_runs() as runs:
        await settle()
        with pytest.raises(Unreachable), runs.optimistic(made[1], RunStatus.CANCELLED):  # noqa: PT012
            assert runs.get(made[1]).status is RunStatus.CANCELLED  # type: ignore[union-attr]
            assert runs.counts == {RunStatus.PENDING: 2, RunStatus.CANCELLED: 1}
            raise Unreachable("gone")
        assert runs.get(made[1]).status is RunStatus.PENDING  # type: ignore[union-attr]
        with pytest.raises(Unreachable), runs.optimistic(made[1], None):  # noqa: PT012
            assert ids(runs) == [made[2], made[0]]
            raise Unreachable("gone")
        assert ids(runs) == made[::-1]
        with runs.optimistic(made[1], None):
            port.cancelled(made[1])
            port.deleted(made[1])
        await clock.advance(1)
        assert ids(runs) == [made[2], made[0]]
        with runs.optimistic(made[0], RunStatus.CANCELLED):
            port.cancelled(made[0])
        await clock.advance(1)
        assert runs.get(made[0]) == port.runs[made[0]]


async def test_what_is_shown_ahead_of_the_server_outlasts_another_filter(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = port.made()
    async with hooks.use_all_runs() as runs:
        await settle()
        with pytest.raises(Unreachable), runs.optimistic(made, RunStatus.CANCELLED):  # noqa: PT012
            runs.set_query(job_name=port.runs[made].job_name)
            await clock.advance(1)
            assert [run.status for run in runs.runs] == [RunStatus.CANCELLED]
            raise Unreachable("gone")
        assert [run.status for run in runs.runs] == [RunStatus.PENDING]


async def test_a_failure_is_told_and_the_same_is_tried_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    made = port.made()
    port.errors["get_runs"] = Unreachable("The server cannot be reached: look whether it runs.")
    async with hooks.use_all_runs() as runs:
        await settle()
        assert runs.error is port.errors.pop("get_runs")
        await clock.advance(3)
        assert runs.error is None
        assert ids(runs) == [made]


async def test_a_server_without_cursors_is_not_asked_for_the_same_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.abilities = replace(port.abilities, features=frozenset())
    for _ in range(HEAD + 5):
        port.made()
    async with hooks.use_all_runs() as runs:
        await settle()
        runs.reach(0, HEAD)
        await clock.advance(1)
        assert "read it page by page" in str(runs.error)
        assert len(runs.runs) == HEAD


def _act(port: FakePort, chance: random.Random) -> None:
    acts: list[Callable[[str], object]] = [
        port.started,
        lambda run_id: port.progressed(run_id, 1, 2),
        port.completed,
        lambda run_id: port.failed(run_id, "no"),
        port.cancelled,
        port.retried,
        port.deleted,
    ]
    if chance.random() < 0.4 or len(port.runs) < 3:
        port.made(chance.choice("ab"))
        return
    run = port.runs[chance.choice(list(port.runs))]
    act = chance.choice(acts)
    if act is port.deleted and run.is_active:
        return
    act(run.id)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("status", [None, "failed"])
async def test_whatever_happens_it_ends_as_the_server_has_it(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock, seed: int, status: str | None
) -> None:
    chance = random.Random(seed)
    for _ in range(HEAD + 60):
        _act(port, chance)

    def key(run: Run) -> tuple[object, ...]:
        return (run.job_name,)

    async with hooks.use_all_runs(status=status) as runs:
        await settle()
        if seed % 2:
            runs.arrange(key)
        for _ in range(150):
            if chance.random() < 0.02:
                port.cut()
            if chance.random() < 0.1:
                port.restore()
            _act(port, chance)
            if chance.random() < 0.3:
                await clock.advance(chance.random())
        port.restore()
        await clock.advance(40)
        runs.arrange()
        await down(runs, clock)
        await clock.advance(10)
        wanted = [r for r in on_server(port) if status is None or port.runs[r].status == status]
        assert ids(runs) == wanted
        shown = {run.id: run.status for run in runs.runs}
        assert shown == {run_id: port.runs[run_id].status for run_id in wanted}
        counted = Counter(shown.values())
        assert +runs.counts == counted


async def test_a_run_that_could_not_be_asked_for_is_asked_for_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.started(run_id)
    async with hooks.use_all_runs() as runs:
        await settle()
        port.errors["get_run"] = Unreachable("It did not answer.")
        port.completed(run_id, output={"n": 1})
        await clock.advance(1)
        assert runs.error is not None
        del port.errors["get_run"]
        await clock.advance(60)
        run = runs.get(run_id)
        assert run is not None
        assert run.output == {"n": 1}
        assert runs.error is None
