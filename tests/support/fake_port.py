"""A small Durably server in memory, as the port that the hooks need.

It publishes what happens on scripted streams, counts the requests, and can hold answers back, cut
connections, or keep events from being delivered so that a test delivers them its way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from durably_tui.protocol import (
    Abilities,
    Conflict,
    DurablyError,
    Event,
    JobInfo,
    LogEntry,
    NotFound,
    Phase,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunsQuery,
    Stats,
    Step,
    StepCancel,
    Trigger,
    Triggered,
)

from .fake_server import FakeServer
from .fake_stream import FakeStream
from .manual_clock import START

_ENDS = (RunComplete, RunFail, RunCancel, RunDelete)


class FakePort(FakeServer):
    """The server and the way to it. Streams become live as they are opened, unless ``offline``."""

    def __init__(self, *, retry: bool = False, preserve_steps: bool = False) -> None:
        super().__init__(retry=retry, preserve_steps=preserve_steps)
        self.jobs: list[JobInfo] | None = None
        """What ``/jobs`` answers; None: the server has no such route."""
        self.stats: Stats | None = None
        """What ``/stats`` answers, whatever the window; None: the server has no such route."""
        self.windows: list[float] = []
        """For which windows it was asked."""
        self.requests: Counter[str] = Counter()
        self.queries: list[RunsQuery] = []
        self.triggers: list[Trigger] = []
        self.feeds: list[FakeStream] = []
        self.run_streams: list[FakeStream] = []
        self.offline = False
        self.errors: dict[str, DurablyError] = {}
        """By the name of the request, until taken out."""
        self.mute = False
        """Events are not delivered, only kept in ``published``."""
        self.gate = asyncio.Event()
        self.gate.set()

    # -- what the hooks call ---------------------------------------------------------------

    async def probe(self) -> Abilities:
        await self._answer("probe")
        return self.abilities

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        query = query or RunsQuery()
        self.queries.append(query)
        # Answers are as old as the request: what happens while it is held back is not in them.
        found = self.listed(query)
        await self._answer("get_runs")
        return found

    async def count_runs(self, query: RunsQuery | None = None) -> int | None:
        if not self.abilities.has("total"):
            return None
        found = self.listed(replace(query or RunsQuery(), limit=10**9))
        await self._answer("count_runs")
        return len(found)

    async def get_run(self, run_id: str) -> Run | None:
        found = self.runs.get(run_id)
        await self._answer("get_run")
        return found

    async def get_steps(self, run_id: str) -> list[Step]:
        found = list(self.steps.get(run_id, ()))
        await self._answer("get_steps")
        return found

    async def get_jobs(self) -> list[JobInfo] | None:
        found = self.jobs
        await self._answer("get_jobs")
        return found

    async def get_stats(self, *, window: float = 3600) -> Stats | None:
        found = self.stats
        self.windows.append(window)
        await self._answer("get_stats")
        return found

    async def get_logs(
        self,
        run_id: str | None = None,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = 1000,
    ) -> list[LogEntry] | None:
        found = [
            line
            for line in self.lines
            if (run_id is None or line.run_id == run_id)
            and (after is None or line.id > after)
            and (before is None or line.id < before)
        ]
        await self._answer("get_logs")
        if not self.abilities.has("logs"):
            return None
        oldest = after is not None and before is None
        return found[:limit] if oldest else found[max(0, len(found) - limit) :]

    async def trigger(self, trigger: Trigger) -> Triggered:
        await self._answer("trigger")
        self.triggers.append(trigger)
        return Triggered(self.made(trigger.job_name, input=trigger.input, labels=trigger.labels))

    async def retry(self, run_id: str) -> None:
        await self._answer("retry")
        if not self.abilities.retry:
            raise NotFound("The server has no /retry.", status=404)
        self.retried(run_id)

    async def retrigger(self, run_id: str) -> str:
        await self._answer("retrigger")
        old = self.known(run_id)
        return self.made(old.job_name, input=old.input, labels=old.labels)

    async def cancel(self, run_id: str) -> None:
        await self._answer("cancel")
        if self.known(run_id).is_terminal:
            raise Conflict("Run is over.", reason="run is over", status=409)
        self.cancelled(run_id)

    async def delete_run(self, run_id: str) -> None:
        await self._answer("delete_run")
        if self.known(run_id).is_active:
            raise Conflict("Run is active.", reason="run is active", status=409)
        self.deleted(run_id)

    def subscribe(self, run_id: str) -> FakeStream:
        self.requests["subscribe"] += 1
        stream = FakeStream(run_id)
        self.run_streams.append(stream)
        if self.offline:
            return stream
        run = self.runs.get(run_id)
        if run is None:
            stream.end()
            return stream
        stream.live()
        replay = self.replay(run)
        if replay:
            stream.send(replay)
        if run.is_terminal:
            stream.end()
        return stream

    def subscribe_runs(
        self,
        job_name: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> FakeStream:
        self.requests["subscribe_runs"] += 1
        names = (job_name,) if isinstance(job_name, str) else tuple(job_name or ())
        stream = FakeStream((names, dict(labels or {})))
        self.feeds.append(stream)
        if not self.offline:
            stream.live()
        return stream

    # -- the connection --------------------------------------------------------------------

    @property
    def open_feeds(self) -> list[FakeStream]:
        return [feed for feed in self.feeds if not feed.closed]

    def cut(self) -> None:
        """Every connection drops; what happens now is delivered to nobody."""
        self.offline = True
        for stream in (*self.open_feeds, *self.run_streams):
            if not stream.closed and stream.connection.phase is Phase.LIVE:
                stream.turn(Phase.RECONNECTING, last_seen=START)

    def restore(self) -> None:
        """Every connection comes back."""
        self.offline = False
        for stream in (*self.open_feeds, *self.run_streams):
            if not stream.closed and stream.connection.phase in (
                Phase.RECONNECTING,
                Phase.CONNECTING,
            ):
                stream.live()

    def deliver(self, events: Iterable[Event]) -> None:
        """Send events to every open feed as they are, whatever order they are in."""
        bare = [self.bare(event) for event in events]
        for feed in self.open_feeds:
            feed.send(bare)

    async def _answer(self, what: str) -> None:
        self.requests[what] += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        if what in self.errors:
            raise self.errors[what]

    def tell(self, event: Event) -> None:
        if self.mute or self.offline:
            return
        bare = self.bare(event)
        for feed in self.open_feeds:
            names, labels = feed.wants
            if (not names or event.job_name in names) and labels.items() <= event.labels.items():
                feed.send([bare])
        for stream in self.run_streams:
            if stream.wants == event.run_id and stream.connection.phase is Phase.LIVE:
                if not isinstance(event, StepCancel):
                    stream.send([event])
                if isinstance(event, _ENDS):
                    stream.end()
