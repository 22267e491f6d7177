"""Every event of both generations, as typed frozen data.

A class is one word of the stream; older words for the same thing (``run:start``) decode into the
class of the newer one. ``/runs/subscribe`` sends fewer fields than ``/subscribe``, so all but the
run's id may be absent. Match on the class::

    match event:
        case RunProgress(progress=progress): ...
        case RunFail(error=error): ...
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NoReturn

import msgspec

from .models import LogEntry, LogLevel, Progress

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: one without cannot be compared, so it counts as of a wrong type."""

EXTRA = "(extra)"
"""What ``Event.extra`` is called where events are written as fields: no server has a field of that
name, so one that is called ``extra`` on the wire is found out as any other that nobody knows."""


class _Nothing(dict[str, Any]):
    """An empty dict that nobody can put anything into, so that all events can share one: to make
    one for each would cost a tenth of decoding it, and as much again in the garbage collector."""

    def _refuse(self, *given: object, **named: object) -> NoReturn:
        raise TypeError("events are frozen: copy the dict first")

    __setitem__ = __ior__ = setdefault = update = _refuse


_NOTHING = _Nothing()


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    tag_field="type",
    rename="camel",
    forbid_unknown_fields=True,
):
    """What all events share. ``job_name`` is empty where 0.8 leaves it out (``log:write``)."""

    run_id: str
    job_name: str = ""
    labels: dict[str, str] = {}
    timestamp: Moment | None = None
    sequence: int | None = None
    """Counts up per server process; 0 in the synthetic replay of a ``/subscribe``."""
    extra: dict[str, Any] = msgspec.field(default=_NOTHING, name=EXTRA)
    """Fields that no generation known here has."""

    @property
    def type(self) -> str:
        """The word of the newest generation, such as ``run:leased``."""
        return str(self.__struct_config__.tag)


class RunTrigger(Event, frozen=True, kw_only=True, gc=False, tag="run:trigger"):
    """A run was created."""

    input: Any = None


class RunCoalesced(Event, frozen=True, kw_only=True, gc=False, tag="run:coalesced"):
    """A trigger joined this pending run instead of making a new one (0.15)."""

    skipped_input: Any = None
    skipped_labels: dict[str, str] = {}


class RunStart(Event, frozen=True, kw_only=True, gc=False, tag="run:leased"):
    """A worker took the run: ``run:leased``, in 0.8 ``run:start``."""

    input: Any = None
    lease_owner: str | None = None
    lease_expires_at: Moment | None = None


class RunLeaseRenewed(Event, frozen=True, kw_only=True, gc=False, tag="run:lease-renewed"):
    """The worker still has the run."""

    lease_owner: str | None = None
    lease_expires_at: Moment | None = None


class RunProgress(Event, frozen=True, kw_only=True, gc=False, tag="run:progress"):
    """The run says how far it is; at most one each 100 ms, the last one always."""

    progress: Progress | None = None


class RunComplete(Event, frozen=True, kw_only=True, gc=False, tag="run:complete"):
    """The run ended well. ``duration`` is in ms."""

    output: Any = None
    duration: float | None = None


class RunFail(Event, frozen=True, kw_only=True, gc=False, tag="run:fail"):
    """The run ended with an error."""

    error: str | None = None
    failed_step_name: str | None = None
    duration: float | None = None


class RunCancel(Event, frozen=True, kw_only=True, gc=False, tag="run:cancel"):
    """Somebody cancelled the run."""


class RunDelete(Event, frozen=True, kw_only=True, gc=False, tag="run:delete"):
    """The run is gone."""


class RunRetry(Event, frozen=True, kw_only=True, gc=False, tag="run:retry"):
    """The same run is pending again (0.8)."""


class StepStart(Event, frozen=True, kw_only=True, gc=False, tag="step:start"):
    """A step began."""

    step_name: str
    step_index: int = 0


class StepComplete(Event, frozen=True, kw_only=True, gc=False, tag="step:complete"):
    """A step is finished and will never run again. ``duration`` is in ms."""

    step_name: str
    step_index: int = 0
    output: Any = None
    duration: float | None = None


class StepFail(Event, frozen=True, kw_only=True, gc=False, tag="step:fail"):
    """A step raised."""

    step_name: str
    step_index: int = 0
    error: str | None = None
    duration: float | None = None


class StepCancel(Event, frozen=True, kw_only=True, gc=False, tag="step:cancel"):
    """A step was cut short by a cancel."""

    step_name: str
    step_index: int = 0


class LogWrite(Event, frozen=True, kw_only=True, gc=False, tag="log:write"):
    """A run wrote a log line."""

    message: str
    level: str = "info"
    step_name: str | None = None
    data: Any = None

    def entry(self, received: datetime | None = None) -> LogEntry:
        """The line as a log entry, dated ``received`` where the server gave no time."""
        return LogEntry(
            run_id=self.run_id,
            message=self.message,
            level=_LEVELS.get(self.level, _UNKNOWN),
            step_name=self.step_name,
            data=self.data,
            job_name=self.job_name,
            timestamp=self.timestamp or received,
        )


class Gap(Event, frozen=True, kw_only=True, gc=False, tag="gap"):
    """Events are missing at this place of the stream (Durably's Python server): fetch again."""

    run_id: str = ""
    """Empty: it is about the stream, not about a run."""
    reason: str = ""
    """``slow``, ``expired`` (the server has forgotten them) or ``unknown`` (it was restarted)."""


_LEVELS = {level.value: level for level in LogLevel}
_UNKNOWN = LogLevel.UNKNOWN


class UnknownEvent(Event, frozen=True, kw_only=True, gc=False, tag=False):
    """A word that no generation known here has; all of its own fields are in ``extra``."""

    word: str

    @property
    def type(self) -> str:
        """The word as it came."""
        return self.word


class RunStart08(RunStart, frozen=True, kw_only=True, gc=False, tag="run:start"):
    """How 0.8 writes ``run:leased``; decoding turns it into a ``RunStart``."""

    payload: Any = None


KNOWN: tuple[type[Event], ...] = (
    RunTrigger,
    RunCoalesced,
    RunStart,
    RunLeaseRenewed,
    RunProgress,
    RunComplete,
    RunFail,
    RunCancel,
    RunDelete,
    RunRetry,
    StepStart,
    StepComplete,
    StepFail,
    StepCancel,
    LogWrite,
    Gap,
    RunStart08,
)
"""Every class that a word of the wire decodes into."""
