"""A stream of events that stays: opened, read, watched, and opened again, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from durably_tui.protocol import (
    Connection,
    Decoder,
    DurablyError,
    Event,
    Gap,
    Phase,
    Run,
    ServerFault,
    SseDecoder,
    StreamBatch,
    Unreachable,
)

from .door import Door, Params
from .gather import gathered
from .gently import gently
from .inbox import Inbox
from .liveness import Liveness
from .pace import Pace
from .questions import Newest, Questions
from .stream_state import StreamState

Wanted = Callable[[Event], bool]


class Stream:
    """``GET /runs/subscribe``: the events of many runs. Fits ``protocol.EventStream``.

    Iterating it gives typed events; ``batches`` gives them as they came together, with the state
    of the connection. Either may be used, once. Frames carry no id on Durably's own servers, so
    what was published while the connection was down is gone: ``connection.epoch`` rises with each
    opening, and with each gap that a server tells of, and whoever keeps a picture has to fetch
    again then.

    Args:
        params: what to ask for, found out anew before each attempt.
        wanted: which events to keep, where the server cannot choose.
        answers_at_once: whether the server is known to send the head of its answer at once.
        keep_alive: how often the server is known to send something on a quiet stream, in seconds.
        on_close: called once, when the stream is closed.
    """

    _path = "/runs/subscribe"

    def __init__(
        self,
        door: Door,
        decoder: Decoder,
        pace: Pace,
        *,
        params: Callable[[], Awaitable[Params]],
        wanted: Wanted | None = None,
        answers_at_once: Callable[[], bool] = lambda: False,
        keep_alive: Callable[[], float | None] = lambda: None,
        on_close: Callable[[Any], None] = lambda stream: None,
    ) -> None:
        self._door = door
        self._decoder = decoder
        self._pace = pace
        self._params = params
        self._wanted = wanted
        self._on_close = on_close
        self._inbox = Inbox()
        self._state = StreamState(self._inbox, pace.clock, self._turned)
        self._task: asyncio.Task[None] | None = None
        self._taken = False
        self._closed = False
        self._dead: DurablyError | None = None
        self._last_event_id = ""
        self._goes_on = False
        """Whether this connection was asked to go on after the last event."""
        self._retry_seconds = 0.0
        self._asked: Params = []
        self._questions = Questions(door, decoder, pace)
        self._liveness = Liveness(
            pace,
            self._tried,
            latency=self._ask,
            newest=self._newest,
            one=self._one,
            is_open=lambda: self._state.is_live,
            is_read=lambda: not self._inbox.is_full,
            answers_at_once=answers_at_once,
            keep_alive=keep_alive,
        )

    # -- for whoever listens ---------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """How the stream is doing."""
        return self._state.connection

    def batches(self) -> AsyncGenerator[StreamBatch, None]:
        """Events as they come together, and changes of the connection; ends when closed.

        Raises:
            RuntimeError: the stream was listened to before.
        """
        if self._taken:
            raise RuntimeError("a stream can be listened to once: subscribe again")
        self._taken = True
        return self._batches()

    async def __aiter__(self) -> AsyncIterator[Event]:
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                for event in batch.events:
                    yield event

    async def aclose(self) -> None:
        """Close the stream. ``batches`` ends."""
        self._closed = True
        self._inbox.close()
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        self._state.closed()
        self._on_close(self)

    # -- the one that keeps it open --------------------------------------------------------

    async def _batches(self) -> AsyncGenerator[StreamBatch, None]:
        if self._closed:
            return
        self._task = asyncio.create_task(self._keep(), name=f"durably stream {self._path}")
        try:
            while (batch := await self._inbox.take()) is not None:
                yield batch
            if self._task.done() and not self._task.cancelled():
                self._task.result()  # a fault of this program must not pass for a quiet end
        finally:
            await self.aclose()

    async def _keep(self) -> None:
        failures = 0
        try:
            while True:
                try:
                    await self._attempt()
                    error: DurablyError = Unreachable(
                        f"{self._tried} was ended by the server: it reconnects by itself."
                    )
                except DurablyError as reason:
                    error = reason
                if self._ends_with(error):
                    return
                failures = 1 if self._was_steady() else failures + 1
                await self._wait(error, failures)
        finally:
            self._inbox.close()

    def _ends_with(self, error: DurablyError) -> bool:
        """Whether the subject is over, so that no other attempt is made; if so it is told."""
        return False

    def _was_steady(self) -> bool:
        """Whether the connection that broke was a good one."""
        now = self._pace.clock()
        since = self.connection.since
        return self._state.is_live and now - (since or now) >= self._pace.steady_after

    async def _wait(self, error: DurablyError, failures: int) -> None:
        """Tell why the stream is not live, and sleep until the next attempt."""
        may_heal = isinstance(error, Unreachable | ServerFault)
        delay = self._pace.delay(failures if may_heal else 32, self._retry_seconds)
        self._state.lost(Phase.RECONNECTING if may_heal else Phase.OFFLINE, error, delay)
        await self._pace.sleep(delay)
        self._state.tries_again()

    async def _attempt(self) -> None:
        """Open the stream and read it to its end.

        Raises:
            DurablyError: why it could not be opened, or broke.
        """
        self._dead = None
        self._liveness.opens()
        params = self._asked = await self._params()
        try:
            async with asyncio.timeout(None) as life:
                watch = asyncio.create_task(self._watch(life), name="durably liveness")
                try:
                    await self._door.ready()
                    await gently(self._read(params))
                finally:
                    watch.cancel()
                    await asyncio.wait([watch])
                    if not watch.cancelled():
                        watch.result()
        except TimeoutError:
            if self._dead is not None:
                raise self._dead from None

    async def _read(self, params: Params) -> None:
        decoder = SseDecoder()
        decoder.last_event_id = self._last_event_id
        async with (
            self._door.stream(self._path, params, self._last_event_id) as stream,
            aclosing(gathered(stream, self._pace)) as chunks,
            self._compared(),
        ):
            was_believed = self._state.is_live
            self._goes_on = bool(self._last_event_id)
            self._liveness.answered(self._pace.clock(), was_believed=was_believed)
            if not was_believed:
                self._state.live(resumed=self._goes_on)
            async for chunk in chunks:
                self._begin_late()
                comments = decoder.comments
                frames = decoder.feed(chunk)
                if decoder.oversized:
                    self._decoder.tally.malformed += decoder.oversized
                    decoder.oversized = 0
                self._last_event_id = decoder.last_event_id
                self._retry_seconds = (decoder.retry_ms or 0) / 1000
                now = self._pace.clock()
                is_beat = decoder.comments > comments and not frames
                if self._door.tap is not None and frames:
                    self._door.tap.received(frames)
                events = self._decoder.events(frames)
                self._liveness.hears(now, events, is_beat=is_beat)
                if len(events) != len(frames):
                    frames = []  # some could not be read, and nobody knows which
                while Gap in map(type, events):
                    at = next(n for n, event in enumerate(events) if isinstance(event, Gap))
                    self._state.heard(now, events[:at])
                    self._put(events[:at], frames[:at], 0)
                    self._state.missed(resumed=False)
                    events, frames = events[at + 1 :], frames[at + 1 :]
                self._state.heard(now, events, whole=decoder.is_between)
                if self._put(events, frames, len(chunk)):
                    return
                if events:
                    await self._inbox.room()

    @asynccontextmanager
    async def _compared(self) -> AsyncIterator[None]:
        """What is told in this block is held against how the server was at its begin, where an
        earlier connection broke."""
        if not self.connection.epoch:
            yield
            return
        asking = asyncio.create_task(self._liveness.begins(), name="durably liveness at first")
        try:
            yield
        finally:
            asking.cancel()
            await asyncio.wait([asking])
            if not asking.cancelled():
                asking.result()

    def _put(self, events: list[Event], frames: list[bytes], size: int) -> bool:
        """Hand over what is wanted of a chunk of ``size`` bytes; whether the subject is gone for
        good with it."""
        if self._wanted is not None:
            events, frames = [event for event in events if self._wanted(event)], []
        if not events:
            return False
        self._state.put(events, frames, size)
        return self._closes_after(events)

    def _begin_late(self) -> None:
        """Where the stream was believed to be open before it was, it begins now."""
        opened_at = self._liveness.opened_late(self._pace.clock())
        if opened_at is not None:
            self._state.opened_late(opened_at, resumed=self._goes_on)

    def _closes_after(self, events: list[Event]) -> bool:
        """Whether the subject is gone for good with these; a list of runs never is."""
        return False

    # -- is it still there? ----------------------------------------------------------------

    async def _watch(self, life: asyncio.Timeout) -> None:
        """Ask the server for something cheap now and then: how long it takes is worth knowing, and
        where it fails this connection is ended, since a quiet stream and a dead one look alike.

        Some servers send the head of an answer with its first event only, so the same question
        also tells that a stream which seems not to open is open.
        """
        wait = self._pace.head_grace
        if self._looks_at_once() and not await self._look(life):
            return
        while True:
            await self._pace.sleep(wait)
            wait = self._rest()
            if wait > 0:
                continue
            if not await self._look(life):
                return
            wait = self._pace.probe_every

    def _rest(self) -> float:
        """How many seconds longer not to ask, though the time has come."""
        return self._liveness.rest()

    def _looks_at_once(self) -> bool:
        """Whether to ask at once, instead of when the stream is quiet."""
        return False

    async def _look(self, life: asyncio.Timeout) -> bool:
        """Ask; False where that ended this connection."""
        try:
            took_ms = await self._liveness.look()
        except DurablyError as error:
            self._dead = error
            self._end(life)
            return False
        if took_ms is None:
            return True
        if self._state.is_live:
            self._begin_late()
            self._state.answered(took_ms)
        else:
            # The stream itself has not answered: nobody knows whether it goes on where it was.
            self._state.live(took_ms, resumed=False)
        return True

    async def _ask(self) -> float:
        """One cheap request; how long it took, in ms.

        Raises:
            DurablyError: the server is not there, or not well.
        """
        return await self._questions.latency()

    async def _newest(self) -> Newest:
        """The newest run of the stream's.

        Raises:
            DurablyError: the server does not tell.
        """
        return await self._questions.newest(self._asked)

    async def _one(self, run_id: str) -> Run | None:
        """One run of the stream's; None where it is not asked for.

        Raises:
            DurablyError: the server does not tell.
        """
        return await self._questions.one(run_id)

    @staticmethod
    def _end(life: asyncio.Timeout) -> None:
        """Let what reads the stream stop, as it would at a time limit."""
        life.reschedule(asyncio.get_running_loop().time())

    # -- telling ---------------------------------------------------------------------------

    @property
    def _tried(self) -> str:
        return self._door.tried("GET", self._path)

    def _turned(self, connection: Connection) -> None:
        if self._door.tap is not None:
            self._door.tap.turned(connection)
