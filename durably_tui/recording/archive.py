"""What the recorded server had at one moment: answers and events, folded in their order.

An event says less than the server could have said just then: that a run has ended, but not with
which output. The recorder asked soon afterwards, so the answer is a little further on in the
recording, and is looked up there (``foresee``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    Decoder,
    Event,
    JobFigures,
    JobInfo,
    LogEntry,
    LogWrite,
    Malformed,
    Run,
    RunDelete,
    RunsQuery,
    RunStatus,
    RunTrigger,
    Stats,
    Step,
    StepComplete,
    StepFail,
    StepStart,
    StepStatus,
)
from durably_tui.protocol.times import DAWN
from durably_tui.state.advance import IMPLIED, advance

from .words import Answer, extracted

FORESIGHT = 15.0
"""How many seconds on an answer may be that tells what an event left out."""
_RACE = 2.0
"""Seconds in which an answer may be older than an event that came before it."""
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_UNDER_WAY = (RunStatus.PENDING, RunStatus.RUNNING)
_ENDS = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class Told(msgspec.Struct, frozen=True):
    """What an answer says."""

    runs: tuple[Run, ...] = ()
    steps: tuple[str, tuple[Step, ...]] | None = None
    """Of which run, and which."""
    logs: tuple[LogEntry, ...] = ()
    jobs: tuple[JobInfo, ...] | None = None
    stats: Stats | None = None
    whole: bool = False
    """Whether no run is newer than the oldest of ``runs`` but these."""


def told(decoder: Decoder, answer: Answer, jobs: tuple[str, ...] = ()) -> Told:
    """Decode an answer; one that cannot be read says nothing."""
    body, params = extracted(answer.body), answer.params
    try:
        match answer.path:
            case "/runs":
                found = tuple(decoder.runs(body))
                wanted = {("jobName", job) for job in jobs}
                narrow = {pair for pair in params if pair[0] != "limit"} - {("offset", "0")}
                return Told(runs=found, whole=len(found) > 1 and narrow == wanted)
            case "/run":
                return Told(runs=(decoder.run(body),))
            case "/steps":
                run_id = dict(params).get("runId", "")
                return Told(steps=(run_id, tuple(decoder.steps(body))))
            case "/logs":
                return Told(logs=tuple(decoder.logs(body)))
            case "/jobs":
                return Told(jobs=tuple(decoder.jobs(body)))
            case "/stats":
                return Told(stats=decoder.stats(body))
    except Malformed:
        pass
    return Told()


Foreseen = tuple[Run | None, tuple[Step, ...] | None]
Foresee = Callable[[str, bool], Foreseen]
"""What the next answers say of a run, and of its steps; whether only after its end."""


@dataclass(slots=True)
class Archive:
    """Runs, steps, stored lines, jobs and figures, as they were known then."""

    runs: dict[str, Run] = field(default_factory=dict)
    steps: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    lines: dict[str, LogEntry] = field(default_factory=dict)
    """Stored log lines by id."""
    jobs: tuple[JobInfo, ...] | None = None
    stats: Stats | None = None
    """As the server told them last; ``figures`` has what happened since."""
    gap_at: float = 0.0
    """When the stream was opened last."""
    keeps_lines: bool = False
    """Whether the server stored log lines: then it had those of events as well."""
    _heard_lines: dict[str, float] = field(default_factory=dict)
    """The ids of lines that came by events, which are made here, and when they were written."""
    _made: int = 0
    _heard: dict[str, float] = field(default_factory=dict)
    """When each run was last told of."""
    _ended: dict[str, float] = field(default_factory=dict)
    """When the end of a run was told by an event."""
    _since: Counter[tuple[str, RunStatus]] = field(default_factory=Counter)
    """How many more runs of a job are in a status than when the figures were told."""

    def copy(self) -> Archive:
        """The same, which does not change with this one."""
        return Archive(
            runs=dict(self.runs),
            steps=dict(self.steps),
            lines=dict(self.lines),
            jobs=self.jobs,
            stats=self.stats,
            gap_at=self.gap_at,
            keeps_lines=self.keeps_lines,
            _heard_lines=dict(self._heard_lines),
            _made=self._made,
            _heard=dict(self._heard),
            _ended=dict(self._ended),
            _since=Counter(self._since),
        )

    # -- growing ---------------------------------------------------------------------------

    def answered(self, at: float, said: Told) -> None:
        """The server answered, ``at`` seconds after the beginning."""
        for run in said.runs:
            known = self.runs.get(run.id)
            late = known is not None and known.is_terminal and not run.is_terminal
            if late and at - self._ended.get(run.id, -_RACE) < _RACE:
                continue  # asked before the end
            self._put(at, run)
        if said.whole:
            self._forget_before(at, said.runs)
        if said.steps is not None:
            run_id, steps = said.steps
            if steps or run_id not in self.steps:
                self.steps[run_id] = steps
        if said.logs:
            self._stored(said.logs)
        self.jobs = self.jobs if said.jobs is None else said.jobs
        if said.stats is not None:
            self.stats = said.stats
            self._since.clear()

    def happened(self, at: float, now: datetime, events: Iterable[Event], foresee: Foresee) -> None:
        """Events came.

        Args:
            at: seconds after the beginning.
            now: the same moment.
            events: in the order in which they came.
            foresee: what the next answers say of a run.
        """
        for event in events:
            if isinstance(event, RunDelete):
                if (gone := self.runs.pop(event.run_id, None)) is not None:
                    self._since[gone.job_name, gone.status] -= 1
                self.steps.pop(event.run_id, None)
            elif event.run_id:
                self._event(at, now, event, foresee)
            if isinstance(event, LogWrite) and self.keeps_lines:
                self._line(event, now)

    def _event(self, at: float, now: datetime, event: Event, foresee: Foresee) -> None:
        when = event.timestamp or now
        known = self.runs.get(event.run_id)
        status = IMPLIED.get(type(event))
        run = known
        if run is None and status is None:
            run = foresee(event.run_id, False)[0]  # it is older than what was fetched at first
        elif run is None:
            run = Run(
                id=event.run_id,
                job_name=event.job_name,
                status=RunStatus.PENDING,
                labels=event.labels,
                created_at=when,
                input=event.input if isinstance(event, RunTrigger) else None,
            )
        if run is not None:
            advanced, _ = advance(run, event)
            if status is not None and (known is None or advanced != run):
                advanced = self._described(at, when, advanced, foresee)
            self._put(at, advanced)
        self._step(event, when)

    def _described(self, at: float, when: datetime, run: Run, foresee: Foresee) -> Run:
        answer, steps = foresee(run.id, run.is_terminal)
        run = _with(run, answer)
        if run.is_terminal:
            self._ended[run.id] = at
            if steps:
                self.steps[run.id] = steps
        # As told by a stream whose events have no times.
        if run.is_terminal and run.completed_at is None:
            return replace(run, completed_at=when)
        if run.status is RunStatus.RUNNING and run.started_at is None:
            return replace(run, started_at=when)
        return run

    def _stored(self, lines: tuple[LogEntry, ...]) -> None:
        """Lines with the server's own ids; among them are those that came by events meanwhile."""
        times = [_seconds(line) for line in lines]
        first, last = min(times), max(times)
        for made in [key for key, at in self._heard_lines.items() if first <= at <= last]:
            del self.lines[made], self._heard_lines[made]
        self.lines.update((line.id, line) for line in lines if line.id is not None)

    def _line(self, event: LogWrite, now: datetime) -> None:
        entry = event.entry()
        if entry.timestamp is None:
            entry = replace(entry, timestamp=now)
        made = f"{_ulid_time(_seconds(entry))}{self._made:016}"
        self._made += 1
        self.lines[made] = replace(entry, id=made)
        self._heard_lines[made] = _seconds(entry)

    def _step(self, event: Event, when: datetime) -> None:
        if not isinstance(event, StepStart | StepComplete | StepFail):
            return
        steps = self.steps.get(event.run_id, ())
        mine = next((step for step in steps if step.index == event.step_index), None)
        if mine is not None and mine.status is StepStatus.COMPLETED:
            return
        others = tuple(step for step in steps if step.index != event.step_index)
        step = Step(
            name=event.step_name,
            index=event.step_index,
            status=StepStatus.RUNNING,
            run_id=event.run_id,
            started_at=when if mine is None else mine.started_at,
        )
        if isinstance(event, StepComplete):
            step = replace(
                step, status=StepStatus.COMPLETED, output=event.output, completed_at=when
            )
        elif isinstance(event, StepFail):
            step = replace(step, status=StepStatus.FAILED, error=event.error, completed_at=when)
        self.steps[event.run_id] = tuple(sorted((*others, step), key=lambda step: step.index))

    def _put(self, at: float, run: Run) -> None:
        known = self.runs.get(run.id)
        if known is not None and known.status is not run.status:
            self._since[known.job_name, known.status] -= 1
            self._since[run.job_name, run.status] += 1
        self.runs[run.id] = run
        self._heard[run.id] = at

    def _forget_before(self, at: float, page: tuple[Run, ...]) -> None:
        """What a first page does not have any more was deleted while the stream was not there."""
        oldest = min(run.created_at or DAWN for run in page)
        there = {run.id for run in page}
        gone = [
            run.id
            for run in self.runs.values()
            if run.id not in there
            and (run.created_at or DAWN) > oldest
            and self._heard.get(run.id, at) < self.gap_at
        ]
        for run_id in gone:
            del self.runs[run_id]
            self.steps.pop(run_id, None)

    # -- answering -------------------------------------------------------------------------

    def found(self, query: RunsQuery) -> list[Run]:
        """The runs of a query, newest first."""
        matching = self._matching(query)
        matching.sort(key=_age, reverse=True)
        if query.after is not None:
            matching = [run for run in matching if _age(run) < query.after]
        offset = max(0, query.offset)
        return matching[offset : offset + max(0, query.limit)]

    def count(self, query: RunsQuery) -> int:
        """How many runs fit a query."""
        return len(self._matching(query))

    def figures(self) -> Stats | None:
        """The figures that the server told last, with the runs by status as they are now."""
        if self.stats is None:
            return None
        at_work = Counter((run.job_name, run.status) for run in self.runs.values())

        def counts(job: JobFigures) -> dict[RunStatus, int]:
            now = {
                status: count + self._since[job.job_name, status]
                for status, count in (dict.fromkeys(_ENDS, 0) | job.counts).items()
            }
            # Of those that are pending or running every one is known.
            return now | {status: at_work[job.job_name, status] for status in _UNDER_WAY}

        jobs = (replace(job, counts=counts(job)) for job in self.stats.jobs)
        return replace(self.stats, jobs=tuple(jobs))

    def _matching(self, query: RunsQuery) -> list[Run]:
        return [
            run
            for run in self.runs.values()
            if (not query.job_names or run.job_name in query.job_names)
            and (not query.statuses or run.status in query.statuses)
            and all(run.labels.get(key) == value for key, value in query.labels)
        ]

    def logs(
        self, run_id: str | None, after: str | None, before: str | None, limit: int
    ) -> list[LogEntry]:
        """Stored lines, as ``DurablyPort.get_logs`` has them."""
        found = [
            self.lines[key]
            for key in sorted(self.lines)
            if (after is None or key > after)
            and (before is None or key < before)
            and (run_id is None or self.lines[key].run_id == run_id)
        ]
        oldest = after is not None and before is None
        return found[:limit] if oldest else found[max(0, len(found) - limit) :]


def _seconds(line: LogEntry) -> float:
    return (line.timestamp or DAWN).timestamp()


def _ulid_time(seconds: float) -> str:
    """The part of a ULID that tells the time: ids made here are in order with stored ones."""
    rest, text = max(0, round(seconds * 1000)), ""
    for _ in range(10):
        rest, digit = divmod(rest, 32)
        text = _BASE32[digit] + text
    return text


def _age(run: Run) -> tuple[datetime, str]:
    return run.created_at or DAWN, run.id


def _with(run: Run, answer: Run | None) -> Run:
    """The run with what a later answer says of it and an event does not.

    Where the answer is from a later moment, only what was so before as well is taken.
    """
    if answer is None:
        return run
    if answer.status is run.status and run.is_terminal:
        return answer
    return replace(
        run,
        job_name=answer.job_name,
        input=answer.input,
        labels=answer.labels,
        created_at=answer.created_at or run.created_at,
        started_at=None if run.status is RunStatus.PENDING else answer.started_at,
        idempotency_key=answer.idempotency_key,
        concurrency_key=answer.concurrency_key,
    )
