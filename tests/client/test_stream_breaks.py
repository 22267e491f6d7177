"""Streams over real sockets: how they break, and how they come back."""

import asyncio

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.replay08 import replay08
from support.scripted_stream import (
    STREAM_HEAD,
    Script,
    Watch,
    good,
    ids,
    says,
    scripted,
    sends,
    watched,
    watching,
)

from durably_tui.client import DurablyClient
from durably_tui.protocol import (
    Conflict,
    NotADurablyServer,
    Phase,
    ServerFault,
    Unauthorised,
    Unreachable,
)


async def test_a_stream_cut_in_the_middle_of_a_frame_comes_back() -> None:
    clock = HandClock()
    server = scripted(sends(good(0), good(1)[:30]), sends(good(2), hang=True))
    async with watched(server, clock, abilities=None) as (_, watch):
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert (lost.epoch, lost.attempt, lost.since) == (1, 0, 1000.0)
        assert lost.last_seen == 1000.0
        assert lost.retry_at == 1000.25
        assert isinstance(lost.error, Unreachable)

        await clock.sleep_out(0.25)
        back = (await watch.phase(Phase.LIVE, epoch=2)).connection
        await watch.until(lambda w: len(w.events) == 2)

    assert ids(watch) == ["GOOD-0", "GOOD-2"]
    assert (back.error, back.retry_at, back.since) == (None, None, 1000.25)


async def test_the_delay_doubles_to_a_cap() -> None:
    clock = HandClock()
    pace = clock.pace(max_delay=1.5, quiet_after=1e6, head_grace=1e6)
    with bad.closed_port() as nowhere:
        async with (
            DurablyClient(nowhere.url, pace=pace) as client,
            watching(client.subscribe_runs()) as watch,
        ):
            for delay in (0.25, 0.5, 1.0, 1.5, 1.5):
                await clock.sleep_out(delay)
            await watch.until(lambda w: w.batches[-1].connection.attempt == 6)
            gone = watch.batches[-1].connection

    assert gone.phase is Phase.RECONNECTING
    assert "refused" in str(gone.error)
    assert gone.since == 1000.0  # since when it is gone, not since the last attempt


async def test_the_delay_starts_over_after_a_stream_that_lived() -> None:
    clock = HandClock()
    release = asyncio.Event()

    async def lives(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        await release.wait()

    async with (
        scripted(sends(), sends(), lives, sends(hang=True)) as peer,
        DurablyClient(peer.url, pace=clock.pace(quiet_after=1e6)) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        for delay in (0.25, 0.5):
            await clock.sleep_out(delay)
        await watch.phase(Phase.LIVE, epoch=3)
        clock.now += 60
        release.set()
        lost = (await watch.phase(Phase.RECONNECTING)).connection

    assert lost.retry_at == clock.now + 0.25


async def test_a_stream_that_drops_at_once_is_not_hammered() -> None:
    clock = HandClock()
    async with (
        scripted(sends()) as peer,
        DurablyClient(peer.url, pace=clock.pace(quiet_after=1e6)) as client,
        watching(client.subscribe_runs()),
    ):
        for delay in (0.25, 0.5, 1.0):
            await clock.sleep_out(delay)


@pytest.mark.parametrize(
    ("script", "phase", "kind"),
    [
        (says(500, "application/json", b'{"error":"boom"}'), Phase.RECONNECTING, ServerFault),
        (says(502, "text/html", bad.PROXY_HTML.encode()), Phase.RECONNECTING, ServerFault),
        (says(401, "application/json", b'{"error":"no"}'), Phase.OFFLINE, Unauthorised),
        (says(404, "text/plain", b"Not Found"), Phase.OFFLINE, NotADurablyServer),
        (says(200, "text/html", b"<html>hi</html>"), Phase.OFFLINE, NotADurablyServer),
        (says(200, "application/json", b"[]"), Phase.OFFLINE, NotADurablyServer),
        (says(409, "application/json", b'{"error":"no"}'), Phase.OFFLINE, Conflict),
    ],
)
async def test_what_cannot_heal_by_itself_is_offline_and_still_tried(
    script: Script, phase: Phase, kind: type[Exception]
) -> None:
    clock = HandClock()
    server = scripted(script, sends(good(0), hang=True))
    async with watched(server, clock, abilities=None) as (_, watch):
        gone = (await watch.phase(phase)).connection
        assert type(gone.error) is kind
        delay = 15.0 if phase is Phase.OFFLINE else 0.25
        assert gone.retry_at == clock.now + delay

        await clock.sleep_out(delay)
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        assert watch.batches[-1].connection.error is None


async def test_the_last_event_id_and_the_servers_delay_are_heeded() -> None:
    clock = HandClock()
    first = b"retry: 2000\nid: 4\xc3\xa9\n" + good(0)
    server = scripted(sends(first), sends(hang=True))
    async with watched(server, clock, abilities=None) as (peer, watch):
        await clock.sleep_out(2.0)
        await watch.phase(Phase.LIVE, epoch=2)

    opened = [request for request in peer.requests if "subscribe" in request.path]
    assert "last-event-id" not in opened[0].headers
    assert opened[1].headers["last-event-id"] == "4%C3%A9"
    assert opened[0].headers["accept"] == "text/event-stream"


async def test_a_stream_that_heard_only_its_place_goes_on_from_there() -> None:
    clock = HandClock()
    server = scripted(sends(b"id: here-7\n\n"), sends(hang=True))
    async with watched(server, clock, abilities=None) as (peer, watch):
        await clock.sleep_out(0.25)
        back = (await watch.phase(Phase.LIVE, epoch=2)).connection
    opened = [request for request in peer.requests if "subscribe" in request.path]
    assert opened[1].headers["last-event-id"] == "here-7"
    assert back.resumed
    assert watch.events == []


async def test_a_gap_is_told_as_a_new_epoch_at_its_place() -> None:
    gap = bad.frame({"type": "gap", "reason": "slow", "timestamp": "2026-11-22T06:47:20.763Z"})
    async with (
        scripted(sends(good(0) + gap + good(1), good(2) + gap, hang=True)) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        last = await watch.phase(Phase.LIVE, epoch=3)
    told = {
        event.run_id: batch.connection.epoch for batch in watch.batches for event in batch.events
    }
    assert told == {"GOOD-0": 1, "GOOD-1": 2, "GOOD-2": 2}
    assert last.connection.error is None


async def test_a_server_that_is_killed_and_started_again_on_its_port() -> None:
    clock = HandClock()
    async with replay08(work=False) as peer:
        port = peer.port
        client = DurablyClient(peer.url, pace=clock.pace())
        watch = Watch(client.subscribe_runs())
        assert watch.stream.connection.phase is Phase.CONNECTING
        await watch.phase(Phase.LIVE)
        peer.cut_connections()
        await watch.phase(Phase.RECONNECTING)
        await client._door.ask("GET", "/runs")  # the pool holds no dead connection
    await clock.advance(0.25)
    await watch.until(lambda w: w.batches[-1].connection.attempt > 0)
    async with replay08(work=False, port=port) as peer:
        for _ in range(3):
            await clock.advance(15)
        await watch.phase(Phase.LIVE, epoch=2)
        await client.aclose()
        await watch.task
