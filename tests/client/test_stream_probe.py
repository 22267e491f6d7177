"""Streams over real sockets that say nothing: whether the server is still there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import (
    EMPTY,
    STREAM_HEAD,
    Watch,
    good,
    ids,
    run_answer,
    run_event,
    scripted,
    sends,
    watching,
)

from durably_tui.client import DurablyClient, costs
from durably_tui.protocol import Phase, ServerFault

LIGHT = "/runs?jobName=durably-tui.liveness&limit=1"
NEWEST = "/runs?limit=1"


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much else the machine has to do, no two answers differ by more than noise."""
    monkeypatch.setattr(costs, "_NOISE_MS", 250.0)


def asked(peer: bad.BadServer) -> list[str]:
    """What the server was asked, in order."""
    return [request.path.partition("/durably")[2] for request in peer.requests]


@pytest.mark.usefixtures("steady")
async def test_the_latency_is_measured_soon_and_then_now_and_then() -> None:
    clock = HandClock()
    async with (
        bad.half_open_stream() as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        opened = watch.batches[-1].connection
        assert opened.latency_ms is None, "opening a stream is no measure"
        for wait, now in ((1.0, 1001.0), *((10.0, 1011.0 + 10 * n) for n in range(7))):
            await clock.asleep(wait)
            await clock.advance(wait)
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

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
            await asyncio.Event().wait()
        elif request.path.endswith(LIGHT):
            writer.write(EMPTY)
        else:
            asked_whole.set()
            await slow.wait()
            writer.write(newest_answer("run-5", 0, output="x" * 100_000))

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        await clock.asleep(1.0)
        await clock.advance(1.0)
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

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
            await asyncio.Event().wait()
        elif request.path.endswith(LIGHT):
            writer.write(EMPTY)
        else:
            await asyncio.sleep(0.3 if is_dear else 0)  # what must not be in any latency
            writer.write(dear if is_dear else cheap)

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
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

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        nonlocal was_busy
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
            await asyncio.Event().wait()
        if not request.path.endswith(LIGHT) or not was_busy:
            await asyncio.sleep(0.3)
            was_busy = True
        writer.write(EMPTY)

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        for wait in (1.0, 10.0, 10.0):
            await clock.asleep(wait)
            await clock.advance(wait)
        await clock.asleep(10.0)
    assert asked(peer)[1:] == [LIGHT, NEWEST] * 3


@pytest.mark.usefixtures("steady")
async def test_a_newest_run_that_is_refused_later_does_not_end_a_stream() -> None:
    clock = HandClock()
    fault = False

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
            await asyncio.Event().wait()
        at_fault = fault and not request.path.endswith(LIGHT)
        writer.write(bad.response_head(500, {}) if at_fault else EMPTY)

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        for wait in (1.0, 10.0, 10.0):
            await clock.asleep(wait)
            await clock.advance(wait)
        await clock.asleep(10.0)
        fault = True
        await clock.advance(10.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1031.0)
    assert watch.phases == [Phase.LIVE]
    assert asked(peer)[1:] == [*[LIGHT, NEWEST] * 2, NEWEST, NEWEST, LIGHT, NEWEST]


async def test_a_newest_run_that_cannot_be_had_does_not_end_a_stream() -> None:
    clock = HandClock()

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
            await asyncio.Event().wait()
        writer.write(EMPTY if request.path.endswith(LIGHT) else bad.response_head(500, {}))

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        for wait in (1.0, 10.0):
            await clock.asleep(wait)
            await clock.advance(wait)
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

    async with (
        scripted(script) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        await clock.asleep(1.0)
        await clock.advance(1.0)
        await clock.asleep(10.0)
        await clock.advance(9.0)
        more.set()
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        assert asked(peer)[1:] == [LIGHT, NEWEST]
        await clock.advance(1.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1011.0)
        assert asked(peer)[1:] == [LIGHT, NEWEST] * 2


@contextlib.asynccontextmanager
async def unwell(clock: HandClock) -> AsyncIterator[tuple[bad.BadServer, Watch]]:
    """A stream that brought one event, of a server that answers 503 to all that is asked besides,
    before it is asked."""
    fault = bad.response_head(503, {"Content-Length": "0"})
    async with (
        scripted(sends(good(0), hang=True), answer=fault) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
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
        await clock.asleep(0.25)
        await clock.advance(0.25)
        await watch.phase(Phase.LIVE, epoch=2)


async def test_a_probe_that_gets_no_answer_ends_the_stream() -> None:
    clock = HandClock()

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "subscribe" in request.path:
            writer.write(STREAM_HEAD)
        await asyncio.Event().wait()

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(probe_timeout=0.5)) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        await clock.asleep(1.0)
        await clock.advance(15.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection

    assert "no answer in time" in str(lost.error)


def newest_answer(run_id: str, index: int, output: str = "") -> bytes:
    body = (
        f'[{{"id":"{run_id}","jobName":"echo","status":"leased","currentStepIndex":{index},'
        f'"output":"{output}",'
        f'"createdAt":"2026-01-01T00:00:00.00{run_id[-1]}Z"}}]'
    ).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return bad.response_head(200, head) + body


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

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith(LIGHT):
            writer.write(EMPTY)
            return
        if "subscribe" not in request.path:
            assert request.path.endswith("/runs?jobName=echo&limit=1")
            writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
            return
        writer.write(STREAM_HEAD)
        await writer.drain()
        await asyncio.Event().wait()

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs("echo")) as watch,
    ):
        await watch.phase(Phase.LIVE, epoch=1)
        for wait in (1.0, 10.0):
            await clock.asleep(wait)
            await clock.advance(wait)
        if not deaf:
            await clock.asleep(10.0)
            assert watch.batches[-1].connection.epoch == 1
            return
        await clock.asleep(clock.pace().closing_grace)
        await clock.advance(clock.pace().closing_grace)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "stayed silent while runs went on" in str(lost.error)
        await clock.asleep(0.25)
        await clock.advance(0.25)
        await watch.phase(Phase.LIVE, epoch=2)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_stream_that_broke_right_after_it_spoke_is_opened_again(whole: bool) -> None:
    """It spoke since the question before, but not of the end of the run; and nothing follows."""
    clock = HandClock()
    runs = [b"[]"]
    goes_on = asyncio.Event()
    told = run_event("run:trigger") + run_event("run:leased")

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
            await goes_on.wait()
            writer.write(told + run_event("run:complete") if whole else told)
            await asyncio.Event().wait()
        body = b"[]" if request.path.endswith(LIGHT) else runs[-1]
        head = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        writer.write(bad.response_head(200, head) + body)

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE, epoch=1)
        await clock.asleep(1.0)
        await clock.advance(1.0)
        await clock.asleep(10.0)
        runs.append(b'[{"id":"a","jobName":"echo","status":"completed"}]')
        goes_on.set()
        await watch.until(lambda w: len(w.events) == 2 + whole)
        await clock.advance(10.0)
        if whole:
            await clock.asleep(10.0)
            assert watch.phases == [Phase.LIVE]
            return
        await clock.asleep(1.0)
        await clock.advance(1.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "stayed silent while runs went on" in str(lost.error)


@pytest.mark.parametrize("answers", [True, False])
async def test_a_stream_that_breaks_as_soon_as_the_one_before_is_noticed(answers: bool) -> None:
    """What it left out happened before the first of the questions that come now and then."""
    clock = HandClock()
    runs = [newest_answer("run-5", 0)]
    streams = 0

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        nonlocal streams
        if "/subscribe" in request.path:
            streams += 1
            writer.write(STREAM_HEAD)
            if streams > 1:
                await asyncio.Event().wait()
        elif request.path.endswith(LIGHT):
            writer.write(EMPTY)
        else:
            if not answers:
                await asyncio.Event().wait()
            writer.write(runs[-1])

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(probe_timeout=0.1), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.RECONNECTING)
        await clock.asleep(0.25)
        await clock.advance(0.25)
        await watch.phase(Phase.LIVE, epoch=2)
        async with asyncio.timeout(10):
            await asyncio.wait(
                [task for task in asyncio.all_tasks() if "at first" in task.get_name()]
            )
        runs.append(newest_answer("run-5", 1))
        await clock.asleep(1.0)
        await clock.advance(1.0)
        if answers:
            await clock.asleep(1.0)
            await clock.advance(1.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        why = "while runs went on" if answers else "since the server did not answer"
        assert why in str(lost.error)


async def test_a_server_that_takes_connections_and_never_answers_is_not_live() -> None:
    clock = HandClock()
    pace = clock.pace(probe_timeout=0.05)
    async with (
        bad.silent() as peer,
        DurablyClient(peer.url, pace=pace) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await clock.asleep(1.0)
        await clock.advance(1.0)
        await watch.phase(Phase.RECONNECTING)

    assert watch.batches[-1].connection.epoch == 0


async def test_a_network_that_goes_between_two_questions_has_taken_the_stream_as_well() -> None:
    """And a newest run that never comes does not end one stream after the other."""
    clock = HandClock()

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD)
        elif request.path.endswith(LIGHT):
            writer.write(EMPTY)
            return
        await asyncio.Event().wait()

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(probe_timeout=0.1), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE, epoch=1)
        await clock.asleep(1.0)
        await clock.advance(1.0)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "no answer in time" in str(lost.error)
        await clock.asleep(0.25)
        await clock.advance(0.25)
        await watch.phase(Phase.LIVE, epoch=2)
        await clock.asleep(1.0)
        await clock.advance(1.0)
        await clock.asleep(10.0)
        assert watch.batches[-1].connection.phase is Phase.LIVE


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_stream_that_is_silent_since_nobody_answered_is_opened_again(
    goes_on: bool,
) -> None:
    """It spoke shortly before, and nothing tells whether it outlived what took the answer."""
    clock = HandClock()
    asked, more = asyncio.Event(), asyncio.Event()

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if "/subscribe" in request.path:
            writer.write(STREAM_HEAD + good(0))
            await more.wait()
            writer.write(good(1))
            await asyncio.Event().wait()
        elif not asked.is_set():
            asked.set()
            await asyncio.Event().wait()
        writer.write(EMPTY)

    async with (
        bad.listening(respond) as peer,
        DurablyClient(peer.url, pace=clock.pace(probe_timeout=0.1), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.asleep(1.0)
        await clock.advance(1.0)
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
