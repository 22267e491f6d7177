"""A recording as a server: the port that the hooks need, and the clock that goes with it.

The player answers from what the recorded server had at its position, and sends on the streams what
came then. It delivers one line after the other, with its clock at the time of the line, and goes on
when the line has been taken in: so a state is the same whether it was played to or sought.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from durably_tui.protocol import (
    Abilities,
    Connection,
    Decoder,
    Event,
    Gap,
    JobInfo,
    LogEntry,
    NotFound,
    Phase,
    ReadOnly,
    Run,
    RunsQuery,
    Stats,
    Step,
    StreamBatch,
    Trigger,
    Triggered,
    UnknownEvent,
)

from .archive import FORESIGHT, Archive, Foreseen, Told, told
from .playback import Playback
from .reading import Recording
from .replay_stream import ReplayStream
from .words import Answer, Frames, Turn, extracted

_NO_CHANGE = "Nothing was changed: this is a replay of a recording."


@dataclass(frozen=True, slots=True)
class Mark:
    """What a player has taken in at one line of a recording."""

    delivered: int
    """How many lines."""
    at: float
    """The time of the last of them, in seconds since the recording began."""
    archive: Archive
    connection: Connection


class ReplayClock:
    """The time of the recording; waiting takes real time. Fits ``state.Clock``."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` gives seconds since the epoch."""
        self.time = now

    def monotonic(self) -> float:
        """Seconds that only ever go up, in real time: what is asked for too often is asked less
        often however quick the replay is."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time: a replay that is held must still answer."""
        await asyncio.sleep(seconds)


