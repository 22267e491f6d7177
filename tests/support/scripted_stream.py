"""Servers whose streams do what a test says, and a listener that waits for what they say."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from support import bad_servers as bad
from support.hand_clock import HandClock

from durably_tui.client import DurablyClient, Stream
from durably_tui.protocol import Phase, StreamBatch

Script = Callable[[bad.Request, asyncio.StreamWriter], Awaitable[None]]
STREAM_HEAD = bad.response_head(200, {"Content-Type": "text/event-stream"})
LIGHT = "/runs?jobName=durably-tui.liveness&limit=1"
"""What a stream of many runs asks for to measure the latency."""
NEWEST = "/runs?limit=1"
"""What it asks for to see whether a run has gone on."""


def json_answer(body: bytes) -> bytes:
    head = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return bad.response_head(200, head) + body


EMPTY = json_answer(b"[]")


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


@contextlib.asynccontextmanager
async def watched(
    server: AbstractAsyncContextManager[bad.BadServer],
    clock: HandClock,
    job_name: str | None = None,
    *,
    abilities: str | None = "0.15",
    **times: float,
) -> AsyncIterator[tuple[bad.BadServer, Watch]]:
    """A server, and one who listens to its runs by the pace of that clock."""
    pace = clock.pace(**times)
    async with (
        server as peer,
        DurablyClient(peer.url, pace=pace, abilities=abilities) as client,
        watching(client.subscribe_runs(job_name)) as watch,
    ):
        yield peer, watch


def scripted(*scripts: Script, answer: bytes | Script = EMPTY) -> Any:
    """A server whose nth stream does the nth script, the last one for ever; else `answer`."""
    count = 0

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        if not request.path.partition("?")[0].endswith("/subscribe"):
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(request, writer)
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


async def silent(request: bad.Request, writer: asyncio.StreamWriter) -> None:
    """A script that never answers."""
    await asyncio.Event().wait()


def says(status: int, kind: str, body: bytes) -> Script:
    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        head = {"Content-Type": kind, "Content-Length": str(len(body))}
        writer.write(bad.response_head(status, head) + body)

    return script


def good(*numbers: int) -> bytes:
    return b"".join(bad.frame(bad.good_event(number)) for number in numbers)


def ids(watch: Watch) -> list[str]:
    return [event.run_id for event in watch.events]


def run_event(word: str, **fields: Any) -> bytes:
    return bad.frame({"type": word, "runId": "a", "jobName": "echo", **fields})


def run_answer(status: str) -> bytes:
    return json_answer(b'{"id":"a","jobName":"echo","status":"%b"}' % status.encode())


def newest_answer(run_id: str, index: int, output: str = "") -> bytes:
    """A list with one run; a later one has a later last digit in its id."""
    return json_answer(
        f'[{{"id":"{run_id}","jobName":"echo","status":"leased","currentStepIndex":{index},'
        f'"output":"{output}",'
        f'"createdAt":"2026-01-01T00:00:00.00{run_id[-1]}Z"}}]'.encode()
    )


def asked(peer: bad.BadServer) -> list[str]:
    """What a server was asked, in order."""
    return [request.path.partition("/durably")[2] for request in peer.requests]
