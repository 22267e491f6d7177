"""What a log line looks like: time, level, run and step, then what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from durably_tui.protocol.models import LogLevel
from durably_tui.state.log_block import Line
from durably_tui.state.log_pattern import LogPattern
from durably_tui.text import TimeStyle, ago, cells, drop_cells, fit, moment, safe

from .json_lines import json_lines, text_lines
from .line_view import Span, Spans
from .look import LEVEL_STYLES

_MESSAGE_STYLES = {LogLevel.WARN: "warn-text", LogLevel.ERROR: "error-text"}
_DATA_LIMIT = 2_000
_LEVEL_CELLS = 5
_RUN_CELLS = 18
_ID_CELLS = 5
_CLOCK_CELLS = 12
_SECONDS_CELLS = 8
_LEAST_ROOM = 24
"""Cells for the message below which what stands before it is cut short."""
_GAP = "  "


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How a log line is laid out."""

    width: int
    times: TimeStyle = TimeStyle.LOCAL
    dated: bool = False
    """Whether times have their day, as not all are of today."""
    show_run: bool = False
    """Whether each line says which run it is of."""
    show_step: bool = True
    """Whether there is a column for the name of the step; where no line has one, there is not."""

    @property
    def is_narrow(self) -> bool:
        """Whether there is no room for milliseconds and names of jobs."""
        before = (self._time_cells(_CLOCK_CELLS), _LEVEL_CELLS, self.show_run * _RUN_CELLS)
        return self.width - _taken(before) < _LEAST_ROOM

    def _time_cells(self, clock: int) -> int:
        if self.times is TimeStyle.OFF:
            return 0
        if self.times is TimeStyle.RELATIVE:
            return 4
        return clock + (6 if self.dated else 0) + (self.times is TimeStyle.UTC)

    @property
    def time_cells(self) -> int:
        """The cells for the time."""
        return self._time_cells(_SECONDS_CELLS if self.is_narrow else _CLOCK_CELLS)

    @property
    def run_cells(self) -> int:
        """The cells for the run: its job and the end of its id, or that alone."""
        return self.show_run * (_ID_CELLS if self.is_narrow else _RUN_CELLS)

    @property
    def step_cells(self) -> int:
        """The cells for the name of the step; none on a narrow screen."""
        if not self.show_step:
            return 0
        width = self.width - self.show_run * _RUN_CELLS
        return 0 if width < 64 else 12 if width < 100 else 16 if width < 150 else 24

    @property
    def room(self) -> int:
        """The cells for the message."""
        before = (self.time_cells, _LEVEL_CELLS, self.run_cells, self.step_cells)
        return max(1, self.width - _taken(before))


def _taken(parts: Iterable[int]) -> int:
    """The cells of columns, with the one before them and the gaps behind them."""
    return 1 + sum(part + len(_GAP) for part in parts if part)


def time_text(at: float | None, style: LineStyle, now: float) -> str:
    """When a line was written (seconds since the epoch), in ``style.time_cells`` cells."""
    if at is None or style.times is TimeStyle.OFF:
        return " " * style.time_cells
    if style.times is TimeStyle.RELATIVE:
        return fit(ago(now - at), style.time_cells, "right")
    utc = style.times is TimeStyle.UTC
    there = datetime.fromtimestamp(at, UTC)
    if not utc:
        with suppress(OverflowError, ValueError):  # of the first or the last day that there is
            there = there.astimezone()
    day = f"{there:%m-%d} " if style.dated else ""
    part = "" if style.is_narrow else f".{there.microsecond // 1000:03}"
    return f"{day}{there:%H:%M:%S}{part}{'Z' if utc else ''}"


def is_of_another_day(at: float, now: float) -> bool:
    """Whether a time is not of today, here; both in seconds since the epoch."""
    try:
        return datetime.fromtimestamp(at).date() != datetime.fromtimestamp(now).date()
    except (OverflowError, ValueError, OSError):
        return True


def head_spans(line: Line, style: LineStyle, now: float, sought: LogPattern | None = None) -> Spans:
    """What stands before the message: time, level, run, step."""
    pattern = None if sought is None else sought.regex
    spans: list[Span] = [(" ", "text")]
    if style.time_cells:
        spans += [(time_text(line.at, style, now), "muted"), (_GAP, "text")]
    named = pattern if sought is not None and line.level in sought.levels else None
    level = fit(line.level.value, _LEVEL_CELLS)
    spans += [*_lit_word(level, LEVEL_STYLES[line.level], named), (_GAP, "text")]
    if style.show_run:
        name = fit(safe(line.source.job_name, limit=40), _RUN_CELLS - _ID_CELLS - 1)
        ends = f"…{fit(safe(line.source.run_id[-4:]), 4)}"
        run = ends if style.is_narrow else f"{name} {ends}"
        spans += [*_lit_word(run, "accent", pattern), (_GAP, "text")]
    if style.step_cells:
        name = fit(safe(line.step_name, limit=style.step_cells + 1), style.step_cells)
        spans += [*_lit_word(name, "muted", pattern), (_GAP, "text")]
    return tuple(spans)


def _lit_word(text: str, style: str, pattern: re.Pattern[str] | None) -> Spans:
    return ((text, style),) if pattern is None else lit(((text, style),), pattern)


def body_spans(
    line: Line, limit: int, pattern: re.Pattern[str] | None, *, keep_newlines: bool = False
) -> Spans:
    """The message and the data of a line, at most about ``limit`` cells, matches lit."""
    message = safe(line.message, limit=limit, keep_newlines=keep_newlines)
    spans: list[Span] = [(message, _MESSAGE_STYLES.get(line.level, "text"))]
    if line.data:
        spans += [("  ", "text"), (safe(line.data, limit=min(limit, _DATA_LIMIT)), "muted")]
    return lit(spans, pattern) if pattern is not None else tuple(spans)


def data_lines(data: str, width: int, most: int) -> list[Spans]:
    """Data, JSON on one line, as at most ``most`` lines; the last says if there are more."""
    try:
        made = json_lines(json.loads(data), width)
    except (ValueError, RecursionError):
        made = text_lines(data, width)  # it is cut, or too deep
    lines = list(islice(made, most + 1))
    return lines if len(lines) <= most else [*lines[: most - 1], (("…", "muted"),)]


def gap_spans(line: Line, style: LineStyle, now: float) -> Spans:
    """What stands where lines may be missing."""
    since, until = (datetime.fromtimestamp(at, UTC) for at in json.loads(line.data))
    times = TimeStyle.UTC if style.times is TimeStyle.UTC else TimeStyle.LOCAL
    return (
        (" ", "text"),
        (
            f"log lines from {moment(since, times, now)} to {moment(until, times, now)} "
            "may be lost",
            "warn",
        ),
    )


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