class Player(Playback):
    """Plays a recording from its beginning. Fits ``state.DurablyPort``."""

    def __init__(
        self, recording: Recording, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Play ``recording``; held until ``go``.

        Args:
            recording: what to play; several players can share one.
            monotonic: real seconds, by which it plays.
        """
        super().__init__(recording, monotonic=monotonic)
        self.clock = ReplayClock(self.now)
        self.archive = Archive(keeps_lines=bool(recording.header.abilities.has("logs")))
        """What the server had at this position."""
        self.abilities: Abilities = recording.header.abilities
        self.connection = Connection(since=recording.began)
        """How the recorded stream was at this position."""
        self._decoder = Decoder()
        self._streams: list[ReplayStream] = []
        self._told: dict[int, tuple[Told, Mapping[str, Run]]] = {}

    def mark(self) -> Mark:
        """Where it is."""
        return Mark(self.delivered, self.position, self.archive.copy(), self.connection)

    def begin_at(self, mark: Mark) -> None:
        """Begin where another player of the recording was. To be called before anything else."""
        self.archive, self.connection = mark.archive.copy(), mark.connection
        self._next = mark.delivered
        self._put(mark.at)

    # -- what is played --------------------------------------------------------------------

    async def deliver(self, at: int) -> None:
        """Take in one line, and wait until everybody who listens has."""
        line = self.recording.line(at)
        batch = None
        if isinstance(line, Answer):
            said, _ = self._answer(at, line)
            self.archive.answered(self.recording.times[at], said)
        elif isinstance(line, Turn):
            batch = self._turned(at, line)
        elif isinstance(line, Frames):
            batch = self._frames(at, line)
        if batch is not None:
            for stream in tuple(self._streams):
                stream.put(batch)
            await self.taken()

    async def taken(self) -> None:
        """Wait until every stream that is listened to has handed on what it has."""
        for stream in tuple(self._streams):
            await stream.taken()

    def _turned(self, at: int, line: Turn) -> StreamBatch:
        before, began = self.connection, self.recording.began
        self.connection = line.connection(began)
        if self.connection.epoch != before.epoch:
            self.archive.gap_at = self.recording.times[at]
            # Whoever listens fetches now, and the answers that the recorder got come soon.
            for answer in self._fetched_after(at):
                self.archive.answered(self.recording.times[at], self._answer(answer)[0])
        return StreamBatch(self.connection)

    def _fetched_after(self, at: int) -> list[int]:
        """The answers to what was fetched once the stream was opened at line ``at``."""
        answers = []
        for later in range(at + 1, len(self.recording)):
            match self.recording.kinds[later]:
                case "answer":
                    answers.append(later)
                case "fetched":
                    return answers
            if self.recording.times[later] > self.recording.times[at] + FORESIGHT:
                break
        return answers

    def _frames(self, at: int, line: Frames) -> StreamBatch:
        frames = [extracted(frame) for frame in line.frames]
        jobs = self.recording.header.jobs
        events = [
            event
            for event in self._decoder.events(frames)
            if not isinstance(event, Gap) and _is_of(event, jobs)
        ]
        second = self.recording.times[at]
        moment = datetime.fromtimestamp(self.now(), UTC)
        self.archive.happened(second, moment, events, partial(self._foresee, at))
        self.connection = replace(self.connection, last_seen=self.now(), told_until=self.now())
        whole = len(events) == len(frames)
        return StreamBatch(self.connection, tuple(events), tuple(frames) if whole else ())

    def _foresee(self, after: int, run_id: str, ended: bool) -> Foreseen:
        run: Run | None = None
        steps: tuple[Step, ...] | None = None
        until = self.recording.times[after] + FORESIGHT
        for at in range(after + 1, bisect_right(self.recording.times, until)):
            if self.recording.kinds[at] != "answer":
                continue
            said, runs = self._answer(at)
            found = runs.get(run_id)
            if run is None and found is not None and (found.is_terminal or not ended):
                run = found
            if run is not None and said.steps is not None and said.steps[0] == run_id:
                steps = said.steps[1]
            if run is not None and (steps is not None or not ended):
                break
        return run, steps

    def _answer(self, at: int, line: Answer | None = None) -> tuple[Told, Mapping[str, Run]]:
        if at not in self._told:
            found = line or self.recording.line(at)
            jobs = self.recording.header.jobs
            said = told(self._decoder, found, jobs) if isinstance(found, Answer) else Told()
            self._told[at] = said, {run.id: run for run in said.runs}
        return self._told[at]

    # -- the port --------------------------------------------------------------------------

    async def probe(self) -> Abilities:
        """What the server could do."""
        return self.abilities

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        """The runs that matched then, as far as they were recorded."""
        return self.archive.found(query or RunsQuery())

    async def count_runs(self, query: RunsQuery | None = None) -> int | None:
        """How many of those that were recorded matched then."""
        if not self.abilities.has("total"):
            return None
        return self.archive.count(query or RunsQuery())

    async def get_run(self, run_id: str) -> Run | None:
        """One run as it was then."""
        return self.archive.runs.get(run_id)

    async def get_steps(self, run_id: str) -> list[Step]:
        """Its steps as they were then, as far as they were recorded."""
        if run_id not in self.archive.runs:
            raise NotFound(f"The recording has no run {run_id} at this time.", status=404)
        return list(self.archive.steps.get(run_id, ()))

    async def get_jobs(self) -> list[JobInfo] | None:
        """The jobs, where the server listed them."""
        return None if self.archive.jobs is None else list(self.archive.jobs)

    async def get_stats(self, *, window: float = 3600) -> Stats | None:
        """The figures that the server told last, over its own window; runs by status as then."""
        return self.archive.figures()

    async def get_logs(
        self,
        run_id: str | None = None,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = 1000,
    ) -> list[LogEntry] | None:
        """Stored lines, as far as they were recorded."""
        if not self.abilities.has("logs"):
            return None
        return self.archive.logs(run_id, after, before, limit)

    async def trigger(self, trigger: Trigger, /) -> Triggered:
        """Refused, as everything that would change something."""
        raise ReadOnly(_NO_CHANGE)

    async def retry(self, run_id: str) -> None:
        """Refused."""
        raise ReadOnly(_NO_CHANGE)

    async def retrigger(self, run_id: str) -> str:
        """Refused."""
        raise ReadOnly(_NO_CHANGE)

    async def cancel(self, run_id: str) -> None:
        """Refused."""
        raise ReadOnly(_NO_CHANGE)

    async def delete_run(self, run_id: str) -> None:
        """Refused."""
        raise ReadOnly(_NO_CHANGE)

    def subscribe(self, run_id: str) -> ReplayStream:
        """The events of one run from now on; it ends when the run is over."""
        run = self.archive.runs.get(run_id)
        return self._opened(
            lambda event: event.run_id == run_id,
            of_run=True,
            is_over=run is None or run.is_terminal,
        )

    def subscribe_runs(
        self,
        job_name: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> ReplayStream:
        """The events of all runs that match, from now on."""
        names = (job_name,) if isinstance(job_name, str) else tuple(job_name or ())
        pairs = dict(labels or {})
        return self._opened(
            lambda event: _is_of(event, names) and pairs.items() <= event.labels.items()
        )

    def _opened(
        self, wanted: Callable[[Event], bool], *, of_run: bool = False, is_over: bool = False
    ) -> ReplayStream:
        stream = ReplayStream(
            self.connection, wanted, of_run=of_run, on_close=self._streams_discard
        )
        self._streams.append(stream)
        if is_over:
            stream.end()
        elif self.connection.phase is not Phase.CONNECTING:
            stream.put(StreamBatch(self.connection))
        return stream

    def _streams_discard(self, stream: ReplayStream) -> None:
        with suppress(ValueError):
            self._streams.remove(stream)

    async def aclose(self) -> None:
        """Stop playing, and close every stream."""
        await super().aclose()
        for stream in tuple(self._streams):
            await stream.aclose()


def _is_of(event: Event, jobs: Sequence[str]) -> bool:
    """Whether an event is of one of these jobs; 0.8 leaves the job out of some."""
    if not jobs or isinstance(event, UnknownEvent) or not event.job_name:
        return True
    return event.job_name in jobs
