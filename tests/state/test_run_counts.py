"""How many runs a server has in each status, whatever part of them is shown."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import (
    Event,
    JobFigures,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
    ServerFault,
    Stats,
    Unauthorised,
)
from durably_tui.state import RunCounts, Source, create_durably_client
from durably_tui.state import run_tally as tally_module
from durably_tui.state.run_counts import ACTIVE, LOOKED, NEWEST, SECONDS_BETWEEN_REQUESTS
from durably_tui.state.run_tally import Tally

PENDING, RUNNING = RunStatus.PENDING, RunStatus.RUNNING
COMPLETED, FAILED, CANCELLED = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED


def stats(**counts: int) -> Stats:
    """Figures of two jobs that come to these counts."""
    one = {RunStatus(word): number - 1 for word, number in counts.items()}
    other = {RunStatus(word): 1 for word in counts}
    jobs = (JobFigures(job_name="one", counts=one), JobFigures(job_name="two", counts=other))
    return Stats(window=1.0, jobs=jobs)


async def begun(hook: RunCounts) -> RunCounts:
    hook.start().look()
    await settle()
    return hook


# -- a server that counts --------------------------------------------------------------------


async def test_a_server_that_counts_is_believed_for_all_of_its_runs() -> None:
    port, clock = FakePort(), ManualClock()
    port.stats = stats(running=4, failed=70)
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        assert counts.state.counts == {RUNNING: 4, FAILED: 70}
        assert counts.state.source is Source.SERVER
        assert not counts.state.at_least
        assert port.requests["get_runs"] == 0


async def test_events_count_on_at_once_and_the_server_is_asked_again_a_little_later() -> None:
    port, clock = FakePort(), ManualClock()
    port.stats = stats(running=4, failed=70)
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        run_id = port.made()
        await settle()
        assert counts.state.counts == {RUNNING: 4, FAILED: 70, PENDING: 1}
        port.started(run_id)
        port.failed(run_id, "no")
        await settle()
        assert counts.state.counts == {RUNNING: 4, FAILED: 71}
        assert port.requests["get_stats"] == 1
        port.stats = stats(running=9)
        counts.look()
        await clock.advance(SECONDS_BETWEEN_REQUESTS)
        assert counts.state.counts == {RUNNING: 9}
        assert port.requests["get_stats"] == 2


async def test_what_is_told_while_a_server_counts_for_the_first_time_has_it_asked_again() -> None:
    port, clock = FakePort(), ManualClock()
    port.stats = stats(running=4)
    async with create_durably_client(port, clock=clock) as hooks:
        port.gate.clear()
        counts = await begun(hooks.use_run_counts())
        port.made()  # the answer that is under way may know of it or not
        await settle()
        port.stats = stats(running=4, pending=2)
        port.gate.set()
        await settle()
        assert counts.state.counts == {RUNNING: 4}
        counts.look()
        await clock.advance(SECONDS_BETWEEN_REQUESTS)
        assert counts.state.counts == {RUNNING: 4, PENDING: 2}


async def test_while_nobody_looks_nothing_is_asked() -> None:
    port, clock = FakePort(), ManualClock()
    port.stats = stats(running=4)
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        await clock.advance(LOOKED + 1)
        port.made()
        await clock.advance(60)
        assert port.requests["get_stats"] == 1
        counts.look()
        await clock.advance(SECONDS_BETWEEN_REQUESTS)
        assert port.requests["get_stats"] == 2


async def test_a_run_that_nobody_knew_was_what_it_must_have_been() -> None:
    port, clock = FakePort(), ManualClock()
    port.made()
    port.started("R00001")
    port.stats = stats(running=4, failed=2)
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        port.failed("R00001", "no")
        await settle()
        assert counts.state.counts == {RUNNING: 3, FAILED: 3}


async def test_after_a_lost_connection_the_server_is_asked_at_once() -> None:
    port, clock = FakePort(), ManualClock()
    port.stats = stats(running=4)
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        port.cut()
        await settle()
        port.stats = stats(running=2)
        port.restore()
        await settle()
        assert counts.state.counts == {RUNNING: 2}


async def test_a_token_for_some_runs_only_counts_those() -> None:
    port, clock = FakePort(), ManualClock()
    port.errors["get_stats"] = Unauthorised("No.", status=403)
    port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        assert counts.state.counts == {PENDING: 1}
        assert counts.state.source is Source.SEEN


async def test_a_failure_leaves_what_was_known_and_is_tried_again() -> None:
    port, clock = FakePort(), ManualClock()
    port.stats = stats(running=4)
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        port.errors["get_stats"] = ServerFault("Down.", status=503)
        await counts.refresh()
        assert counts.state.counts == {RUNNING: 4}
        assert counts.state.error is not None
        port.errors.clear()
        await clock.advance(10)
        assert counts.state.error is None


# -- a server that does not ------------------------------------------------------------------


async def test_where_all_runs_are_seen_the_counts_are_whole() -> None:
    port, clock = FakePort(), ManualClock()
    for _ in range(3):
        port.made()
    port.started("R00002")
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        assert counts.state.counts == {PENDING: 2, RUNNING: 1}
        assert not counts.state.at_least
        port.completed("R00002")
        port.deleted("R00001")
        await settle()
        assert counts.state.counts == {PENDING: 1, COMPLETED: 1}
        assert port.requests["get_runs"] == 1


async def test_those_under_way_are_counted_however_old_they_are() -> None:
    port, clock = FakePort(), ManualClock()
    port.started(port.made())
    for _ in range(NEWEST):
        port.failed(port.made(), "no")
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        assert counts.state.counts == {RUNNING: 1, FAILED: NEWEST}
        assert counts.state.at_least == {COMPLETED, FAILED, CANCELLED}


async def test_more_under_way_than_are_listed_is_said_to_be_more() -> None:
    port, clock = FakePort(), ManualClock()
    for _ in range(ACTIVE + 1):
        port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        assert counts.state.counts == {PENDING: ACTIVE}
        assert PENDING in counts.state.at_least


async def test_what_is_told_while_it_is_asked_counts() -> None:
    port, clock = FakePort(), ManualClock()
    port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        port.gate.clear()
        asked = hooks.use_run_counts()
        await begun(asked)
        port.started("R00001")
        await settle()
        port.gate.set()
        await settle()
        assert asked.state.counts == counts.state.counts == {RUNNING: 1}


async def test_who_rests_holds_no_stream() -> None:
    port, clock = FakePort(), ManualClock()
    async with create_durably_client(port, clock=clock) as hooks:
        counts = await begun(hooks.use_run_counts())
        counts.rest()
        await settle()
        assert not port.open_feeds
        port.mute = True
        port.made()
        await begun(counts)
        assert counts.state.counts == {PENDING: 1}


# -- the tally -------------------------------------------------------------------------------

_ENDS = {RunComplete: COMPLETED, RunFail: FAILED, RunCancel: CANCELLED}


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([RunTrigger, RunStart, *_ENDS]))))
def test_what_is_told_twice_or_late_counts_once(told: list[tuple[int, type[Event]]]) -> None:
    """The sum is the number of runs that were spoken of, whatever was said of them."""
    tally = Tally()
    for number, kind in told:
        event = kind(run_id=str(number), job_name="job")
        tally.take([event])
        assert not tally.take([event])
        assert sum(tally.counts.values()) == len(tally._known)
        assert tally.counts == Counter(tally._known.values())


def test_a_run_that_goes_again_is_no_failure_any_more() -> None:
    tally = Tally()
    for kind in (RunTrigger, RunStart, RunFail, RunRetry):
        tally.take([kind(run_id="a", job_name="job")])
    assert tally.counts == {PENDING: 1}
    tally.take([RunDelete(run_id="a", job_name="job")])
    assert tally.counts == {}


def test_what_is_remembered_is_bounded_and_the_number_stays(monkeypatch) -> None:
    monkeypatch.setattr(tally_module, "MOST_KNOWN", 100)
    tally = Tally()
    tally.take([RunStart(run_id="old", job_name="job")])
    for at in range(1_000):
        tally.take([RunFail(run_id=str(at), job_name="job")])
        assert len(tally._known) <= 101
    assert tally.counts == {FAILED: 1_000, RUNNING: 1}
    tally.take([RunComplete(run_id="old", job_name="job")])
    assert tally.counts == {FAILED: 1_000, COMPLETED: 1}


def test_runs_that_are_all_under_way_are_not_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(tally_module, "MOST_KNOWN", 10)
    tally = Tally()
    ids = [str(at) for at in range(50)]
    tally.take([RunStart(run_id=each, job_name="job") for each in ids])
    tally.take([RunComplete(run_id=each, job_name="job") for each in ids])
    assert tally.counts == {COMPLETED: 50}


def test_what_ended_before_the_newest_stays_counted() -> None:
    tally = Tally()
    tally.take([RunFail(run_id="before", job_name="job"), RunStart(run_id="gone", job_name="job")])
    run = Run(id="now", job_name="job", status=RUNNING)
    tally.met([run], whole=False)
    assert tally.counts == {FAILED: 1, RUNNING: 1}
    tally.met([replace(run, status=COMPLETED)], whole=True)
    assert tally.counts == {COMPLETED: 1}
