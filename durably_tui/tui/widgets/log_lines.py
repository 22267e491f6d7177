"""Log entries kept in a bounded row, filtered and searched, and what one of them looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from durably_tui.protocol.models import LogEntry, LogLevel
from durably_tui.text import TimeStyle, ago, cells, compact_json, drop_cells, fit, safe

from .line_view import Span, Spans
from .look import LEVEL_STYLES

_RANKS = {LogLevel.INFO: 0, LogLevel.UNKNOWN: 1, LogLevel.WARN: 1, LogLevel.ERROR: 2}
_MESSAGE_STYLES = {LogLevel.WARN: "warn-text", LogLevel.ERROR: "error-text"}
_DATA_LIMIT = 2_000
_LEVEL_CELLS = 5
_RUN_CELLS = 18
_GAP = "  "


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A search as people type it: a regular expression, else the text itself.

    Case matters only where the pattern has a capital.
    """
    flags = 0 if any(char.isupper() for char in pattern) else re.IGNORECASE
    try:
        return re.compile(pattern, flags)
    except re.error:
        return re.compile(re.escape(pattern), flags)


def matches(entry: LogEntry, pattern: re.Pattern[str]) -> bool:
    """Whether a pattern is found in an entry's message, its step's name or its data."""
    return bool(
        pattern.search(entry.message)
        or (entry.step_name and pattern.search(entry.step_name))
        or (entry.data is not None and pattern.search(compact_json(entry.data, _DATA_LIMIT)))
    )


def at_least(entry: LogEntry, level: LogLevel) -> bool:
    """Whether an entry is as grave as a level. A level that nobody knows counts as a warning."""
    return _RANKS[entry.level] >= _RANKS[level]


class LogLines:
    """The last entries of a log, each with a number that stays its own, and which are shown."""

    def __init__(self, capacity: int) -> None:
        """Keep about ``capacity`` entries: the oldest go in lots, to make going cheap."""
        self.capacity = capacity
        self.dropped = 0
        """How many entries went as there were too many; also the number of the oldest kept."""
        self._entries: list[LogEntry] = []
        self._keep: Callable[[LogEntry], bool] | None = None
        self._shown: list[int] = []

    def __len__(self) -> int:
        return len(self._entries if self._keep is None else self._shown)

    def number(self, index: int) -> int:
        """The number of the entry that is shown at an index."""
        return self.dropped + index if self._keep is None else self._shown[index]

    def entry(self, index: int) -> LogEntry:
        """The entry that is shown at an index."""
        return self._entries[self.number(index) - self.dropped]

    @property
    def kept(self) -> Sequence[LogEntry]:
        """Every entry, shown or not."""
        return self._entries

    def extend(self, entries: Iterable[LogEntry]) -> int:
        """Add entries. Answers how many shown ones went at the front."""
        start = len(self._entries)
        self._entries.extend(entries)
        if (keep := self._keep) is not None:
            first = self.dropped + start
            fresh = self._entries[start:]
            self._shown += [first + at for at, entry in enumerate(fresh) if keep(entry)]
        if len(self._entries) <= self.capacity + self.capacity // 16:
            return 0
        gone = len(self._entries) - self.capacity
        del self._entries[:gone]
        self.dropped += gone
        if self._keep is None:
            return min(gone, start)
        hidden = sum(1 for _ in self._before(self.dropped))
        del self._shown[:hidden]
        return hidden

    def _before(self, number: int) -> Iterator[int]:
        for shown in self._shown:
            if shown >= number:
                return
            yield shown

    def show_only(self, keep: Callable[[LogEntry], bool] | None) -> None:
        """Show the entries that ``keep`` accepts; all of them for None."""
        self._keep = keep
        first = self.dropped
        self._shown = (
            []
            if keep is None
            else [first + at for at, entry in enumerate(self._entries) if keep(entry)]
        )

    def clear(self) -> None:
        """Forget everything."""
        self.dropped = 0
        self._entries.clear()
        self._shown.clear()


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How a log line is laid out."""

    width: int
    times: TimeStyle = TimeStyle.LOCAL
    dated: bool = False
    """Whether times have their day, as not all are of today."""
    show_run: bool = False
    """Whether each line says which run it is of."""

    @property
    def time_cells(self) -> int:
        """The cells for the time."""
        if self.times is TimeStyle.OFF:
            return 0
        if self.times is TimeStyle.RELATIVE:
            return 4
        return 12 + (6 if self.dated else 0) + (self.times is TimeStyle.UTC)

    @property
    def step_cells(self) -> int:
        """The cells for the name of the step; none on a narrow screen."""
        return 0 if self.width < 64 else 12 if self.width < 100 else 16 if self.width < 150 else 24

    @property
    def room(self) -> int:
        """The cells for the message."""
        before = (self.time_cells, _LEVEL_CELLS, self.show_run * _RUN_CELLS, self.step_cells)
        return max(1, self.width - 1 - sum(part + len(_GAP) for part in before if part))


def time_text(entry: LogEntry, style: LineStyle, now: float) -> str:
    """When an entry was written, in ``style.time_cells`` cells."""
    at = entry.timestamp
    if at is None or style.times is TimeStyle.OFF:
        return " " * style.time_cells
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if style.times is TimeStyle.RELATIVE:
        return fit(ago(now - at.timestamp()), style.time_cells, "right")
    utc = style.times is TimeStyle.UTC
    try:
        there = at.astimezone(UTC if utc else None)
    except (OverflowError, ValueError):
        there = at
    day = f"{there:%m-%d} " if style.dated else ""
    return f"{day}{there:%H:%M:%S}.{there.microsecond // 1000:03}{'Z' if utc else ''}"


def is_of_another_day(at: datetime, now: float) -> bool:
    """Whether a time is not of today, here."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    try:
        return at.astimezone().date() != datetime.fromtimestamp(now, UTC).astimezone().date()
    except (OverflowError, ValueError, OSError):
        return True


