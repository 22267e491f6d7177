"""A run's progress drawn in a given number of cells: a bar with a total, a moving one without."""

from __future__ import annotations

import math

from durably_tui.protocol.models import Progress, RunStatus

from .line_view import Span, Spans

_BESIDE_CELLS = 6
_TAIL_CELLS = 11
_COUNT_FROM = 26
_BAR_FROM = 10

_BAR_STYLES = {
    RunStatus.COMPLETED: "bar-completed",
    RunStatus.FAILED: "bar-failed",
    RunStatus.CANCELLED: "bar-cancelled",
}
_RAIL_STYLES = {RunStatus.FAILED: "bar-failed"}


def count(number: float) -> str:
    """A number in at most five cells: ``67``, ``9999``, ``31k``, ``1.2M``."""
    if not math.isfinite(number):
        return "?"
    if number < 0:
        return "-" + count(-number)[:4]
    if number < 10_000:
        return str(int(number)) if number == int(number) or number >= 100 else f"{number:.1f}"
    for factor, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        scaled = number / factor
        if scaled < 999.5:
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return f"{number:.0e}"


def bar(fraction: float, width: int, style: str = "bar", *, plain: bool = False) -> Spans:
    """A bar of ``width`` cells, filled to a fraction between 0 and 1 in steps of half a cell."""
    full, half, rail = ("=", ">", "-") if plain else ("━", "╸", "─")
    halves = int(min(1.0, max(0.0, fraction)) * width * 2)
    filled = full * (halves // 2) + half * (halves % 2)
    spans: list[Span] = []
    if filled:
        spans.append((filled, style))
    if len(filled) < width:
        spans.append((rail * (width - len(filled)), "rail"))
    return tuple(spans)


def moving_bar(phase: int, width: int, style: str = "bar", *, plain: bool = False) -> Spans:
    """A bar of ``width`` cells with a piece that goes to and fro, one cell for each phase."""
    full, rail = ("=", "-") if plain else ("━", "─")
    piece = max(1, width // 4)
    way = max(1, width - piece)
    at = way - abs(phase % (2 * way) - way)
    return tuple(
        span
        for span in (
            (rail * at, "rail"),
            (full * piece, style),
            (rail * (width - at - piece), "rail"),
        )
        if span[0]
    )


def progress_spans(
    progress: Progress | None,
    status: RunStatus,
    width: int,
    *,
    phase: int = 0,
    steps: int = 0,
    plain: bool = False,
) -> Spans:
    """Progress in exactly ``width`` cells; no part of it moves while its numbers change.

    Args:
        progress: What the run said, if anything.
        status: Decides colour, and what a run without a total shows.
        width: Cells. Below 10 there is no bar, below 26 no count beside a percentage.
        phase: Where the moving bar of a run without a total is.
        steps: How many steps are done, shown where nothing else is known.
        plain: ASCII only.
    """
    fraction = progress.fraction if progress is not None else None
    beside, tail = _numbers(progress, fraction, status, steps)
    if width < _BAR_FROM:
        return ((f"{beside:>{width}}"[:width], "text"),)
    wide = width >= _COUNT_FROM
    room = width - _BESIDE_CELLS - (_TAIL_CELLS if wide else 0)
    style = _BAR_STYLES.get(status, "bar")
    if fraction is not None:
        line = bar(fraction, room, style, plain=plain)
    elif status is RunStatus.RUNNING:
        line = moving_bar(phase, room, style, plain=plain)
    elif status is RunStatus.COMPLETED:
        line = bar(1.0, room, style, plain=plain)
    else:
        line = (("-" * room if plain else "─" * room, _RAIL_STYLES.get(status, "rail")),)
    spans: Spans = (*line, (f"{beside:>{_BESIDE_CELLS}}"[:_BESIDE_CELLS], "text"))
    return (*spans, (f"  {tail}"[:_TAIL_CELLS].ljust(_TAIL_CELLS), "muted")) if wide else spans


def _numbers(
    progress: Progress | None, fraction: float | None, status: RunStatus, steps: int
) -> tuple[str, str]:
    """What stands beside the bar, and what follows where there is room for more."""
    if progress is None:
        done = "100%" if status is RunStatus.COMPLETED else ""
        return done, f"{count(steps)} step{'' if steps == 1 else 's'}" if steps else ""
    if fraction is None or progress.total is None:
        return count(progress.current), ""
    whole = f"{count(progress.current)}/{count(progress.total)}"
    return f"{math.floor(fraction * 100)}%", whole
