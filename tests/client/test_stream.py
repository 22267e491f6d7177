"""Streams over real sockets: what they deliver, how they break, come back and end."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.recorded_server import recorded_server
from support.recordings import closed_by_server, exchange, stream_events, stream_names
from support.replay08 import replay08

from durably_tui.client import DurablyClient, Stream
from durably_tui.protocol import (
    Conflict,
    NotADurablyServer,
    NotFound,
    Phase,
    RunStatus,
    ServerFault,
    StreamBatch,
    Trigger,
    Unauthorised,
    UnknownEvent,
    Unreachable,
)

Script = Callable[[bad.Request, asyncio.StreamWriter], Awaitable[None]]
WORDS = {"run:start": "run:leased"}

STREAM_HEAD = bad.response_head(200, {"Content-Type": "text/event-stream"})
EMPTY = bad.response_head(200, {"Content-Type": "application/json", "Content-Length": "2"}) + b"[]"


class Watch:
    """Listens to a stream in a task and keeps what it said; `until` waits for a saying."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.batches: list[StreamBatch] = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for batch in self.stream.batches():
            self.batches.append(batch)
            self._news.set()

    @property
    def events(self) -> list[Any]:
        return [event for batch in self.batches for event in batch.events]

    @property
    def phases(self) -> list[Phase]:
        """Each phase once as long as it lasted."""
        phases = [batch.connection.phase for batch in self.batches]
        return [p for at, p in enumerate(phases) if at == 0 or phases[at - 1] is not p]

    async def until(self, met: Callable[["Watch"], bool]) -> None:
        async with asyncio.timeout(10):
            while not met(self):
                if self.task.done():
                    await self.task
                    assert met(self), self.batches
                    return
                self._news.clear()
                waiting = asyncio.ensure_future(self._news.wait())
                await asyncio.wait([waiting, self.task], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()

    async def phase(self, phase: Phase, epoch: int | None = None) -> StreamBatch:
        def met(watch: "Watch") -> bool:
            if not watch.batches:
                return False
            last = watch.batches[-1].connection
            return last.phase is phase and epoch in (None, last.epoch)

        await self.until(met)
        return self.batches[-1]

    async def end(self) -> StreamBatch:
        """Wait until the stream ended by itself."""
        async with asyncio.timeout(10):
            await self.task
        assert self.batches[-1].connection.phase is Phase.ENDED
        return self.batches[-1]


@contextlib.asynccontextmanager
async def watching(stream: Stream) -> AsyncIterator[Watch]:
    watch = Watch(stream)
    try:
        yield watch
    finally:
        watch.task.cancel()
        await asyncio.wait([watch.task])


def scripted(*scripts: Script, answer: bytes = EMPTY) -> Any:
    """A server whose nth stream does the nth script, the last one for ever; else `answer`."""
    count = 0

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        if not request.path.partition("?")[0].endswith("/subscribe"):
            writer.write(answer)
            return
        script = scripts[min(count, len(scripts) - 1)]
        count += 1
        await script(request, writer)

    return bad.listening(respond)


def sends(*chunks: bytes, hang: bool = False) -> Script:
    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        if hang:
            await asyncio.Event().wait()

    return script


def says(status: int, kind: str, body: bytes) -> Script:
    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        head = {"Content-Type": kind, "Content-Length": str(len(body))}
        writer.write(bad.response_head(status, head) + body)

    return script


def good(*numbers: int) -> bytes:
    return b"".join(bad.frame(bad.good_event(number)) for number in numbers)


def ids(watch: Watch) -> list[str]:
    return [event.run_id for event in watch.events]


# -- what comes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("generation", "name"), [(g, n) for g in ("v0.8", "v0.15") for n in stream_names(g)]
)
@pytest.mark.parametrize("chunk", [0, 11])
async def test_a_recorded_stream_arrives_whole(generation: str, name: str, chunk: int) -> None:
    of_all = name.startswith("runs-")
    route = "/runs/subscribe" if of_all else "/subscribe"
    written = stream_events(generation, name)
    # As 0.15, so that the run itself is not asked for: the recordings know it as it was later.
    async with (
        recorded_server(generation, {route: name}, chunk=chunk) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
    ):
        stream = client.subscribe_runs() if of_all else client.subscribe(written_id(written))
        async with watching(stream) as watch:
            await watch.until(lambda w: len(w.events) == len(written))
            if closed_by_server(generation)[name]:
                await watch.end()
            else:
                assert watch.batches == [] or watch.batches[-1].connection.epoch == 1

    assert [e.type for e in watch.events] == [WORDS.get(r["type"], r["type"]) for r in written]
    assert [e.run_id for e in watch.events] == [r["runId"] for r in written]


