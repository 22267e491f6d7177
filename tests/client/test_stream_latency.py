"""How long a server takes to answer, measured beside a stream, and by which of two questions."""

import asyncio

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import (
    EMPTY,
    LIGHT,
    NEWEST,
    STREAM_HEAD,
    asked,
    good,
    ids,
    newest_answer,
    scripted,
    sends,
    watched,
)

from durably_tui.client import costs
from durably_tui.protocol import Phase


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much else the machine has to do, no two answers differ by more than noise."""
    monkeypatch.setattr(costs, "_NOISE_MS", 250.0)


@pytest.mark.usefixtures("steady")
async def test_the_latency_is_measured_soon_and_then_now_and_then() -> None:
    clock = HandClock()
    async with watched(bad.half_open_stream(), clock, abilities=None) as (peer, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        opened = watch.batches[-1].connection
        assert opened.latency_ms is None, "opening a stream is no measure"
        for wait, now in ((1.0, 1001.0), *((10.0, 1011.0 + 10 * n) for n in range(7))):
            await clock.sleep_out(wait)
            await watch.until(lambda w, now=now: w.batches[-1].connection.last_seen == now)
            latency = watch.batches[-1].connection.latency_ms
            assert latency is not None
            assert 0 < latency < 5000

    assert watch.batches[-1].connection.epoch == 1
    both, alone = [LIGHT, NEWEST], [NEWEST]
    assert asked(peer) == ["/runs/subscribe", *both * 2, *alone * 5, *both], (
        "one question will do for a while where both are seen to cost the same"
    )


async def test_how_long_a_large_run_takes_is_no_latency() -> None:
    """It is not waited for, and asked for seldom: a server sends runs with all their output."""
    clock = HandClock()
    asked_whole, slow = asyncio.Event(), asyncio.Event()

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith(LIGHT):
            writer.write(EMPTY)
        else:
            asked_whole.set()
            await slow.wait()
            writer.write(newest_answer("run-5", 0, output="x" * 100_000))

    async with watched(scripted(sends(hang=True), answer=answer), clock) as (peer, watch):
        await watch.phase(Phase.LIVE)
        await clock.sleep_out(1.0)
        async with asyncio.timeout(10):
            await asked_whole.wait()
        await asyncio.sleep(0.3)  # what must not be in any latency
        slow.set()
        for _ in range(12):
            await clock.asleep(10.0)
            latency = watch.batches[-1].connection.latency_ms
            assert latency is not None
            assert latency < 300
            await clock.advance(10.0)
    assert asked(peer).count(LIGHT) >= 12
    assert asked(peer).count(NEWEST) <= 3


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(
    ("size", "then"),
    [(100_000, [LIGHT, LIGHT]), (0, [LIGHT, LIGHT, NEWEST])],
    ids=["large", "slow"],
)
async def test_a_newest_run_that_has_become_dear_tells_no_latency(
    size: int, then: list[str]
) -> None:
    clock = HandClock()
    cheap, dear = newest_answer("run-5", 0), newest_answer("run-5", 0, output="x" * size)
    is_dear = False

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith(LIGHT):
            writer.write(EMPTY)
        else:
            await asyncio.sleep(0.3 if is_dear else 0)  # what must not be in any latency
            writer.write(dear if is_dear else cheap)

    async with watched(scripted(sends(hang=True), answer=answer), clock) as (peer, watch):
        await watch.phase(Phase.LIVE)
        for wait in (1.0, 10.0, 10.0, 10.0):
            await clock.asleep(wait)
            is_dear = asked(peer).count(NEWEST) == 3
            await clock.advance(wait)
        await clock.asleep(10.0)
        latency = watch.batches[-1].connection.latency_ms
        assert latency is not None
        assert latency < 300
        await clock.advance(10.0)
        await clock.asleep(10.0)
    assert asked(peer)[1:] == [*[LIGHT, NEWEST] * 2, NEWEST, NEWEST, *then]


async def test_a_server_that_was_busy_once_is_not_taken_to_find_its_newest_run_cheaply() -> None:
    clock = HandClock()
    was_busy = False

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        nonlocal was_busy
        if not request.path.endswith(LIGHT) or not was_busy:
            await asyncio.sleep(0.3)
            was_busy = True
        writer.write(EMPTY)

    async with watched(scripted(sends(hang=True), answer=answer), clock) as (peer, watch):
        await watch.phase(Phase.LIVE)
        await clock.sleep_out(1.0, 10.0, 10.0)
        await clock.asleep(10.0)
    assert asked(peer)[1:] == [LIGHT, NEWEST] * 3


@pytest.mark.usefixtures("steady")
async def test_a_newest_run_that_is_refused_later_does_not_end_a_stream() -> None:
    clock = HandClock()
    fault = False

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        at_fault = fault and not request.path.endswith(LIGHT)
        writer.write(bad.response_head(500, {}) if at_fault else EMPTY)

    async with watched(scripted(sends(hang=True), answer=answer), clock) as (peer, watch):
        await watch.phase(Phase.LIVE)
        await clock.sleep_out(1.0, 10.0, 10.0)
        await clock.asleep(10.0)
        fault = True
        await clock.advance(10.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1031.0)
    assert watch.phases == [Phase.LIVE]
    assert asked(peer)[1:] == [*[LIGHT, NEWEST] * 2, NEWEST, NEWEST, LIGHT, NEWEST]


async def test_a_newest_run_that_cannot_be_had_does_not_end_a_stream() -> None:
    clock = HandClock()

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY if request.path.endswith(LIGHT) else bad.response_head(500, {}))

    async with watched(scripted(sends(hang=True), answer=answer), clock) as (_, watch):
        await watch.phase(Phase.LIVE)
        await clock.sleep_out(1.0, 10.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1011.0)
    assert watch.phases == [Phase.LIVE]


@pytest.mark.usefixtures("steady")
async def test_a_stream_that_says_something_is_measured_all_the_same() -> None:
    clock = HandClock()
    more = asyncio.Event()

    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        await more.wait()
        writer.write(good(0))
        await asyncio.Event().wait()

    async with watched(scripted(script), clock, abilities=None) as (peer, watch):
        await watch.phase(Phase.LIVE)
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        await clock.advance(9.0)
        more.set()
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        assert asked(peer)[1:] == [LIGHT, NEWEST]
        await clock.advance(1.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1011.0)
        assert asked(peer)[1:] == [LIGHT, NEWEST] * 2
