"""Durations over time as a picture in cells: where each run stands, and what a cell shows. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from durably_tui.protocol.models import RunStatus
from durably_tui.state import RunRecord

from .look import RUN_LOOKS

_SPREAD = 30.0
"""From this ratio of the longest to the middle duration on, the scale is logarithmic."""
_ENOUGH = 5
_LEAST_SPAN = 60.0
_HEADROOM = 1.1
_WORST_FIRST = (
    RunStatus.FAILED,
    RunStatus.CANCELLED,
    RunStatus.RUNNING,
    RunStatus.COMPLETED,
    RunStatus.UNKNOWN,
)
_DENSITY = "•◉█"
_PLAIN_DENSITY = ".oO"


@dataclass(frozen=True, slots=True)
class Point:
    """One run of the picture."""

    at: float
    """When it ended, or now while it runs, in seconds since the epoch."""
    seconds: float
    status: RunStatus


@dataclass(frozen=True, slots=True)
class Scale:
    """Which times and durations the picture spans."""

    first: float
    last: float
    """Seconds since the epoch; later than ``first``."""
    low: float
    high: float
    """Seconds; ``high`` is more than ``low``."""
    logarithmic: bool

    def column(self, at: float, width: int) -> int:
        """In which of ``width`` columns a time is."""
        share = (at - self.first) / (self.last - self.first)
        return max(0, min(width - 1, int(share * width)))

    def row(self, seconds: float, height: int) -> int:
        """In which of ``height`` rows a duration is, 0 at the top."""
        low, high, value = self.low, self.high, min(max(seconds, self.low), self.high)
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        share = (value - low) / (high - low)
        return max(0, min(height - 1, height - 1 - round(share * (height - 1))))


def points_of(runs: Sequence[RunRecord], now: float, window: float) -> list[Point]:
    """The runs whose duration is known, the oldest first, and those that run now.

    Those that ended within the last ``window`` seconds, or all where these are too few to see.
    """
    ended = [
        Point(run.ended_at, run.seconds, run.status)
        for run in runs
        if run.ended_at is not None and run.seconds is not None
    ]
    recent = [point for point in ended if point.at > now - window]
    if len(recent) >= _ENOUGH or len(recent) == len(ended):
        ended = recent
    running = [
        Point(now, max(0.0, now - run.started_at), run.status)
        for run in runs
        if run.status is RunStatus.RUNNING and run.started_at is not None
    ]
    return sorted(ended, key=lambda point: point.at) + running


def scale_of(points: Sequence[Point], now: float) -> Scale:
    """A scale in which all points have a place, up to ``now``. There is at least one."""
    first = min(point.at for point in points)
    first = min(now - _LEAST_SPAN, first - (now - first) / 50)
    durations = sorted(point.seconds for point in points)
    high, middle = durations[-1], durations[len(durations) // 2]
    low = next((each for each in durations if each > 0), high)
    if middle > 0 and high / middle > _SPREAD and low < high:
        return Scale(first, now, max(low, high / 1e6), high, logarithmic=True)
    return Scale(first, now, 0.0, high * _HEADROOM or 0.001, logarithmic=False)


def scatter(
    points: Sequence[Point], scale: Scale, width: int, height: int, *, plain: bool = False
) -> dict[tuple[int, int], tuple[str, str]]:
    """What each cell with runs in it shows, by column and row: its glyph and its style.

    The worst outcome wins a cell, so that no failure is hidden behind what went well; the glyph of
    completed runs grows with their number.
    """
    found: dict[tuple[int, int], dict[RunStatus, int]] = {}
    for point in points:
        place = scale.column(point.at, width), scale.row(point.seconds, height)
        cell = found.setdefault(place, {})
        cell[point.status] = cell.get(point.status, 0) + 1
    return {place: _glyph(cell, plain=plain) for place, cell in found.items()}


def _glyph(cell: dict[RunStatus, int], *, plain: bool) -> tuple[str, str]:
    status = next((each for each in _WORST_FIRST if each in cell), RunStatus.UNKNOWN)
    look = RUN_LOOKS[status]
    if status is not RunStatus.COMPLETED:
        return (look.plain if plain else look.glyph), look.style
    levels = _PLAIN_DENSITY if plain else _DENSITY
    return levels[min(2, cell[status].bit_length() - 1)], look.style
