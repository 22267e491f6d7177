"""Streams that a server keeps alive, and what it means when it does not any more."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import (
    STREAM_HEAD,
    Watch,
    good,
    ids,
    scripted,
    sends,
    watched,
    watching,
)

from durably_server.http import hub
from durably_tui.client import DurablyClient
from durably_tui.client.heartbeat import KEEP_ALIVE, Heartbeat
from durably_tui.client.liveness import Liveness
from durably_tui.client.questions import Newest
from durably_tui.protocol import Phase, Unreachable

BEAT = b": keep-alive\n\n"


def test_the_rhythm_is_that_of_the_server() -> None:
    assert KEEP_ALIVE == hub.KEEP_ALIVE_INTERVAL


async def looks(clock: HandClock, times: int) -> None:
    """Let the liveness be asked after so often."""
    for _ in range(times):
        await clock.sleep_out(10.0)


async def test_a_stream_that_is_not_kept_alive_is_opened_again_though_nothing_happens() -> None:
    """It broke without a word, the server is well, and no run goes on: nothing else would show."""
    clock = HandClock()
    server = scripted(sends(b"id: 4\n" + good(0), hang=True), sends(good(1), hang=True))
    async with watched(server, clock, abilities="python") as (peer, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.sleep_out(1.0)
        await looks(clock, 4)
        await clock.asleep(10.0)
        assert watch.phases == [Phase.LIVE], "at 41 s one may still be on its way"
        await clock.advance(10.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "stayed silent for 51 s, without a keep-alive" in str(lost.error)
        assert lost.told_until == 1000.0
        await clock.sleep_out(0.25)
        await watch.until(lambda w: ids(w) == ["GOOD-0", "GOOD-1"])
        assert watch.batches[-1].connection.resumed
    again = [request for request in peer.requests if "/subscribe" in request.path][-1]
    assert again.headers["last-event-id"] == "4", "what was published meanwhile is sent again"


def beating(times: list[asyncio.Event]) -> Callable[..., Awaitable[None]]:
    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + good(0))
        for time in times:
            await time.wait()
            writer.write(BEAT)
        await asyncio.Event().wait()

    return script


async def beat(clock: HandClock, watch: Watch, time: asyncio.Event) -> None:
    """A keep-alive in the middle of 10 seconds."""
    await clock.passes(5.0)
    time.set()
    async with asyncio.timeout(10):
        while watch.stream.connection.last_seen != clock.now:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await clock.passes(5.0)


@pytest.mark.parametrize("abilities", ["python", "0.15"])
async def test_a_stream_that_is_kept_alive_is_left_alone(abilities: str) -> None:
    clock = HandClock()
    times = [asyncio.Event() for _ in range(5)]
    async with (
        scripted(beating(times)) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities=abilities) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.sleep_out(1.0)
        for time in times:
            await beat(clock, watch, time)
            await clock.passes(20.0)
    assert watch.phases == [Phase.LIVE]


def questions(peer: bad.BadServer) -> int:
    """How often the server was asked for a list of runs."""
    return sum("/subscribe" not in request.path for request in peer.requests)


async def test_while_keep_alives_come_the_server_is_asked_less_often() -> None:
    clock = HandClock()
    times = [asyncio.Event() for _ in range(6)]
    async with watched(scripted(beating(times)), clock, abilities="python") as (peer, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.passes(5.0)
        await beat(clock, watch, times[0])
        before = questions(peer)
        for time in times[1:]:
            await clock.passes(5.0)
            await beat(clock, watch, time)
        kept_alive = questions(peer) - before
        await clock.passes(75.0)
        silent = questions(peer) - before - kept_alive
    assert 2 <= kept_alive <= 6, "each 30 s, by two requests until one is known to do"
    assert silent > kept_alive, "from 18 s after the last one on each 10 s"


async def test_a_rhythm_is_learned_from_a_server_of_which_none_is_known() -> None:
    clock = HandClock()
    times = [asyncio.Event() for _ in range(2)]
    async with watched(scripted(beating(times), sends(hang=True)), clock) as (_, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.sleep_out(1.0)
        for time in times:
            await beat(clock, watch, time)
        await clock.passes(27.1)  # 32.1 s after the last one, of which there was one each 10 s
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "without a keep-alive" in str(lost.error)


async def test_a_server_that_never_sent_one_is_believed() -> None:
    clock = HandClock()
    async with watched(scripted(sends(good(0), hang=True)), clock) as (_, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.sleep_out(1.0)
        await looks(clock, 20)
        await clock.asleep(10.0)
    assert watch.phases == [Phase.LIVE]


async def test_what_is_not_read_is_not_missed() -> None:
    """Who listens has much to take: the stream waits in the kernel, and is not silent."""
    clock = HandClock()
    is_read = False

    async def latency() -> float:
        return 1.0

    async def newest() -> Newest:
        return Newest(None)

    async def no_other(run_id: str) -> None:
        raise AssertionError(run_id)

    liveness = Liveness(
        clock.pace(),
        "GET /runs/subscribe",
        latency=latency,
        newest=newest,
        one=no_other,
        is_open=lambda: True,
        is_read=lambda: is_read,
        answers_at_once=lambda: True,
        keep_alive=lambda: KEEP_ALIVE,
    )
    liveness.opens()
    liveness.answered(clock.now, was_believed=False)
    clock.now += 100.0
    assert await liveness.look() == 1.0
    is_read = True
    with pytest.raises(Unreachable):
        await liveness.look()


def test_a_machine_that_slept_has_learned_no_rhythm() -> None:
    heartbeat = Heartbeat()
    heartbeat.opened(1000.0)
    heartbeat.hears(1010.0, is_beat=True)
    heartbeat.hears(9000.0, is_beat=True)
    assert heartbeat.missed(9100.0, None) is None
    assert heartbeat.missed(9181.0, None) == 181.0