def written_id(events: list[dict[str, Any]]) -> str:
    return events[0]["runId"] if events else exchange("v0.8", "run-completed").body["id"]


async def test_typed_events_without_batches() -> None:
    async with bad.streaming([good(0), good(1)]) as peer, DurablyClient(peer.url) as client:
        found = []
        async for event in client.subscribe_runs():
            found.append(event.run_id)
            if len(found) == 2:
                break

    assert found == ["GOOD-0", "GOOD-1"]


@pytest.mark.parametrize("kind", sorted(bad.GARBAGE))
async def test_garbage_is_skipped_and_the_good_event_after_it_arrives(kind: str) -> None:
    async with bad.garbage_stream(kind) as peer, DurablyClient(peer.url) as client:
        async with watching(client.subscribe_runs()) as watch:
            await watch.until(lambda w: "GOOD-0" in ids(w))
            assert watch.batches[-1].connection.phase is Phase.LIVE
        kept = [event for event in watch.events if event.run_id != "GOOD-0"]
        # What breaks no rule of the standard, and carries no event, is nothing to count.
        is_harmless = kind in {"no data", "only comments", "unknown field"}
        assert bool(kept or client.tally.malformed) is not is_harmless
        assert all(isinstance(event, UnknownEvent) for event in kept)


async def test_a_byte_order_mark_and_every_line_end() -> None:
    for server in (bad.bom_stream, lambda: bad.line_end_stream(b"\r"),
                   lambda: bad.line_end_stream(b"\r\n")):  # fmt: skip
        async with (
            server() as peer,
            DurablyClient(peer.url) as client,
            watching(client.subscribe_runs()) as watch,
        ):
            await watch.until(lambda w: ids(w)[:2] == ["GOOD-0", "GOOD-1"])


async def test_a_compressed_stream_is_read_too() -> None:
    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        assert request.headers["accept-encoding"] == "identity"
        head = {"Content-Type": "TEXT/Event-Stream; charset=latin-1", "Content-Encoding": "gzip"}
        writer.write(bad.response_head(200, head) + gzip.compress(good(0, 1)))

    async with (
        scripted(script) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w)[:2] == ["GOOD-0", "GOOD-1"])


async def test_jobs_and_labels_are_asked_for() -> None:
    async with (
        bad.streaming([]) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe_runs(["a", "b"], {"team/x": "1"})) as watch,
    ):
        await watch.phase(Phase.LIVE)

    assert peer.requests[0].path.partition("?")[2] == "jobName=a&jobName=b&label.team%2Fx=1"


async def test_an_old_server_sends_all_and_the_wanted_ones_are_kept_here() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        async with watching(client.subscribe_runs(["echo", "fails"])) as watch:
            await watch.phase(Phase.LIVE)
            for job in ("steps", "echo", "fails"):
                peer.durably.publish({"type": "run:cancel", "runId": job, "jobName": job})
            await watch.until(lambda w: ids(w) == ["echo", "fails"])
        async with watching(client.subscribe_runs("echo", {"env": "prod"})) as labelled:
            await labelled.phase(Phase.LIVE)
            peer.durably.publish({"type": "run:cancel", "runId": "x", "jobName": "echo"})
            await peer.streams_open(1)
        assert labelled.events == []

    streams = [asked for asked in peer.requests if "subscribe" in asked]
    assert streams[0] == "GET /runs/subscribe"


