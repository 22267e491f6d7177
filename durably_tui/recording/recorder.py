"""Recording a server: its stream as it comes, and the pages that a monitor would ask for.

After each opening of the stream everything is fetched; from then on what events leave out, at most
once a second. What the server says goes into the file as it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from durably_tui.protocol import (
    Connection,
    DurablyError,
    Event,
    Phase,
    RunsQuery,
    RunStatus,
    UnknownEvent,
)
from durably_tui.state.advance import IMPLIED
from durably_tui.state.clock import Clock, SystemClock
from durably_tui.state.ports import DurablyPort

from .words import Answer, Fetched, Frames, Header, Turn, embedded
from .words import End as EndLine
from .writing import Writer

NEWEST = 500
"""Runs that are fetched after each opening of the stream, and as many that are not over."""
DETAILED = 100
"""Runs of these whose steps are fetched, the newest first; of those that are not over, all."""
LINES = 1000
"""Stored log lines that are fetched, the newest."""
EVERY = 1.0
"""Seconds between two looks at what has to be fetched; the file is written as often."""
STATS_EVERY = 2.0
_AT_ONCE = 25
"""Runs, and steps of runs, that are asked for one by one at one look; the others the next time."""
_CALLED = 4
_LAST_LOOK = 5.0
_WORTH = frozenset({"/run", "/runs", "/steps", "/logs", "/jobs", "/stats"})
_PROBE = ("limit", "1")


class Source(DurablyPort, Protocol):
    """A server that also tells of what comes as it came: ``client.DurablyClient``."""

    def tap(self, tap: Recorder | None, /) -> None:
        """Tell ``tap`` from now on."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a recording."""

    seconds: float
    events: int
    """Frames of the stream."""
    answers: int
    gaps: int
    """How often the stream was lost."""
    size: int
    """Bytes of the file."""


