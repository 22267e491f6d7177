"""The feed: one stream for all that it covers, and what it says of itself."""

from __future__ import annotations

from itertools import pairwise

from support.fake_port import FakePort
from support.manual_clock import START, ManualClock, settle

from durably_tui.protocol import Phase, Unreachable
from durably_tui.state import DurablyHooks
from durably_tui.state.outage import Outage


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


async def test_what_comes_as_a_stream_is_let_go_does_not_keep_its_runs_from_the_next(
    port: FakePort, hooks: DurablyHooks
) -> None:
    runs = hooks.use_runs(job_name="a").start()
    await settle()
    run_id = port.made("a")
    await settle()
    port.started(run_id)  # on its way, and then nobody wants it
    await runs.aclose()
    async with hooks.use_runs(job_name="a"):
        await settle()
        port.logged(run_id, "told by the next")
        await settle()
        seen = hooks.history.get(run_id)
        assert seen is not None
        assert [line.message for line in seen.logs] == ["told by the next"]


async def test_an_outage_that_was_over_before_anybody_looked_is_told(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    await settle()
    stream = port.feeds[0]
    stream.turn(Phase.LIVE, since=START, told_until=START + 5)
    await clock.advance(10)
    stream.turn(Phase.LIVE, since=START + 9, told_until=START + 9, epoch=2)
    await settle()
    assert hooks.feed.state.outage == Outage(since=START + 5, until=START + 10)
    assert hooks.feed.state.away == ((START + 5, START + 10),)


async def test_a_narrower_stream_is_no_outage_of_the_one_before(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_runs(job_name="a"):
        await settle()
        hooks.feed.open()
        await settle()
        narrow, wide = port.feeds
        wide.turn(Phase.LIVE, since=START)
        narrow.turn(Phase.LIVE, since=START + 5, epoch=3)
        await settle()
        assert hooks.feed.connection.epoch == 1
        hooks.feed.close()
        await settle()
        assert hooks.feed.connection.epoch == 3
        assert hooks.feed.state.outage is None
