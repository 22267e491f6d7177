"""Streams over real sockets whose head comes late, with the first event, or never."""

import asyncio
from functools import partial

from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import (
    STREAM_HEAD,
    good,
    ids,
    json_answer,
    scripted,
    sends,
    silent,
    watched,
)

from durably_tui.client import DurablyClient
from durably_tui.protocol import Phase
from durably_tui.state import create_durably_client
from durably_tui.state.outage import outage_after


async def test_a_server_that_sends_its_head_with_the_first_event_is_live_before() -> None:
    clock = HandClock()
    more = asyncio.Event()

    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        await more.wait()
        writer.write(STREAM_HEAD + good(0))
        await asyncio.Event().wait()

    async with watched(scripted(script), clock, abilities=None) as (_, watch):
        await clock.sleep_out(1.0)
        await watch.phase(Phase.LIVE, epoch=1)
        more.set()
        await watch.until(lambda w: ids(w) == ["GOOD-0"])

    assert watch.batches[-1].connection.epoch == 1


async def late(request: bad.Request, writer: asyncio.StreamWriter, opens: asyncio.Event) -> None:
    """A stream that a slow server opens only then: nothing that happened before is on it."""
    await opens.wait()
    writer.write(STREAM_HEAD)
    await asyncio.Event().wait()


async def test_what_happened_before_a_stream_was_open_is_lost_though_it_was_believed() -> None:
    clock = HandClock()
    opens = asyncio.Event()
    async with watched(scripted(partial(late, opens=opens)), clock) as (_, watch):
        await clock.sleep_out(1.0)
        believed = (await watch.phase(Phase.LIVE, epoch=1)).connection
        opens.set()
        for _ in range(2):  # its head may come behind the first question
            await clock.sleep_out(10.0)
        begun = (await watch.phase(Phase.LIVE, epoch=2)).connection
        assert not begun.resumed
        for _ in range(2):
            await clock.sleep_out(10.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1041.0)

    assert watch.batches[-1].connection.epoch == 2, "told once"
    outage = outage_after(None, believed, begun, clock.now)
    assert outage is not None
    assert outage.since == 1001.0, "lines since then may be missing, and that is told"


async def test_a_server_whose_heads_come_alone_is_not_believed_without_one() -> None:
    """Found out by looking at one stream, for servers of which nothing is known."""
    clock = HandClock()
    cut = asyncio.Event()

    async def first(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        await cut.wait()

    async with watched(scripted(first, silent, sends(good(0), hang=True)), clock) as (_, watch):
        await watch.phase(Phase.LIVE, epoch=1)
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        cut.set()
        await watch.phase(Phase.RECONNECTING)
        await clock.sleep_out(0.25, 1.0)
        await watch.until(lambda w: "was not answered" in str(w.batches[-1].connection.error))
        await clock.sleep_out(0.5)
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
    assert watch.batches[-1].connection.epoch == 2


async def test_a_stream_that_has_not_answered_itself_does_not_count_as_gone_on() -> None:
    clock = HandClock()
    answers = asyncio.Event()

    async def slow(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        await answers.wait()

    server = scripted(sends(b"id: 4\n" + good(0)), slow, sends(hang=True))
    async with watched(server, clock, abilities=None) as (_, watch):
        await watch.phase(Phase.RECONNECTING)
        await clock.sleep_out(0.25, 1.0)
        again = (await watch.phase(Phase.LIVE, epoch=2)).connection
        assert not again.resumed, "only the server answered, on another connection"
        answers.set()
        await clock.sleep_out(0.5)
        again = (await watch.phase(Phase.LIVE, epoch=3)).connection
        assert again.resumed


async def test_a_stream_without_an_answer_is_opened_again_where_heads_come_at_once() -> None:
    clock = HandClock()
    server = scripted(silent, sends(good(0), hang=True))
    async with watched(server, clock, abilities="python") as (_, watch):
        await clock.sleep_out(1.0)
        dead = (await watch.phase(Phase.RECONNECTING)).connection
        assert "was not answered though the server is there" in str(dead.error)
        await clock.sleep_out(0.25)
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        assert watch.batches[-1].connection.epoch == 1


async def test_a_head_that_is_always_held_back_is_believed_in_the_end() -> None:
    clock = HandClock()
    async with watched(scripted(silent), clock, abilities="python") as (_, watch):
        for delay in (0.25, 0.5, 1.0):
            await clock.sleep_out(1.0)
            await watch.phase(Phase.RECONNECTING)
            await clock.sleep_out(delay)
        await clock.sleep_out(1.0)
        await watch.phase(Phase.LIVE, epoch=1)


async def test_a_run_that_was_deleted_before_a_believed_stream_was_open_leaves_its_page() -> None:
    """The page was fetched before, so only the answer to another request shows it."""
    clock = HandClock()
    opens = asyncio.Event()
    failed = [b'[{"id":"a","jobName":"echo","status":"failed"}]']

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(json_answer(failed[-1] if "status=failed" in request.path else b"[]"))

    async with (
        scripted(partial(late, opens=opens), answer=answer) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        create_durably_client(client) as hooks,
    ):
        page = hooks.use_runs(status="failed").start()
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        await page.refresh()
        assert [run.id for run in page.runs] == ["a"]
        failed.append(b"[]")
        opens.set()
        for _ in range(2):  # its head may come behind the first question
            await clock.advance(10.0)
            await clock.asleep(10.0)
        async with asyncio.timeout(10):
            gone = asyncio.Event()
            page.subscribe(lambda state: state.runs or gone.set())
            if page.runs:
                await gone.wait()
    assert page.runs == ()