class Recorder:
    """Records one server into one file. Fits ``client.tap.Tap``."""

    def __init__(
        self,
        source: Source,
        *,
        server: str,
        name: str = "",
        jobs: Sequence[str] = (),
        by: str = "",
        clock: Clock | None = None,
        on_turn: Callable[[Connection], None] = lambda connection: None,
    ) -> None:
        """Record what ``source`` is; nothing is asked and no file is made before ``record``.

        Args:
            source: the server.
            server: its address without credentials, for the header.
            name: what the user calls it.
            jobs: only runs of these; none means all.
            by: the name of this program.
            clock: where time comes from.
            on_turn: told of each state of the stream's connection. What it raises ends the
                recording.
        """
        self._source = source
        self._server = server
        self._name = name
        self._jobs = tuple(jobs)
        self._by = by
        self._clock = clock or SystemClock()
        self._on_turn = on_turn
        self._writer: Writer | None = None
        self._began = 0.0
        self._counts = {"frames": 0, "answers": 0, "gaps": 0}
        self._epoch = 0
        self._is_down = False
        self._wants_all = False
        self._wake = asyncio.Event()
        self._changed: dict[str, None] = {}
        """Runs of which only the server can tell the rest, the longest wanted first."""
        self._ended: dict[str, None] = {}
        """Those of which the steps are wanted as well."""
        self._stats_at = float("-inf")
        self._heard = False

    # -- what comes, as it came ------------------------------------------------------------

    def answered(self, path: str, params: Sequence[tuple[str, str]], body: bytes) -> None:
        """A request was answered."""
        if self._writer is not None and path in _WORTH and _PROBE not in params:
            self._counts["answers"] += 1
            self._writer.add(Answer(self._at(), path, tuple(params), embedded(body)))

    def received(self, frames: Sequence[bytes]) -> None:
        """The stream brought something."""
        if self._writer is not None:
            self._counts["frames"] += len(frames)
            self._writer.add(Frames(self._at(), tuple(map(embedded, frames))))

    def turned(self, connection: Connection) -> None:
        """The connection of the stream has changed."""
        if self._writer is not None:
            self._count_gaps(connection)
            self._writer.add(Turn.of(connection, self._at(), self._began))

    def _count_gaps(self, connection: Connection) -> None:
        """A connection that is lost, and events that are missing in one that is not, are a gap
        each; what is told of a gap just after a connection is back belongs to that one."""
        if connection.phase is Phase.LIVE:
            since = connection.since or 0.0
            told_of_gap = 0 < self._epoch < connection.epoch
            lately = self._is_down or self._clock.time() - since < 1
            self._counts["gaps"] += told_of_gap and not lately
            self._is_down = False
        elif self._epoch and not self._is_down:
            self._counts["gaps"] += 1
            self._is_down = True
        self._epoch = max(self._epoch, connection.epoch)

    # -- recording -------------------------------------------------------------------------

    async def record(
        self, create: Callable[[Header], Writer], stop: asyncio.Event, seconds: float | None = None
    ) -> Recorded:
        """Record until ``stop`` is set, or for so many seconds.

        Args:
            create: makes the file; called once the server has answered.
            stop: ends the recording as it should be ended.
            seconds: how long; None is until ``stop``.

        Raises:
            DurablyError: the server cannot be watched; no file was made, or what ``on_turn``
                raised.
            RecordingError: the file cannot be made, or not be written any more.
        """
        abilities = await self._source.probe()
        self._began = self._clock.time()
        self._writer = create(
            Header(
                began=datetime.fromtimestamp(self._began, UTC),
                server=self._server,
                name=self._name,
                jobs=self._jobs,
                abilities=abilities,
                by=self._by,
            )
        )
        self._source.tap(self)
        following = asyncio.create_task(self._follow(), name="durably:recorded-stream")
        keeping = asyncio.create_task(self._keep(self._writer), name="durably:recording")
        stopping = asyncio.create_task(stop.wait(), name="durably:recording-stop")
        tasks = (following, keeping, stopping)
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for done in (following, keeping):
                if done.done():
                    done.result()
            keeping.cancel()
            await asyncio.wait([keeping])
            # What came in the last second is described as well, and what is still on its way.
            with suppress(TimeoutError, DurablyError):
                async with asyncio.timeout(_LAST_LOOK):
                    for _ in range(1 + max(len(self._changed), len(self._ended)) // _AT_ONCE):
                        await self._fetch_changed()
            self._source.tap(None)
            self._writer.add(EndLine(self._at()))
            self._writer.close()
        except DurablyError:
            if not self._epoch:
                self._writer.discard()  # the stream never came about
            raise
        finally:
            self._source.tap(None)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._writer.abandon()
        return self.so_far()

    def so_far(self) -> Recorded:
        """What has been recorded by now."""
        return Recorded(
            seconds=self._at() if self._writer is not None else 0.0,
            events=self._counts["frames"],
            answers=self._counts["answers"],
            gaps=self._counts["gaps"],
            size=0 if self._writer is None else self._writer.size,
        )

    def _at(self) -> float:
        return round(max(0.0, self._clock.time() - self._began), 3)

    async def _follow(self) -> None:
        """Read the stream, to know what has to be asked."""
        stream = self._source.subscribe_runs(list(self._jobs) or None)
        epoch = 0
        async with aclosing(stream):
            async for batch in stream.batches():
                self._on_turn(batch.connection)
                if batch.connection.phase is Phase.LIVE and batch.connection.epoch > epoch:
                    epoch = batch.connection.epoch
                    self._wants_all = True
                    self._wake.set()
                for event in batch.events:
                    self._note(event)

    def _note(self, event: Event) -> None:
        self._heard = True
        status = IMPLIED.get(type(event))
        if status is None or isinstance(event, UnknownEvent):
            return
        self._changed[event.run_id] = None
        if status.is_terminal:
            self._ended[event.run_id] = None

    async def _keep(self, writer: Writer) -> None:
        """Ask for what is needed, and write, again and again."""
        while True:
            with suppress(DurablyError):  # it is asked for again; that it failed is in the file
                await self._fetch()
            writer.flush()
            self._wake.clear()
            # Not wait_for, which loses a cancel that comes with what is waited for.
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()

    # -- asking ----------------------------------------------------------------------------

    async def _fetch(self) -> None:
        if self._wants_all:
            self._wants_all = False
            try:
                await self._fetch_all()
            except DurablyError:
                self._wants_all = True
                raise
        elif self._changed or self._ended:
            await self._fetch_changed()
        if self._heard and self._clock.monotonic() - self._stats_at >= STATS_EVERY:
            self._heard = False
            self._stats_at = self._clock.monotonic()
            await self._source.get_stats()

    async def _fetch_all(self) -> None:
        """What a monitor shows that is opened now."""
        source, jobs = self._source, self._jobs
        self._changed.clear()
        newest = await source.get_runs(RunsQuery(job_names=jobs, limit=NEWEST))
        active = [run for run in newest if run.is_active]
        if len(newest) == NEWEST:
            statuses = (RunStatus.PENDING, RunStatus.RUNNING)
            wanted = RunsQuery(job_names=jobs, statuses=statuses, limit=NEWEST)
            active = await source.get_runs(wanted)
        self._stats_at = self._clock.monotonic()
        await asyncio.gather(
            _tolerated(source.get_jobs()),
            _tolerated(source.get_stats()),
            _tolerated(source.get_logs(limit=LINES)),
        )
        detailed = dict.fromkeys(run.id for run in (*active, *newest[:DETAILED]))
        await self._steps(list(detailed))
        if self._writer is not None:
            self._writer.add(Fetched(self._at()))

    async def _fetch_changed(self) -> None:
        """The runs of which an event does not say all, and the steps of those that ended."""
        changed, self._changed = self._changed, {}
        ended = list(self._ended)[:_AT_ONCE]
        try:
            # What changes is mostly new: one page for all, and what is older one by one.
            query = RunsQuery(job_names=self._jobs, limit=min(NEWEST, max(20, 2 * len(changed))))
            page = {run.id for run in await self._source.get_runs(query)}
            left = [run_id for run_id in changed if run_id not in page]
            await _some(self._source.get_run, left[:_AT_ONCE])
            changed = dict.fromkeys(left[_AT_ONCE:])
            for run_id in ended:
                del self._ended[run_id]
            await self._steps(ended)
        except BaseException:  # a cancel as well, as it is looked once more at the end
            self._ended = dict.fromkeys(ended) | self._ended
            raise
        finally:
            self._changed = changed | self._changed

    async def _steps(self, run_ids: Sequence[str]) -> None:
        await _some(self._source.get_steps, run_ids)


async def _some(ask: Callable[[str], Awaitable[object]], run_ids: Sequence[str]) -> None:
    """Ask of each run, a few at a time. A run that is gone by then is none to be told of."""
    waiting = list(run_ids)[::-1]

    async def caller() -> None:
        while waiting:
            await _tolerated(ask(waiting.pop()))

    await asyncio.gather(*(caller() for _ in range(min(_CALLED, len(waiting)))))


async def _tolerated(answer: Awaitable[object]) -> None:
    """Wait for an answer that is not needed."""
    with suppress(DurablyError):
        await answer
