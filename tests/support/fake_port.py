"""A small Durably server in memory, as the port that the hooks need.

It keeps runs and steps by the rules of a 0.15 server (or, with ``retry``, of one that resumes the
same run), publishes what happens on scripted streams, counts the requests, and can hold answers
back, cut connections, or keep events from being delivered so that a test delivers them its way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import (
    Abilities,
    Conflict,
    Connection,
    DurablyError,
    Event,
    JobInfo,
    LogEntry,
    LogWrite,
    NotFound,
    Phase,
    Progress,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunProgress,
    RunRetry,
    RunsQuery,
    RunStart,
    RunStatus,
    RunTrigger,
    Stats,
    Step,
    StepCancel,
    StepComplete,
    StepFail,
    StepStart,
    StepStatus,
    StreamBatch,
    Trigger,
    Triggered,
)
from durably_tui.state.log_gap import first_id_at

from .manual_clock import START

_FIRST = datetime.fromtimestamp(START, UTC)
_ENDS = (RunComplete, RunFail, RunCancel, RunDelete)


class FakeStream:
    """A stream whose connection and batches a test decides."""

    def __init__(self, wants: Any) -> None:
        self.wants = wants
        self.connection = Connection()
        self.closed = False
        self._queue: asyncio.Queue[StreamBatch | None] = asyncio.Queue()

    def live(self) -> None:
        """The connection is made, perhaps again."""
        self.turn(Phase.LIVE, epoch=self.connection.epoch + 1)

    def turn(self, phase: Phase, **changes: Any) -> None:
        self.connection = replace(self.connection, phase=phase, **changes)
        self._queue.put_nowait(StreamBatch(self.connection))

    def send(self, events: Iterable[Event]) -> None:
        self._queue.put_nowait(StreamBatch(self.connection, tuple(events)))

    def end(self) -> None:
        self.turn(Phase.ENDED)
        self._queue.put_nowait(None)

    async def batches(self) -> AsyncIterator[StreamBatch]:
        while not self.closed:
            batch = await self._queue.get()
            if batch is None:
                return
            yield batch

    async def aclose(self) -> None:
        self.closed = True
        self._queue.put_nowait(None)


class FakePort:
    """The server and the way to it. Streams become live as they are opened, unless ``offline``."""

    def __init__(self, *, retry: bool = False, preserve_steps: bool = False) -> None:
        self.abilities = Abilities(
            generation="fake", retry=retry, retrigger=True, labels=True, many=True, leased=True
        )
        self.preserve_steps = preserve_steps
        self.runs: dict[str, Run] = {}
        self.steps: dict[str, list[Step]] = {}
        self.jobs: list[JobInfo] | None = None
        """What ``/jobs`` answers; None: the server has no such route."""
        self.stats: Stats | None = None
        """What ``/stats`` answers, whatever the window; None: the server has no such route."""
        self.lines: list[LogEntry] = []
        """What ``/logs`` answers from, for abilities with that feature."""
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
        self.published: list[Event] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._made = 0
        self._sequence = 0

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
        old = self._known(run_id)
        return self.made(old.job_name, input=old.input, labels=old.labels)

    async def cancel(self, run_id: str) -> None:
        await self._answer("cancel")
        if self._known(run_id).is_terminal:
            raise Conflict("Run is over.", reason="run is over", status=409)
        self.cancelled(run_id)

    async def delete_run(self, run_id: str) -> None:
        await self._answer("delete_run")
        if self._known(run_id).is_active:
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
        replay = self._replay(run)
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

    # -- what happens on the server --------------------------------------------------------

    def made(
        self, job: str = "job", *, input: Any = None, labels: Mapping[str, str] | None = None
    ) -> str:
        self._made += 1
        run_id = f"R{self._made:05}"
        self.runs[run_id] = Run(
            id=run_id,
            job_name=job,
            status=RunStatus.PENDING,
            input=input,
            labels=dict(labels or {}),
            created_at=_FIRST + timedelta(milliseconds=self._made // 2),
        )
        self.steps[run_id] = []
        self._publish(RunTrigger(run_id=run_id, input=input))
        return run_id

    def started(self, run_id: str) -> None:
        self._set(run_id, status=RunStatus.RUNNING, started_at=self._at())
        self._publish(RunStart(run_id=run_id, lease_owner="w"))

    def progressed(self, run_id: str, current: int, total: int | None = None) -> None:
        progress = Progress(current, total)
        self._set(run_id, progress=progress)
        self._publish(RunProgress(run_id=run_id, progress=progress))

    def step_started(self, run_id: str, name: str, index: int) -> None:
        self._publish(StepStart(run_id=run_id, step_name=name, step_index=index))

    def stepped(self, run_id: str, name: str, index: int, output: Any = None) -> None:
        self._set(run_id, current_step_index=index + 1, completed_step_count=index + 1)
        self.steps[run_id].append(
            Step(
                name=name,
                index=index,
                status=StepStatus.COMPLETED,
                id=f"{run_id}-{name}",
                run_id=run_id,
                output=output,
                completed_at=self._at(),
            )
        )
        self._publish(
            StepComplete(run_id=run_id, step_name=name, step_index=index, output=output, duration=5)
        )

    def step_failed(self, run_id: str, name: str, index: int, error: str) -> None:
        self._publish(StepFail(run_id=run_id, step_name=name, step_index=index, error=error))

    def step_cancelled(self, run_id: str, name: str, index: int) -> None:
        self._publish(StepCancel(run_id=run_id, step_name=name, step_index=index))

    def logged(self, run_id: str, message: str) -> None:
        self._publish(LogWrite(run_id=run_id, message=message))
        written = self.published[-1]
        assert isinstance(written, LogWrite)
        assert written.timestamp is not None
        line_id = first_id_at(written.timestamp.timestamp())[:10] + f"{len(self.lines):016}"
        self.lines.append(replace(written.entry(), id=line_id))

    def completed(self, run_id: str, output: Any = None) -> None:
        self._end(run_id, RunStatus.COMPLETED, output=output)
        self._publish(RunComplete(run_id=run_id, output=output, duration=1))

    def failed(self, run_id: str, error: str) -> None:
        self._end(run_id, RunStatus.FAILED, error=error)
        self._publish(RunFail(run_id=run_id, error=error))

    def cancelled(self, run_id: str) -> None:
        self._end(run_id, RunStatus.CANCELLED)
        self._publish(RunCancel(run_id=run_id))

    def retried(self, run_id: str) -> None:
        self._set(run_id, status=RunStatus.PENDING, error=None, output=None, completed_at=None)
        self._publish(RunRetry(run_id=run_id))

    def deleted(self, run_id: str) -> None:
        run = self.runs.pop(run_id)
        self.steps.pop(run_id)
        self._publish(RunDelete(run_id=run_id, job_name=run.job_name, labels=run.labels))

    def listed(self, query: RunsQuery) -> list[Run]:
        """Newest first, in the server's own order where two are of one millisecond."""
        matching = [
            run
            for run in self.runs.values()
            if (not query.job_names or run.job_name in query.job_names)
            and (not query.statuses or run.status in query.statuses)
            and all(run.labels.get(key) == value for key, value in query.labels)
        ]
        if self.abilities.has("cursor"):
            matching.sort(key=lambda run: run.id, reverse=True)
        matching.sort(key=lambda run: run.created_at or _FIRST, reverse=True)
        if query.after is not None:
            matching = [run for run in matching if (run.created_at, run.id) < query.after]
        return matching[query.offset : query.offset + query.limit]

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
        bare = [self._bare(event) for event in events]
        for feed in self.open_feeds:
            feed.send(bare)

    # --------------------------------------------------------------------------------------

    async def _answer(self, what: str) -> None:
        self.requests[what] += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        if what in self.errors:
            raise self.errors[what]

    def _known(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise NotFound(f"No run {run_id}.", status=404)
        return self.runs[run_id]

    def _at(self) -> datetime:
        return _FIRST + timedelta(seconds=1, milliseconds=self._sequence)

    def _set(self, run_id: str, **changes: Any) -> None:
        self.runs[run_id] = replace(self.runs[run_id], **changes)

    def _end(self, run_id: str, status: RunStatus, **changes: Any) -> None:
        self._set(run_id, status=status, completed_at=self._at(), **changes)
        if not self.preserve_steps:
            self.steps[run_id] = []

    def _publish(self, event: Event) -> None:
        run = self.runs.get(event.run_id)
        self._sequence += 1
        changes: dict[str, Any] = {"timestamp": self._at(), "sequence": self._sequence}
        if run is not None:
            changes |= {"job_name": run.job_name, "labels": run.labels}
        event = replace(event, **changes)
        self.published.append(event)
        if self.mute or self.offline:
            return
        bare = self._bare(event)
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

    def _bare(self, event: Event) -> Event:
        """What ``/runs/subscribe`` leaves of an event."""
        changes: dict[str, Any] = {"sequence": None}
        if not self.abilities.has("logs"):  # those that store lines tell times here as well
            changes["timestamp"] = None
        if isinstance(event, RunTrigger | RunStart):
            changes["input"] = None
        if isinstance(event, RunComplete | StepComplete):
            changes |= {"output": None, "duration": None}
        if isinstance(event, RunFail):
            changes["error"] = None
        return replace(event, **changes)

    def _replay(self, run: Run) -> list[Event]:
        """What opens a ``/subscribe``: the present, told as events with ``sequence`` 0."""
        common: dict[str, Any] = {
            "run_id": run.id,
            "job_name": run.job_name,
            "labels": run.labels,
            "timestamp": self._at(),
            "sequence": 0,
        }
        events: list[Event] = []
        match run.status:
            case RunStatus.RUNNING:
                events.append(RunStart(input=run.input, lease_owner="w", **common))
                if run.progress is not None:
                    events.append(RunProgress(progress=run.progress, **common))
            case RunStatus.COMPLETED:
                events.append(RunComplete(output=run.output, duration=0, **common))
            case RunStatus.FAILED:
                events.append(RunFail(error=run.error, **common))
            case RunStatus.CANCELLED:
                events.append(RunCancel(**common))
        return events
