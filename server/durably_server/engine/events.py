"""What happens in the engine, as typed events, and the bus that carries them inside one process."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypedDict, TypeVar

import msgspec
from msgspec.structs import force_setattr

from durably_server.engine.clock import Clock, iso
from durably_server.engine.model import Labels, Level, Run

logger = logging.getLogger("durably_server")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events. The bus fills in ``timestamp`` and ``sequence``."""

    type: ClassVar[str]
    run_id: str
    job_name: str
    labels: Labels
    timestamp: str = ""
    sequence: int = 0


class OfRun(TypedDict):
    """The fields by which every event names its run."""

    run_id: str
    job_name: str
    labels: Labels


def of_run(run: Run) -> OfRun:
    """``RunRetry(**of_run(run))``: an event about a run."""
    return {"run_id": run.id, "job_name": run.job_name, "labels": run.labels}


class RunTrigger(Event, frozen=True, kw_only=True):
    """A run was stored as pending."""

    type: ClassVar[str] = "run:trigger"
    input: Any


class RunCoalesced(Event, frozen=True, kw_only=True):
    """A trigger was answered with a run that was already waiting."""

    type: ClassVar[str] = "run:coalesced"
    skipped_input: Any
    skipped_labels: Labels


class RunRetry(Event, frozen=True, kw_only=True):
    """A failed or cancelled run went back to pending, and keeps its finished steps."""

    type: ClassVar[str] = "run:retry"


class RunLeased(Event, frozen=True, kw_only=True):
    """A worker has begun, or resumed, a run."""

    type: ClassVar[str] = "run:leased"
    input: Any
    lease_owner: str
    lease_expires_at: str


class RunLeaseRenewed(Event, frozen=True, kw_only=True):
    """A worker keeps a run for another lease time. Not sent over HTTP."""

    type: ClassVar[str] = "run:lease-renewed"
    lease_owner: str
    lease_expires_at: str


class RunProgress(Event, frozen=True, kw_only=True):
    """``step.progress`` was called."""

    type: ClassVar[str] = "run:progress"
    progress: Mapping[str, Any]


class RunComplete(Event, frozen=True, kw_only=True):
    """A run has ended well; ``duration`` is the milliseconds of this attempt."""

    type: ClassVar[str] = "run:complete"
    output: Any
    duration: int


class RunFail(Event, frozen=True, kw_only=True):
    """A run has failed."""

    type: ClassVar[str] = "run:fail"
    error: str
    failed_step_name: str


class RunCancel(Event, frozen=True, kw_only=True):
    """A run was cancelled."""

    type: ClassVar[str] = "run:cancel"


class RunDelete(Event, frozen=True, kw_only=True):
    """A run was deleted, with its steps and logs."""

    type: ClassVar[str] = "run:delete"


class StepStart(Event, frozen=True, kw_only=True):
    """A step begins; steps that an earlier attempt finished are silent."""

    type: ClassVar[str] = "step:start"
    step_name: str
    step_index: int


class StepComplete(Event, frozen=True, kw_only=True):
    """A step is finished and its checkpoint is stored; ``duration`` in milliseconds."""

    type: ClassVar[str] = "step:complete"
    step_name: str
    step_index: int
    output: Any
    duration: int


class StepFail(Event, frozen=True, kw_only=True):
    """A step has raised."""

    type: ClassVar[str] = "step:fail"
    step_name: str
    step_index: int
    error: str


class StepCancel(Event, frozen=True, kw_only=True):
    """A step was under way when its run was cancelled."""

    type: ClassVar[str] = "step:cancel"
    step_name: str
    step_index: int


class LogWrite(Event, frozen=True, kw_only=True):
    """A job wrote a log line. ``data`` is the JSON value, or ``has_data`` is false."""

    type: ClassVar[str] = "log:write"
    step_name: str | None
    level: Level
    message: str
    data: Any
    has_data: bool


EventT = TypeVar("EventT", bound=Event)
Listener = Callable[[Event], None]
Unsubscribe = Callable[[], None]

ENDS_A_RUN = frozenset({"run:complete", "run:fail", "run:cancel", "run:delete"})
"""After one of these a stream about one run is over."""


class EventBus:
    """Calls listeners in order, on the event loop's thread; none of them can break the engine."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sequence = 0
        # By type and by run, so that a thousand waiters do not each look at every event. The
        # tuples are made anew on each change, and so never change under an event on its way.
        self._by_type: dict[str | None, _Listeners] = {}
        self._by_run: dict[str, _Listeners] = {}

    def on(self, event_type: str | None, listener: Listener) -> Unsubscribe:
        """Call ``listener`` for each event of a type, or for all of them; answers how to stop."""
        return _add(self._by_type, event_type, listener)

    def on_run(self, run_id: str, listener: Listener) -> Unsubscribe:
        """Call ``listener`` for each event of one run; answers how to stop."""
        return _add(self._by_run, run_id, listener)

    def emit(self, event: EventT) -> EventT:
        """Stamp a new event with time and sequence, and hand it to everyone who listens."""
        self._sequence += 1
        # It was made for this call and nobody has seen it: a stamped copy would cost more than it.
        force_setattr(event, "timestamp", iso(self._clock()))
        force_setattr(event, "sequence", self._sequence)
        by_type = self._by_type
        listeners = by_type.get(None, _NOBODY) + by_type.get(event.type, _NOBODY)
        for listener, _ in listeners + self._by_run.get(event.run_id, _NOBODY):
            try:
                listener(event)
            except Exception:
                logger.exception("A listener for %s raised", event.type)
        return event


_Listeners = tuple[tuple[Listener, object], ...]
_NOBODY: _Listeners = ()
_Place = TypeVar("_Place")


def _add(listeners: dict[_Place, _Listeners], place: _Place, listener: Listener) -> Unsubscribe:
    mine = (listener, object())  # the same function may listen twice
    listeners[place] = (*listeners.get(place, ()), mine)

    def unsubscribe() -> None:
        rest = tuple(each for each in listeners.get(place, ()) if each is not mine)
        if rest:
            listeners[place] = rest
        else:
            listeners.pop(place, None)

    return unsubscribe


def replay(run: Run, timestamp: str) -> list[Event]:
    """The state of a run as the events that a late subscriber has missed (protocol.md, /subscribe).

    ``sequence`` and ``duration`` are 0, since a run does not keep them. A pending run has none.
    An end is dated when it was, what goes on when it is told.
    """
    known = of_run(run)
    ended = run.completed_at or timestamp
    match run.status:
        case "pending":
            return []
        case "leased":
            found: list[Event] = [
                RunLeased(
                    **known,
                    timestamp=timestamp,
                    input=run.input,
                    lease_owner=run.lease_owner or "",
                    lease_expires_at=run.lease_expires_at or "",
                )
            ]
            if run.progress is not None:
                found.append(RunProgress(**known, timestamp=timestamp, progress=run.progress))
            return found
        case "completed":
            return [RunComplete(**known, timestamp=ended, output=run.output, duration=0)]
        case "failed":
            error = run.error or "Unknown error"
            return [RunFail(**known, timestamp=ended, error=error, failed_step_name="")]
        case "cancelled":
            return [RunCancel(**known, timestamp=ended)]
