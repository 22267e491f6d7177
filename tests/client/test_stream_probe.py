"""Streams over real sockets that say nothing: whether the server is still there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import (
    EMPTY,
    LIGHT,
    STREAM_HEAD,
    Watch,
    good,
    ids,
    json_answer,
    newest_answer,
    run_answer,
    run_event,
    scripted,
    sends,
    silent,
    watched,
    watching,
)

from durably_tui.client import DurablyClient
from durably_tui.protocol import Phase, ServerFault


@contextlib.asynccontextmanager
async def unwell(clock: HandClock) -> AsyncIterator[tuple[bad.BadServer, Watch]]:
    """A stream that brought one event, of a server that answers 503 to all that is asked besides,
    before it is asked."""
    fault = bad.response_head(503, {"Content-Length": "0"})
    server = scripted(sends(good(0), hang=True), answer=fault)
    async with watched(server, clock, abilities=None) as (peer, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.asleep(1.0)
        yield peer, watch


async def test_a_server_that_fails_to_answer_but_goes_on_telling_is_not_gone() -> None:
    clock = HandClock()
    async with unwell(clock) as (peer, watch):
        await clock.advance(1.0)
        await clock.asleep(10.0)
        assert len(peer.requests) == 2
        assert watch.batches[-1].connection.phase is Phase.LIVE
        await clock.advance(10.0)
        await watch.phase(Phase.RECONNECTING)


async def test_a_quiet_run_is_asked_after_and_one_that_speaks_is_not() -> None:
    clock = HandClock()
    more = asyncio.Event()

    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        await more.wait()
        writer.write(run_event("run:leased"))
        await asyncio.Event().wait()

    async with (
        scripted(script, answer=run_answer("running")) as peer,
        DurablyClient(peer.url, abilities="0.15", pace=clock.pace()) as client,
        watching(client.subscribe("a")) as watch,
    ):
        await watch.phase(Phase.LIVE)
        await clock.asleep(1.0)
        await clock.advance(10.0)
        more.set()
        await watch.until(lambda w: len(w.events) == 1)
        await clock.advance(14.9)
        assert len(peer.requests) == 1
        await clock.advance(0.2)
        await watch.until(lambda w: (w.batches[-1].connection.last_seen or 0) >= 1025.0)
        assert len(peer.requests) == 2


async def test_a_quiet_stream_of_a_dead_server_is_given_up() -> None:
    clock = HandClock()
    async with unwell(clock) as (_, watch):
        await clock.advance(15.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert isinstance(lost.error, ServerFault)
        await clock.sleep_out(0.25)
        await watch.phase(Phase.LIVE, epoch=2)


async def test_a_probe_that_gets_no_answer_ends_the_stream() -> None:
    clock = HandClock()
    server = scripted(sends(hang=True), answer=silent)
    async with watched(server, clock, abilities=None, probe_timeout=0.5) as (_, watch):
        await watch.phase(Phase.LIVE)
        await clock.asleep(1.0)
        await clock.advance(15.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection

    assert "no answer in time" in str(lost.error)


@pytest.mark.parametrize(
    ("later", "deaf"),
    [
        (newest_answer("run-5", 1), True),  # it went on
        (newest_answer("run-6", 0), True),  # a new one
        (newest_answer("run-4", 0), True),  # the newest was deleted
        (EMPTY, True),
        (newest_answer("run-5", 0), False),  # nothing happened
    ],
)
async def test_a_stream_that_is_silent_while_runs_go_on_is_opened_again(
    later: bytes, deaf: bool
) -> None:
    """A connection that something between dropped without a word, while others still work."""
    clock = HandClock()
    answers = [newest_answer("run-5", 0), later]

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith(LIGHT):
            writer.write(EMPTY)
            return
        assert request.path.endswith("/runs?jobName=echo&limit=1")
        writer.write(answers.pop(0) if len(answers) > 1 else answers[0])

    async with watched(scripted(sends(hang=True), answer=answer), clock, "echo") as (_, watch):
        await watch.phase(Phase.LIVE, epoch=1)
        await clock.sleep_out(1.0, 10.0)
        if not deaf:
            await clock.asleep(10.0)
            assert watch.batches[-1].connection.epoch == 1
            return
        await clock.sleep_out(clock.pace().closing_grace)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "stayed silent while runs went on" in str(lost.error)
        await clock.sleep_out(0.25)
        await watch.phase(Phase.LIVE, epoch=2)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_stream_that_broke_right_after_it_spoke_is_opened_again(whole: bool) -> None:
    """It spoke since the question before, but not of the end of the run; and nothing follows."""
    clock = HandClock()
    runs = [b"[]"]
    goes_on = asyncio.Event()
    told = run_event("run:trigger") + run_event("run:leased")

    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        await goes_on.wait()
        writer.write(told + run_event("run:complete") if whole else told)
        await asyncio.Event().wait()

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY if request.path.endswith(LIGHT) else json_answer(runs[-1]))

    async with watched(scripted(script, answer=answer), clock) as (_, watch):
        await watch.phase(Phase.LIVE, epoch=1)
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        runs.append(b'[{"id":"a","jobName":"echo","status":"completed"}]')
        goes_on.set()
        await watch.until(lambda w: len(w.events) == 2 + whole)
        await clock.advance(10.0)
        if whole:
            await clock.asleep(10.0)
            assert watch.phases == [Phase.LIVE]
            return
        await clock.sleep_out(1.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "stayed silent while runs went on" in str(lost.error)


@pytest.mark.parametrize("answers", [True, False])
async def test_a_stream_that_breaks_as_soon_as_the_one_before_is_noticed(answers: bool) -> None:
    """What it left out happened before the first of the questions that come now and then."""
    clock = HandClock()
    runs = [newest_answer("run-5", 0)]

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith(LIGHT):
            writer.write(EMPTY)
        elif answers:
            writer.write(runs[-1])
        else:
            await silent(request, writer)

    server = scripted(sends(), sends(hang=True), answer=answer)
    async with watched(server, clock, probe_timeout=0.1) as (_, watch):
        await watch.phase(Phase.RECONNECTING)
        await clock.sleep_out(0.25)
        await watch.phase(Phase.LIVE, epoch=2)
        async with asyncio.timeout(10):
            await asyncio.wait(
                [task for task in asyncio.all_tasks() if "at first" in task.get_name()]
            )
        runs.append(newest_answer("run-5", 1))
        await clock.sleep_out(1.0)
        if answers:
            await clock.sleep_out(1.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        why = "while runs went on" if answers else "since the server did not answer"
        assert why in str(lost.error)


async def test_a_server_that_takes_connections_and_never_answers_is_not_live() -> None:
    clock = HandClock()
    async with watched(bad.silent(), clock, abilities=None, probe_timeout=0.05) as (_, watch):
        await clock.sleep_out(1.0)
        await watch.phase(Phase.RECONNECTING)

    assert watch.batches[-1].connection.epoch == 0


async def test_a_network_that_goes_between_two_questions_has_taken_the_stream_as_well() -> None:
    """And a newest run that never comes does not end one stream after the other."""
    clock = HandClock()

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if not request.path.endswith(LIGHT):
            await silent(request, writer)
        writer.write(EMPTY)

    server = scripted(sends(hang=True), answer=answer)
    async with watched(server, clock, probe_timeout=0.1) as (_, watch):
        await watch.phase(Phase.LIVE, epoch=1)
        await clock.sleep_out(1.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "no answer in time" in str(lost.error)
        await clock.sleep_out(0.25)
        await watch.phase(Phase.LIVE, epoch=2)
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        assert watch.batches[-1].connection.phase is Phase.LIVE


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_stream_that_is_silent_since_nobody_answered_is_opened_again(
    goes_on: bool,
) -> None:
    """It spoke shortly before, and nothing tells whether it outlived what took the answer."""
    clock = HandClock()
    asked, more = asyncio.Event(), asyncio.Event()

    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + good(0))
        await more.wait()
        writer.write(good(1))
        await asyncio.Event().wait()

    async def answer(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if not asked.is_set():
            asked.set()
            await silent(request, writer)
        writer.write(EMPTY)

    server = scripted(script, answer=answer)
    async with watched(server, clock, probe_timeout=0.1) as (_, watch):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        assert asked.is_set()
        assert watch.batches[-1].connection.phase is Phase.LIVE
        if goes_on:
            more.set()
            await watch.until(lambda w: ids(w) == ["GOOD-0", "GOOD-1"])
        await clock.advance(10.0)
        if goes_on:
            await clock.asleep(10.0)
            assert watch.batches[-1].connection.phase is Phase.LIVE
        else:
            lost = (await watch.phase(Phase.RECONNECTING)).connection
            assert "stayed silent since the server did not answer" in str(lost.error)
