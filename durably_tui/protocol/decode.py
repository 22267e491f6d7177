"""Tolerant decoding: what is known becomes typed data, the rest is kept and counted.

Each word that changed between the generations is decided by itself from what is seen. A frame or
a record that cannot be read is counted and skipped; nothing here raises for what a server says,
except ``Malformed`` where the whole of a single answer is unusable.

The quick way is one strict msgspec call that refuses unknown fields; only what it refuses is read
again, field by field.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from .events import KNOWN, Event, RunStart, RunStart08, UnknownEvent
from .log_wire import WireLog, many_logs
from .models import LogEntry, Run, Step, Triggered
from .overview import JobInfo, Stats
from .overview_wire import WireFigures, WireJob, many_jobs
from .run_wire import WireRun, WireStep, many_runs, many_steps, one_run, one_triggered
from .times import is_far, moment

StructT = TypeVar("StructT", bound=msgspec.Struct)

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_MAX_NAMES = 100
_SURROGATES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class Malformed(ValueError):
    """An answer that is not what its route answers; the text says what was wrong."""


class Tally:
    """What a decoder met that it did not know. Counts only; bounded by ``_MAX_NAMES`` names."""

    def __init__(self) -> None:
        self.malformed = 0
        self.unknown_events: Counter[str] = Counter()
        self.unknown_fields: Counter[str] = Counter()

    def field(self, name: str) -> None:
        """Count a field that no generation has."""
        self._count(self.unknown_fields, name)

    def event(self, word: str) -> None:
        """Count an event that no generation has."""
        self._count(self.unknown_events, word)

    @staticmethod
    def _count(names: Counter[str], name: str) -> None:
        known = name in names or len(names) < _MAX_NAMES
        names[name[:200] if known else "(others)"] += 1


_BY_WORD: dict[str, type[Event]] = {str(cls.__struct_config__.tag): cls for cls in KNOWN}

_ANY_EVENT: Any = functools.reduce(operator.or_, KNOWN)
_one_event: msgspec.json.Decoder[Event] = msgspec.json.Decoder(_ANY_EVENT)
_many_events: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(list[_ANY_EVENT])
_TIMESTAMP = operator.attrgetter("timestamp")
_anything = msgspec.json.Decoder()


class Decoder:
    """Decodes the answers and frames of one server and keeps the tally of what was unknown."""

    def __init__(self) -> None:
        self.tally = Tally()

    # -- streams ---------------------------------------------------------------------------

    def events(self, frames: Sequence[bytes]) -> list[Event]:
        """The events in ``frames``, in order; a frame that cannot be read is left out."""
        if not frames:
            return []
        quick: list[Event] = []
        # One call for a whole burst: half the cost of one call a frame. No string can reach over
        # a raw line end, and the count tells when two broken frames would have made a whole one.
        with contextlib.suppress(*_UNREADABLE):
            quick = _many_events.decode(b"[" + b",\n".join(frames) + b"]")
        if len(quick) != len(frames):
            slow = (self._slow_event(frame) for frame in frames)
            quick = [event for event in slow if event is not None]
        if any(map(is_far, filter(None, map(_TIMESTAMP, quick)))):
            quick = [self._without_far_time(event) for event in quick]
        if RunStart08 not in map(type, quick):
            return quick
        return [_lift(event) if type(event) is RunStart08 else event for event in quick]

    def event(self, frame: bytes) -> Event | None:
        """The event in one frame, or None where it cannot be read."""
        events = self.events((frame,))
        return events[0] if events else None

    def _slow_event(self, frame: bytes) -> Event | None:
        frame = _without_lone_surrogates(frame)
        with contextlib.suppress(*_UNREADABLE):
            return _one_event.decode(frame)
        try:
            fields = _anything.decode(frame)
        except _UNREADABLE:
            self.tally.malformed += 1
            return None
        if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
            self.tally.malformed += 1
            return None
        word: str = fields.pop("type")
        cls = _BY_WORD.get(word)
        if cls is None:
            self.tally.event(word)
            fields.setdefault("runId", "")
        known, extra = self._split(cls or Event, fields, count_fields=cls is not None)
        if known is None:
            return None
        if cls is None:
            return UnknownEvent(word=word, **known, extra=extra)
        return cls(**known, extra=extra)

    def _without_far_time(self, event: Event) -> Event:
        """The event, with a time that nobody can reckon with as a field like any other."""
        at = event.timestamp
        if at is None or not is_far(at):
            return event
        self.tally.malformed += 1
        extra = event.extra | {"timestamp": at.isoformat()}
        return msgspec.structs.replace(event, timestamp=None, extra=extra)

    # -- answers ---------------------------------------------------------------------------

    def runs(self, body: bytes) -> list[Run]:
        """The runs of ``GET /runs``; a run that cannot be read is counted and left out.

        Raises:
            Malformed: the answer is not a JSON array.
        """
        return [
            wire.lifted(extra)
            for wire, extra in self._records(body, WireRun, many_runs, "a list of runs")
        ]

    def run(self, body: bytes) -> Run:
        """The run of ``GET /run``.

        Raises:
            Malformed: the answer is not a run.
        """
        try:
            return one_run.decode(body).lifted({})
        except _UNREADABLE:
            pass
        fields = _parse(body)
        if isinstance(fields, dict):
            found = self._record(WireRun, fields)
            if found is not None:
                wire, extra = found
                return wire.lifted(extra)
        raise Malformed("the answer is not a run")

    def steps(self, body: bytes) -> list[Step]:
        """The steps of ``GET /steps``, by index.

        Raises:
            Malformed: the answer is not a JSON array.
        """
        records = self._records(body, WireStep, many_steps, "a list of steps")
        return sorted((wire.lifted(extra) for wire, extra in records), key=lambda s: s.index)

    def triggered(self, body: bytes) -> Triggered:
        """The answer of ``POST /trigger`` and ``POST /retrigger``.

        Raises:
            Malformed: the answer names no run.
        """
        try:
            return one_triggered.decode(body).lifted()
        except _UNREADABLE:
            raise Malformed("the answer names no new run") from None

    def jobs(self, body: bytes) -> list[JobInfo]:
        """The jobs of ``GET /jobs``; one that cannot be read is counted and left out.

        Raises:
            Malformed: the answer is not a JSON array.
        """
        records = self._records(body, WireJob, many_jobs, "a list of jobs")
        return [wire.lifted(moment) for wire, _ in records]

    def logs(self, body: bytes) -> list[LogEntry]:
        """The lines of ``GET /logs``, oldest first; one that cannot be read is counted and left
        out.

        Raises:
            Malformed: the answer is not a JSON array.
        """
        records = self._records(body, WireLog, many_logs, "a list of log lines")
        return [wire.lifted(moment) for wire, _ in records]

    def stats(self, body: bytes) -> Stats:
        """The figures of ``GET /stats``; those of a job that cannot be read are left out.

        Raises:
            Malformed: the answer has no list of jobs.
        """
        fields = _parse(body)
        rows = fields.get("jobs") if isinstance(fields, dict) else None
        if not isinstance(rows, list):
            raise Malformed("the answer has no figures of jobs")
        found = (self._record(WireFigures, row) if isinstance(row, dict) else None for row in rows)
        window = fields.get("window")
        return Stats(
            window=float(window) if isinstance(window, int | float) else 0.0,
            jobs=tuple(record[0].lifted(moment) for record in found if record is not None),
        )

    # -- field by field --------------------------------------------------------------------

    def _records(
        self, body: bytes, cls: type[StructT], quick: msgspec.json.Decoder[list[StructT]], what: str
    ) -> list[tuple[StructT, dict[str, Any]]]:
        try:
            return [(wire, {}) for wire in quick.decode(body)]
        except _UNREADABLE:
            pass
        rows = _parse(body)
        if not isinstance(rows, list):
            raise Malformed(f"the answer is not {what}")
        found = (self._record(cls, row) if isinstance(row, dict) else None for row in rows)
        read = [record for record in found if record is not None]
        self.tally.malformed += sum(not isinstance(row, dict) for row in rows)
        return read

    def _record(
        self, cls: type[StructT], fields: dict[str, Any]
    ) -> tuple[StructT, dict[str, Any]] | None:
        known, extra = self._split(cls, fields)
        if known is None:
            return None
        return cls(**known), extra

    def _split(
        self, cls: type[msgspec.Struct], fields: dict[str, Any], *, count_fields: bool = True
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The fields that ``cls`` knows, each of its type, and the others.

        A known field of another type is dropped to its default, kept among the others and counted
        as malformed; where it has no default, the record is lost: None.
        """
        rest = dict(fields)
        known: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            if field.name == "extra":
                continue  # ours, not the wire's
            if field.encode_name not in rest:
                if field.required:
                    self.tally.malformed += 1
                    return None, {}
                continue
            value = rest.pop(field.encode_name)
            try:
                known[field.name] = msgspec.convert(value, field.type)
            except _UNREADABLE:
                if value is None and not field.required:
                    continue  # null where a value may be absent
                self.tally.malformed += 1
                if field.required:
                    return None, {}
                extra[field.encode_name] = value
        if count_fields:
            for name in rest:
                self.tally.field(name)
        return known, extra | rest


def _parse(body: bytes) -> Any:
    with contextlib.suppress(*_UNREADABLE):
        return _anything.decode(body)
    # One bad character in one run must not hide all the others.
    try:
        return _anything.decode(_without_lone_surrogates(body.decode("utf-8", "replace").encode()))
    except _UNREADABLE:
        raise Malformed("the answer is not JSON") from None


def _without_lone_surrogates(text: bytes) -> bytes:
    r"""JSON with U+FFFD for each half of a ``\uD83D\uDE00`` pair that stands alone.

    JavaScript writes one wherever a string was cut inside an emoji; msgspec refuses all of it.
    """
    return _SURROGATES.sub(lambda found: found[1] or rb"\ufffd", text)


def _lift(old: RunStart08) -> RunStart:
    return RunStart(
        run_id=old.run_id,
        job_name=old.job_name,
        labels=old.labels,
        timestamp=old.timestamp,
        sequence=old.sequence,
        extra=old.extra,
        input=old.payload if old.input is None else old.input,
        lease_owner=old.lease_owner,
        lease_expires_at=old.lease_expires_at,
    )
