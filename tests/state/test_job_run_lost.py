"""One run while its stream or its server is lost, and what of it is told and asked for again."""

from __future__ import annotations

from support.fake_port import FakePort
from support.manual_clock import START, ManualClock, settle

from durably_tui.protocol import Phase, Unreachable
from durably_tui.state import DurablyHooks


def lines(logs: object) -> list[str]:
    return [line.message for line in logs]  # type: ignore[attr-defined]


async def test_a_gap_is_told(port: FakePort, hooks: DurablyHooks, clock: ManualClock) -> None:
    hooks.feed.open()
    await settle()
    run_id = port.made()
    async with hooks.job("job").use_run(run_id) as run:
        port.started(run_id)
        await settle()
        assert run.state is not None
        assert run.state.complete
        port.cut()
        port.logged(run_id, "lost")
        await clock.advance(30)
        port.restore()
        await settle()
        assert not run.state.complete
        port.logged(run_id, "seen")
        port.completed(run_id, 1)
        await clock.advance(1)
        assert lines(run.logs) == ["seen"]
        assert run.state.gaps
        assert run.output == 1


async def test_a_gap_is_told_though_the_feed_has_brought_nothing_since(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    """A run that wrote its last lines and ended while nobody was connected."""
    hooks.feed.open()
    await settle()
    run_id = port.made()
    async with hooks.job("job").use_run(run_id) as run:
        port.started(run_id)
        await settle()
        port.cut()
        port.logged(run_id, "lost")
        port.completed(run_id, 1)
        await clock.advance(30)
        port.restore()
        await settle()
        await clock.advance(1)
        assert run.state is not None
        assert run.output == 1
        assert lines(run.logs) == []
        assert run.state.gaps


async def test_a_failed_request_is_tried_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.errors["get_run"] = Unreachable("Nobody answers.")
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        assert run.state is not None
        assert isinstance(run.state.fault, Unreachable)
        port.errors.clear()
        await clock.advance(5)
        assert run.state.fault is None
        assert run.run is not None


async def test_steps_that_cannot_be_had_do_not_hide_the_run(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.errors["get_steps"] = Unreachable("Nobody answers.")
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        assert run.run is not None
        assert run.state is not None
        assert isinstance(run.state.fault, Unreachable)


async def test_a_stream_that_ends_too_early_is_opened_again_but_not_in_a_hurry(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.job("job").use_run(run_id) as run:
        await clock.advance(1)
        port.run_streams[0].end()
        await settle()
        assert port.requests["subscribe"] == 1
        await clock.advance(5)
        assert port.requests["subscribe"] == 2
        port.started(run_id)
        await settle()
        assert run.is_running


async def test_what_happened_while_the_stream_was_down_is_asked_for(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.job("job").use_run(run_id) as run:
        await clock.advance(1)
        port.cut()
        port.started(run_id)
        port.stepped(run_id, "a", 0)
        await clock.advance(30)
        assert run.is_pending
        port.restore()
        await clock.advance(1)
        assert run.is_running
        assert [step.name for step in run.steps] == ["a"]


async def test_a_stream_that_was_lost_and_there_again_before_anybody_looked_left_a_gap(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.job("job").use_run(run_id) as run:
        port.started(run_id)
        await settle()
        (stream,) = port.run_streams
        stream.turn(Phase.LIVE, since=START, told_until=START + 5)
        await clock.advance(10)
        assert run.state is not None
        assert not run.state.losses
        stream.turn(Phase.LIVE, since=START + 9, told_until=START + 9, epoch=2)
        await settle()
        assert run.state.losses == ((START + 5, START + 9),)
        stream.turn(Phase.LIVE, since=START + 10, told_until=START + 10, epoch=3, resumed=True)
        await settle()
        assert len(run.state.losses) == 1, "it went on where it was"
