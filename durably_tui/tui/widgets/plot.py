"""A plot of how long the runs of a job took, and how they ended, over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from durably_tui.protocol.models import RunStatus
from durably_tui.state import RunRecord
from durably_tui.text import fit, safe, took

from .line_view import Painter, Span, Spans, fitted
from .look import RUN_LOOKS
from .plot_points import Point, Scale, points_of, scale_of, scatter
from .time_axis import ago_text, round_durations, time_label

_AXIS = 8
"""Cells left of the picture: a duration, a blank and the line."""
_TOLD = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.RUNNING)
_ROWS_APART = 4
"""Rows from one round duration to the next, at least."""
_DECADES = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0, 86_400.0, 864_000.0)
"""What is told of a logarithmic scale, in seconds."""
_MARKS = (("p95", 5), ("p50", 8))
"""Percentiles that are drawn as a line across, with the height from which on there is room."""


def plot_lines(
    title: str,
    points: Sequence[Point],
    width: int,
    height: int,
    *,
    now: float,
    marks: dict[str, float | None] | None = None,
    plain: bool = False,
) -> list[Spans]:
    """The whole picture in ``height`` lines of ``width`` cells.

    Args:
        title: what is plotted; safe.
        points: the runs, as ``points_of`` gives them.
        width: cells.
        height: lines: one for the title, two for the time axis, the rest is the picture.
        now: seconds since the epoch, at the right edge.
        marks: percentiles by name, in seconds; drawn across where there is room.
        plain: ASCII only.
    """
    if height < 1 or width < 1:
        return []
    lines: list[Spans] = [_title(title, points, width, plain=plain)]
    rows, columns = height - 3, width - _AXIS
    if rows < 1 or columns < 8:
        return lines[:height]
    if not points:
        said = "No run of this job is known to have ended yet."
        lines += [fitted(((" " * _AXIS + said, "muted"),), width)]
        return lines[:height]
    scale = scale_of(points, now)
    cells_shown = scatter(points, scale, columns, rows, plain=plain)
    across = _across(scale, rows, marks or {})
    labels = _labels(scale, rows, across)
    for row in range(rows):
        lines.append(_row(row, columns, cells_shown, across, labels, plain=plain))
    lines += _time_axis(scale, columns, plain=plain)
    return lines


def _title(title: str, points: Sequence[Point], width: int, *, plain: bool) -> Spans:
    counts = Counter(point.status for point in points)
    spans: list[Span] = [(title, "strong"), ("  duration of each run", "muted")]
    for status in _TOLD:
        if counts[status]:
            look = RUN_LOOKS[status]
            glyph = look.plain if plain else look.glyph
            spans.append((f"  {glyph} {counts[status]} {look.word}", look.style))
    return fitted(spans, width)


def _across(scale: Scale, rows: int, marks: dict[str, float | None]) -> dict[int, str]:
    """Which rows have a line across, and its name."""
    found: dict[int, str] = {}
    for name, least in _MARKS:
        value = marks.get(name)
        if value is not None and rows >= least and scale.low <= value <= scale.high:
            found.setdefault(scale.row(value, rows), name)
    return found


def _labels(scale: Scale, rows: int, across: dict[int, str]) -> dict[int, str]:
    """What stands left of which rows: the ends, the percentiles, and round durations where there
    is room for them."""
    found = {rows - 1: took(scale.low) if scale.logarithmic else "0", **across}
    found[0] = took(scale.high)
    for seconds, label in _round(scale, rows):
        row = scale.row(seconds, rows)
        if not found.keys() & {row - 1, row, row + 1}:
            found[row] = label
    return found


def _round(scale: Scale, rows: int) -> list[tuple[float, str]]:
    if not scale.logarithmic:
        apart = (scale.high - scale.low) / max(1, rows - 1) * _ROWS_APART
        return round_durations(scale.low, scale.high, apart)
    shown = [each for each in _DECADES if scale.low < each < scale.high]
    room = max(1, (rows - 1) // _ROWS_APART)
    every = max(1, ceil(len(shown) / room))
    return [(each, time_label(each, each)) for each in shown[::every]]


def _row(
    row: int,
    columns: int,
    cells_shown: dict[tuple[int, int], tuple[str, str]],
    across: dict[int, str],
    labels: dict[int, str],
    *,
    plain: bool,
) -> Spans:
    spans: list[Span] = [(fit(labels.get(row, ""), _AXIS - 2, "right"), "muted")]
    line = "|" if plain else "┤" if row in labels else "│"
    spans.append((f" {line}", "rail"))
    ground = " " if row not in across else "-" if plain else "┄"
    spans += [cells_shown.get((column, row), (ground, "rail")) for column in range(columns)]
    return tuple(spans)


def _time_axis(scale: Scale, columns: int, *, plain: bool) -> list[Spans]:
    corner, line = ("+", "-") if plain else ("└", "─")
    told = ago_text(scale.last - scale.first, columns)
    log = "log" if scale.logarithmic else ""
    return [
        ((fit("", _AXIS - 1), "text"), (corner + line * columns, "rail")),
        ((fit(log, _AXIS - 2, "right"), "muted"), ("  ", "text"), (told, "muted")),
    ]


class RunPlot(Widget):
    """The runs of one job, each where it ended and as high as it took long."""

    DEFAULT_CSS = """
    RunPlot { height: 1fr; padding: 0 1; }
    """

    plain: var[bool] = var(False)
    """Show ASCII only."""

    def __init__(self, *, plain: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.painter = Painter(self)
        self._lines: list[Spans] = []
        self._given: tuple[str, Sequence[RunRecord], float, float, dict[str, float | None]] = (
            "",
            (),
            0.0,
            3600.0,
            {},
        )
        self.set_reactive(RunPlot.plain, plain)

    def show(
        self,
        job_name: str,
        runs: Sequence[RunRecord],
        *,
        now: float,
        window: float,
        p50: float | None = None,
        p95: float | None = None,
    ) -> None:
        """Show a job's runs at ``now``, over the last ``window`` s; percentiles in seconds."""
        self._given = (job_name, runs, now, window, {"p50": p50, "p95": p95})
        self._draw()

    def _draw(self) -> None:
        job_name, runs, now, window, marks = self._given
        size = self.content_size
        lines = (
            plot_lines(
                safe(job_name, limit=60),
                points_of(runs, now, window),
                size.width,
                size.height,
                now=now,
                marks=marks,
                plain=self.plain,
            )
            if job_name
            else []
        )
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def on_resize(self) -> None:
        """Draw it in the new size."""
        self._draw()

    def notify_style_update(self) -> None:
        """Forget the old colours."""
        super().notify_style_update()
        self.painter.forget()

    def render_line(self, y: int) -> Strip:
        """A line of the picture."""
        spans = self._lines[y] if y < len(self._lines) else ()
        return self.painter.strip(spans, self.content_size.width)