def head_spans(entry: LogEntry, style: LineStyle, now: float) -> Spans:
    """What stands before the message: time, level, run, step."""
    spans: list[Span] = [(" ", "text")]
    if style.time_cells:
        spans += [(time_text(entry, style, now), "muted"), (_GAP, "text")]
    spans += [(fit(entry.level.value, _LEVEL_CELLS), LEVEL_STYLES[entry.level]), (_GAP, "text")]
    if style.show_run:
        name = fit(safe(entry.job_name, limit=40), _RUN_CELLS - 6)
        spans += [(f"{name} …{fit(safe(entry.run_id[-4:]), 4)}", "accent"), (_GAP, "text")]
    if style.step_cells:
        name = safe(entry.step_name or "", limit=style.step_cells + 1)
        spans += [(fit(name, style.step_cells), "muted"), (_GAP, "text")]
    return tuple(spans)


def body_spans(
    entry: LogEntry, limit: int, pattern: re.Pattern[str] | None, *, keep_newlines: bool = False
) -> Spans:
    """The message and the data of an entry, at most about ``limit`` cells, matches lit."""
    message = safe(entry.message, limit=limit, keep_newlines=keep_newlines)
    spans: list[Span] = [(message, _MESSAGE_STYLES.get(entry.level, "text"))]
    if entry.data is not None:
        spans += [("  ", "text"), (compact_json(entry.data, min(limit, _DATA_LIMIT)), "muted")]
    return lit(spans, pattern) if pattern is not None else tuple(spans)


def lit(spans: Iterable[Span], pattern: re.Pattern[str], style: str = "match") -> Spans:
    """Spans with what a pattern matches in another style, even across spans."""
    given = list(spans)
    whole = "".join(text for text, _ in given)
    edges = [match.span() for match in pattern.finditer(whole) if match.end() > match.start()]
    if not edges:
        return tuple(given)
    result: list[Span] = []
    start = 0
    for text, own in given:
        at, end = start, start + len(text)
        for first, last in edges:
            if last <= at or first >= end:
                continue
            if first > at:
                result.append((text[at - start : first - start], own))
            result.append((text[max(first, at) - start : min(last, end) - start], style))
            at = min(last, end)
        if at < end:
            result.append((text[at - start :], own))
        start = end
    return tuple(result)


def shifted(spans: Iterable[Span], cells_gone: int) -> Spans:
    """Spans without their first cells, as after scrolling to the right."""
    kept: list[Span] = []
    for text, style in spans:
        length = cells(text)
        if cells_gone >= length > 0:
            cells_gone -= length
            continue
        kept.append((drop_cells(text, cells_gone), style))
        cells_gone = 0
    return tuple(kept)
