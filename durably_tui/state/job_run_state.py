"""What is known of one run, as frozen data."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    Connection,
    DurablyError,
    LogEntry,
    Phase,
    Progress,
    Run,
    RunStatus,
    Step,
    StepStatus,
)

from .account import SeenEvent
from .history import RunHistory
from .log_join import LogJoin
from .steps import merge_steps
from .trail import Trail

_ENDS = {
    RunStatus.COMPLETED: StepStatus.COMPLETED,
    RunStatus.FAILED: StepStatus.FAILED,
    RunStatus.CANCELLED: StepStatus.CANCELLED,
}


class StepsMemo:
    """The steps as they were last put together, handed on from state to state: with thousands of
    them it is worth not doing it again for each log line."""

    __slots__ = ("inputs", "steps")

    def __init__(self) -> None:
        self.inputs: tuple[object, ...] = ()
        self.steps: tuple[Step, ...] = ()


class JobRunState(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One run: what the server has of it, joined with what was seen on the streams."""

    run_id: str
    current: Run
    """The run as it is by now; only its id, job and status mean something until ``described``."""
    overlay: RunStatus | None = None
    """What the run is shown as while the server is asked to make it that."""
    described: bool = False
    """Whether the server has described the run."""
    settled: bool = False
    """The run has ended and the server has described its end: nothing more will come."""
    is_gone: bool = False
    """The server has no such run: deleted, or never there."""
    server_steps: tuple[Step, ...] = ()
    """The steps that the server told of, those included that it threw away since."""
    own: RunHistory
    """What the run's own stream brought."""
    seen: RunHistory | None = None
    """What the feed brought."""
    complete: bool = False
    """Whether steps and logs are all that there ever were: watched from the first event, no gap."""
    memo: StepsMemo = msgspec.field(default_factory=StepsMemo)
    before: tuple[SeenEvent, ...] = ()
    """What the feed had brought when the own stream was opened."""
    lines: LogJoin = LogJoin()
    connection: Connection = Connection()
    """How the run's own stream is doing."""
    lost_at: float | None = None
    """When something last came on it, while it is lost; in seconds since the epoch."""
    losses: tuple[tuple[float, float], ...] = ()
    """Times for which it was lost and after which it did not go on where it was."""
    mending: bool = False
    """Log lines that may be missing are fetched, or will be once the streams are there again."""
    filled: frozenset[tuple[float, float]] = frozenset()
    """Gaps whose log lines were fetched."""
    is_loading: bool = False
    """A request about this run is under way."""
    needs_fetch: bool = False
    """Something happened that only an answer of the server can tell whole."""
    fault: DurablyError | None = None
    """Why the last request about this run failed."""
    fetched_at: float | None = None
    """When the server last described the run, in seconds since the epoch."""

    @property
    def run(self) -> Run | None:
        """The whole run, or None until the server has described it."""
        return self._shown if self.described else None

    @functools.cached_property
    def _shown(self) -> Run:
        if self.overlay is None:
            return self.current
        return replace(self.current, status=self.overlay)

    @property
    def status(self) -> RunStatus:
        """The status by now. A run that is not known yet counts as pending."""
        return self.current.status if self.overlay is None else self.overlay

    @property
    def is_known(self) -> bool:
        """Whether anybody has told anything about the run yet."""
        return (
            self.described
            or self.own.status is not None
            or (self.seen is not None and self.seen.status is not None)
        )

    @property
    def output(self) -> Any:
        """What the run gave, as JSON values; None until it completed."""
        return self.current.output

    @property
    def error(self) -> str | None:
        """Why the run failed, in the job's words."""
        return self.current.error

    @property
    def progress(self) -> Progress | None:
        """How far the run says it is."""
        return self.current.progress

    @property
    def logs(self) -> Trail[LogEntry]:
        """Every line that was seen, in order; bounded by ``HistoryLimits.lines``."""
        return self.lines.logs

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of their start; those that were seen are ``ObservedStep``."""
        own, seen, memo = self.own, self.seen, self.memo
        inputs = (
            self.server_steps,
            own.ended_steps,
            own.open_steps,
            *((seen.ended_steps, seen.open_steps) if seen is not None else ()),
            self.status,
        )
        if len(inputs) != len(memo.inputs) or any(
            new is not old for new, old in zip(inputs, memo.inputs, strict=True)
        ):
            memo.inputs, memo.steps = inputs, self._merged_steps()
        return memo.steps

    def _merged_steps(self) -> tuple[Step, ...]:
        seen = self.seen.steps if self.seen is not None else ()
        steps = merge_steps(self.server_steps, self.own.steps, seen)
        ended = _ENDS.get(self.status)
        if ended is None:
            return steps
        # The end of a step was lost, the end of the run was not.
        return tuple(
            replace(step, status=ended) if step.status is StepStatus.RUNNING else step
            for step in steps
        )

    @property
    def step_name(self) -> str | None:
        """The step that is running now, the last to start where there are several."""
        if self.status is not RunStatus.RUNNING:
            return None
        told = self.own if self.own.open_steps or self.own.ended_steps else self.seen
        return told.open_steps[-1].name if told is not None and told.open_steps else None

    @functools.cached_property
    def events(self) -> tuple[SeenEvent, ...]:
        """Every event as it came: on the feed until the own stream was open, then on that."""
        if not self.own.is_empty:
            return (*self.before, *self.own.events)
        return tuple(self.seen.events) if self.seen is not None else ()

    @property
    def watched_since(self) -> float | None:
        """When the first event of this run was seen, in seconds since the epoch."""
        told = self.seen or self.own
        return None if told.is_empty else told.first_seen

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Times between which log lines may have been lost, in seconds since the epoch. Where the
        server has stored them, they are fetched first."""
        if self.mending:
            return ()
        told = self.own if self.seen is None else self.seen
        # Where nothing was told of the run since, its last lines may be lost as well.
        unheard = [lost for lost in self.losses if lost[1] >= told.last_seen]
        if not unheard and not self.filled:
            return told.gaps
        return tuple(sorted({*told.gaps, *unheard} - self.filled))

    @property
    def wants_lines(self) -> bool:
        """Whether log lines are to be fetched: some may be missing, and the own stream is there,
        or over, so that none is written unseen after the answer."""
        return self.lines.is_torn and self.connection.phase in (Phase.LIVE, Phase.ENDED)
