"""The table of jobs: how each has been doing of late."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from durably_tui.protocol.models import RunStatus
from durably_tui.state import JobSummary
from durably_tui.text import Align, fit, safe, took

from .ageing_table import AgeingTable
from .line_table import Column
from .line_view import Spans
from .look import RUN_LOOKS
from .progress import count

LAST_RUNS = 12
PARTS = 20
"""Cells of the throughput; a part of the window each."""

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.:-=+*#"
_MANY_FAIL = 0.1
_RIGHT: Align = "right"


def strip_spans(last: Sequence[RunStatus], width: int, *, plain: bool = False) -> Spans:
    """The last runs as a glyph each, the newest at the right."""
    shown = last[-width:] if width > 0 else ()
    looks = [RUN_LOOKS[status] for status in shown]
    gap = " " * (width - len(looks))
    return ((gap, "text"), *((look.plain if plain else look.glyph, look.style) for look in looks))


def throughput_spans(parts: Sequence[int | None], width: int, *, plain: bool = False) -> Spans:
    """How many runs ended in each part as a bar each, the newest at the right.

    The highest part is a full bar; one of which not all runs are known is a dot, and a blank where
    only ASCII is shown.
    """
    shown = parts[-width:] if width > 0 else ()
    bars, unknown = (_PLAIN_BARS, " ") if plain else (_BARS, "·")
    top = max((part for part in shown if part is not None), default=0)
    step = len(bars) - 1
    spans: list[tuple[str, str]] = [(" " * (width - len(shown)), "text")]
    for part in shown:
        if part is None:
            spans.append((unknown, "faint"))
        elif not part:
            spans.append((bars[0], "rail"))
        else:
            spans.append((bars[-(-part * step // top)], "accent"))
    return tuple(spans)


def percent(rate: float) -> str:
    """A share between 0 and 1 in at most four cells; only nothing is ``0%``, only all ``100%``."""
    if rate in {0.0, 1.0}:
        return f"{rate:.0%}"
    if rate < 0.001:
        return "<.1%"
    return f"{rate:.1%}" if rate < 0.0995 else f"{min(rate, 0.99):.0%}"


class JobTable(AgeingTable[JobSummary]):
    """Jobs, one a line; the key of a row is the job's name."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        plain: bool = False,
        id: str | None = None,
    ) -> None:
        """Make a table of jobs. ``clock`` gives seconds since the epoch."""
        super().__init__(
            row_key=lambda row: row.job_name,
            clock=clock,
            empty="No jobs yet.",
            plain=plain,
            id=id,
        )

    def make_columns(self) -> tuple[Column[JobSummary], ...]:
        """In the order in which they are shown."""
        return (
            Column("job", "JOB", 10, self._show_job, priority=0, want=18, grow=3, limit=36),
            Column("last", "LAST RUNS", LAST_RUNS, self._show_last, priority=1),
            Column("running", "RUN", 4, self._count(RunStatus.RUNNING), priority=5, align=_RIGHT),
            Column("pending", "WAIT", 4, self._count(RunStatus.PENDING), priority=6, align=_RIGHT),
            Column("ended", "ENDED", 5, self._show_ended, priority=9, align=_RIGHT, extra=True),
            Column("failed", "FAILED", 6, self._show_failed, priority=10, align=_RIGHT, extra=True),
            Column("rate", "FAIL", 4, self._show_rate, priority=2, align=_RIGHT),
            Column("p50", "P50", 6, self._show_p50, priority=3, align=_RIGHT),
            Column("p95", "P95", 6, self._show_p95, priority=4, align=_RIGHT),
            Column("spark", "THROUGHPUT", PARTS, self._show_spark, priority=8, extra=True),
            self.age_column("age", "LAST", self._show_age, priority=7),
            Column("about", "ABOUT", 20, self._show_about, priority=11, grow=8, extra=True),
        )

    def _show_job(self, row: JobSummary, width: int) -> Spans:
        return ((safe(row.job_name, limit=width), "text"),)

    def _show_last(self, row: JobSummary, width: int) -> Spans:
        return strip_spans(row.last, width, plain=self.plain)

    def _count(self, status: RunStatus) -> Callable[[JobSummary, int], Spans]:
        def show(row: JobSummary, width: int) -> Spans:
            number = row.counts.get(status, 0)
            return _number(number, width, RUN_LOOKS[status].style)

        return show

    def _show_ended(self, row: JobSummary, width: int) -> Spans:
        return _number(row.ended, width, "text")

    def _show_failed(self, row: JobSummary, width: int) -> Spans:
        return _number(row.failed, width, "error-text")

    def _show_rate(self, row: JobSummary, width: int) -> Spans:
        rate = row.failure_rate
        if rate is None:
            return _absent(width)
        style = "error-text" if rate >= _MANY_FAIL else "warn-text" if rate else "muted"
        return ((fit(percent(rate), width, "right"), style),)

    def _show_p50(self, row: JobSummary, width: int) -> Spans:
        return _duration(row.p50, width)

    def _show_p95(self, row: JobSummary, width: int) -> Spans:
        return _duration(row.p95, width)

    def _show_spark(self, row: JobSummary, width: int) -> Spans:
        return throughput_spans(row.throughput, width, plain=self.plain)

    def _show_age(self, row: JobSummary, width: int) -> Spans:
        if row.last_run_at is None:
            return ((fit("never", width, "right"), "faint"),) if width >= 5 else _absent(width)
        return self.age_spans(row.last_run_at, width)

    def _show_about(self, row: JobSummary, width: int) -> Spans:
        return ((safe(row.description, limit=width), "muted"),)


def _number(number: int, width: int, style: str) -> Spans:
    return ((fit(count(number), width, "right"), style if number else "faint"),)


def _duration(seconds: float | None, width: int) -> Spans:
    if seconds is None:
        return _absent(width)
    return ((fit(took(seconds), width, "right"), "text"),)


def _absent(width: int) -> Spans:
    return ((fit("-", width, "right"), "faint"),)