async def test_a_batch_tells_how_large_its_largest_event_was() -> None:
    chunk = bad.frame({"type": "run:cancel", "runId": "a"}) + run_event("run:fail", error="x" * 900)
    async with (
        scripted(sends(chunk, hang=True)) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: len(w.events) == 2)

    frames = [frame.removeprefix(b"data: ") for frame in chunk.split(b"\n\n")]
    assert [b.largest for b in watch.batches if b.events] == [max(map(len, frames))]


# -- how it breaks and comes back --------------------------------------------------------------


async def test_a_stream_cut_in_the_middle_of_a_frame_comes_back() -> None:
    clock = HandClock()
    async with (
        scripted(sends(good(0), good(1)[:30]), sends(good(2), hang=True)) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert (lost.epoch, lost.attempt, lost.since) == (1, 0, 1000.0)
        assert lost.last_seen == 1000.0
        assert lost.retry_at == 1000.25
        assert isinstance(lost.error, Unreachable)

        await clock.asleep(0.25)
        await clock.advance(0.25)
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
                await clock.asleep(delay)
                await clock.advance(delay)
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
            await clock.asleep(delay)
            await clock.advance(delay)
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
            await clock.asleep(delay)
            await clock.advance(delay)


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
    async with (
        scripted(script, sends(good(0), hang=True)) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        gone = (await watch.phase(phase)).connection
        assert type(gone.error) is kind
        delay = 15.0 if phase is Phase.OFFLINE else 0.25
        assert gone.retry_at == clock.now + delay

        await clock.asleep(delay)
        await clock.advance(delay)
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        assert watch.batches[-1].connection.error is None


async def test_the_last_event_id_and_the_servers_delay_are_heeded() -> None:
    clock = HandClock()
    first = b"retry: 2000\nid: 4\xc3\xa9\n" + good(0)
    async with (
        scripted(sends(first), sends(hang=True)) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await clock.asleep(2.0)
        await clock.advance(2.0)
        await watch.phase(Phase.LIVE, epoch=2)

    opened = [request for request in peer.requests if "subscribe" in request.path]
    assert "last-event-id" not in opened[0].headers
    assert opened[1].headers["last-event-id"] == "4%C3%A9"
    assert opened[0].headers["accept"] == "text/event-stream"


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


# -- is it still there? ------------------------------------------------------------------------


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
        for wait, now in ((1.0, 1001.0), (10.0, 1011.0), (10.0, 1021.0)):
            await clock.asleep(wait)
            await clock.advance(wait)
            await watch.until(lambda w, now=now: w.batches[-1].connection.last_seen == now)
            latency = watch.batches[-1].connection.latency_ms
            assert latency is not None
            assert 0 < latency < 5000

    assert watch.batches[-1].connection.epoch == 1
    assert [r.path.partition("/durably")[2] for r in peer.requests] == [
        "/runs/subscribe", *["/runs?limit=1"] * 3
    ]  # fmt: skip


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
        assert len(peer.requests) == 2
        await clock.advance(1.0)
        await watch.until(lambda w: w.batches[-1].connection.last_seen == 1011.0)
        assert len(peer.requests) == 3


async def test_a_server_that_fails_to_answer_but_goes_on_telling_is_not_gone() -> None:
    clock = HandClock()
    fault = bad.response_head(503, {"Content-Length": "0"})
    async with (
        scripted(sends(good(0), hang=True), answer=fault) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.asleep(1.0)
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
    fault = bad.response_head(503, {"Content-Length": "0"})
    async with (
        scripted(sends(good(0), hang=True), answer=fault) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        await clock.asleep(1.0)
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


def newest_answer(run_id: str, index: int) -> bytes:
    body = (
        f'[{{"id":"{run_id}","jobName":"echo","status":"leased","currentStepIndex":{index},'
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


async def test_a_server_that_sends_its_head_with_the_first_event_is_live_before() -> None:
    clock = HandClock()
    more = asyncio.Event()

    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        await more.wait()
        writer.write(STREAM_HEAD + good(0))
        await asyncio.Event().wait()

    async with (
        scripted(script) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await clock.asleep(1.0)
        await clock.advance(1.0)
        await watch.phase(Phase.LIVE, epoch=1)
        more.set()
        await watch.until(lambda w: ids(w) == ["GOOD-0"])

    assert watch.batches[-1].connection.epoch == 1


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


# -- the stream of one run ---------------------------------------------------------------------


def run_event(word: str, **fields: Any) -> bytes:
    return bad.frame({"type": word, "runId": "a", "jobName": "echo", **fields})


def run_answer(status: str) -> bytes:
    body = b'{"id":"a","jobName":"echo","status":"%b"}' % status.encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return bad.response_head(200, head) + body


@pytest.mark.parametrize("word", ["run:complete", "run:fail", "run:cancel"])
async def test_a_run_that_is_over_is_not_opened_again(word: str) -> None:
    async with (
        scripted(sends(run_event(word))) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe("a")) as watch,
    ):
        last = await watch.end()

    assert [event.type for event in watch.events] == [word]
    assert last.connection.error is None
    assert len(peer.requests) == 1
    assert watch.phases == [Phase.LIVE, Phase.ENDED]


async def test_a_deleted_run_ends_its_stream_though_the_server_does_not() -> None:
    async with (
        scripted(sends(run_event("run:delete"), hang=True)) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe("a")) as watch,
    ):
        await watch.end()

    assert [event.type for event in watch.events] == ["run:delete"]


async def test_a_run_that_is_not_there_ends_its_stream_with_the_reason() -> None:
    gone = says(404, "application/json", b'{"error":"Run not found"}')
    async with (
        scripted(gone) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe("nope")) as watch,
    ):
        last = await watch.end()

    assert isinstance(last.connection.error, NotFound)
    assert last.connection.epoch == 0


async def test_a_run_whose_stream_drops_before_its_end_is_opened_again() -> None:
    clock = HandClock()
    scripts = (sends(run_event("run:leased")), sends(run_event("run:complete")))
    async with (
        scripted(*scripts) as peer,
        DurablyClient(peer.url, abilities="0.15", pace=clock.pace()) as client,
        watching(client.subscribe("a")) as watch,
    ):
        await clock.asleep(0.25)
        await clock.advance(0.25)
        last = await watch.end()

    assert [event.type for event in watch.events] == ["run:leased", "run:complete"]
    assert last.connection.epoch == 2


async def test_a_retry_after_the_end_makes_a_drop_a_drop_again() -> None:
    clock = HandClock()
    scripts = (
        sends(run_event("run:fail") + run_event("run:retry")),
        sends(run_event("run:complete")),
    )
    async with (
        scripted(*scripts, answer=run_answer("pending")) as peer,
        DurablyClient(peer.url, abilities="0.8", pace=clock.pace()) as client,
        watching(client.subscribe("a")) as watch,
    ):
        await clock.asleep(0.25)
        await clock.advance(0.25)
        await watch.end()

    assert [event.type for event in watch.events] == ["run:fail", "run:retry", "run:complete"]


async def test_an_old_server_is_silent_about_a_completed_run_so_the_run_is_looked_at() -> None:
    clock = HandClock()
    completed = exchange("v0.8", "run-completed").body["id"]
    async with (
        replay08(work=False) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe(completed)) as watch,
    ):
        await clock.asleep(1.0)  # what is under way may still come
        await clock.advance(1.0)
        last = await watch.end()

    assert last.connection.error is None
    assert watch.events == []


async def test_an_old_server_is_silent_about_a_run_that_is_not_there() -> None:
    async with (
        replay08(work=False) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe("nope")) as watch,
    ):
        last = await watch.end()

    assert isinstance(last.connection.error, NotFound)


async def test_a_failed_run_of_an_old_server_stays_watched_until_its_stream_drops() -> None:
    failed = exchange("v0.8", "run-failed").body["id"]
    async with (
        replay08() as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe(failed)) as watch,
    ):
        await watch.phase(Phase.LIVE)
        await peer.streams_open(1)
        await client.retry(failed)
        await watch.until(lambda w: "run:fail" in [e.type for e in w.events])
        assert "run:retry" in [event.type for event in watch.events]
        peer.cut_connections()
        await watch.end()


async def test_a_living_run_from_its_trigger_to_its_end() -> None:
    async with replay08() as peer, DurablyClient(peer.url) as client:
        trigger = Trigger(job_name="steps", input={"count": 2, "delayMs": 50})
        run_id = (await client.trigger(trigger)).run_id
        types = [event.type async for event in client.subscribe(run_id)]
        run = await client.get_run(run_id)

    assert types[-1] == "run:complete"
    assert run is not None
    assert run.status is RunStatus.COMPLETED


# -- how it is closed --------------------------------------------------------------------------


async def test_cancelling_the_reader_closes_the_socket() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        watch = Watch(client.subscribe_runs())
        await watch.phase(Phase.LIVE)
        await peer.streams_open(1)

        watch.task.cancel()
        await asyncio.wait([watch.task])

        await peer.streams_open(0)
        assert watch.task.cancelled()
        assert watch.stream.connection.phase is Phase.ENDED
        assert others() == set()


def others() -> set[str]:
    """Tasks of a client that are still there."""
    return {t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("durably")}


async def test_closing_the_stream_ends_its_batches() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        watch = Watch(client.subscribe_runs())
        await watch.phase(Phase.LIVE)

        await watch.stream.aclose()
        await watch.stream.aclose()

        await watch.task
        await peer.streams_open(0)
        assert others() == set()


async def test_closing_the_client_closes_its_streams() -> None:
    async with replay08(work=False) as peer:
        async with DurablyClient(peer.url) as client:
            watches = [Watch(client.subscribe_runs()) for _ in range(3)]
            for watch in watches:
                await watch.phase(Phase.LIVE)
            await peer.streams_open(3)
            unused = client.subscribe("never read")
        for watch in watches:
            await watch.task
        await peer.streams_open(0)

    assert unused.connection.phase is Phase.ENDED
    assert [batch async for batch in unused.batches()] == []


async def test_closing_while_it_waits_for_the_next_attempt() -> None:
    with bad.closed_port() as nowhere:
        async with DurablyClient(nowhere.url) as client:
            watch = Watch(client.subscribe_runs())
            await watch.phase(Phase.RECONNECTING)
            async with asyncio.timeout(1):
                await watch.stream.aclose()
                await watch.task


async def test_leaving_the_loop_closes_the_stream() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        async for batch in client.subscribe_runs().batches():
            assert batch.connection.phase is Phase.LIVE
            break
        await peer.streams_open(0)


async def test_a_stream_is_listened_to_once() -> None:
    async with bad.streaming([]) as peer, DurablyClient(peer.url) as client:
        stream = client.subscribe_runs()
        stream.batches()
        with pytest.raises(RuntimeError, match="subscribe again"):
            stream.batches()


async def test_a_fault_of_this_program_is_not_a_quiet_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bad.streaming([good(0)]) as peer, DurablyClient(peer.url) as client:
        stream = client.subscribe_runs()
        monkeypatch.setattr(stream._decoder, "events", lambda frames: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            async for _ in stream:
                pass
