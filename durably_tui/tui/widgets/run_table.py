"""The table of runs: what each is doing, how far it is, and since when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from textual.reactive import var

from durably_tui.protocol.models import Run, RunStatus
from durably_tui.protocol.times import seconds
from durably_tui.text import TimeStyle, ago, cells, fit, moment, safe, short_id, took

from .line_table import Column, LineTable
from .line_table_columns import always
from .line_view import Span, Spans
from .look import run_look
from .progress import progress_spans

_TICK_SECONDS = 0.5
"""How old the shown ages may be before new rows also mean new ages."""
_NAME_CELLS = 16
"""What a job's name gets before any extra column appears."""
_NAME_STEP = 8
_MOST_NAME_CELLS = 40


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, and what is known of it that the run itself does not say."""

    run: Run
    step_name: str | None = None
    """The step that runs now, or that failed."""
    changed_at: float | None = None
    """When the run last changed, in seconds of the table's clock: the row glows from then on."""


def run_seconds(run: Run, now: float) -> tuple[float, bool] | None:
    """For how many seconds a run works or worked, and whether that is exact.

    A 0.8 server does not say when a run was started or ended: then it is counted from its creation
    to its last update, and is not exact. None where the run never started.
    """
    start = run.started_at or (None if _never_started(run) else run.created_at)
    if start is None:
        return None
    exact = run.started_at is not None
    if run.is_terminal:
        end = run.completed_at or run.updated_at
        if end is None:
            return None
        return seconds(end) - seconds(start), exact and run.completed_at is not None
    return now - seconds(start), exact


def _never_started(run: Run) -> bool:
    """Whether it waits, or was cancelled while it did, by a server that says when runs start."""
    if run.status is RunStatus.CANCELLED:
        told = run.completed_at is not None
        return told and not run.current_step_index and run.progress is None
    return run.status is RunStatus.PENDING


def _has_ended(row: RunRow) -> bool:
    return row.run.is_terminal


class RunTable(LineTable[RunRow]):
    """Runs, one a line; the key of a row is the run's id."""

    time_style: var[TimeStyle] = var(TimeStyle.RELATIVE)
    """How the time of creation is written. ``OFF`` is taken as relative."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        empty: str = "No runs yet.",
        plain: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a table of runs. ``clock`` gives seconds since the epoch."""
        self._now = clock()
        self.as_of: float | None = None
        """When what is shown was told, in seconds since the epoch; None while it is live. How long
        a run takes is known until then only."""
        self._chosen: tuple[str, ...] = ()
        self._name_cells = _NAME_CELLS
        super().__init__(
            self._run_columns(TimeStyle.RELATIVE),
            row_key=lambda row: row.run.id,
            clock=clock,
            empty=empty,
            plain=plain,
            name=name,
            id=id,
            classes=classes,
        )

    def set_rows(self, rows: Sequence[RunRow], *, now: float | None = None) -> None:
        """Show these runs, with ages as of ``now`` (seconds since the epoch) if it is given."""
        if now is not None and not 0 <= now - self._now < _TICK_SECONDS:
            self._now = now
            self.let_time_pass()  # before the rows: one look at what is visible serves both
        super().set_rows(rows)

    @property
    def _told_at(self) -> float:
        return self._now if self.as_of is None else min(self._now, self.as_of)

    def tick(self, now: float) -> None:
        """Let the clock go on: rows whose ages or moving bars look different are repainted."""
        self._now = now
        self.let_time_pass()
        self._repaint()

    def changed_at(self, row: RunRow) -> float | None:
        """When the run last changed."""
        return row.changed_at

    def watch_time_style(self, time_style: TimeStyle) -> None:
        """Write the times of creation the other way."""
        self.set_columns(self._run_columns(time_style))

    def choose_columns(self, keys: Sequence[str]) -> None:
        """Show these columns, in this order, as far as there is room; none: all, by width."""
        if tuple(keys) != self._chosen:
            self._chosen = tuple(keys)
            self.watch_time_style(self.time_style)

    def make_room_for(self, job_names: Iterable[str]) -> None:
        """Show these names whole where there is room for that. What they have got they keep, and
        it goes in large steps: columns must not move with every row that comes in."""
        limit = _MOST_NAME_CELLS
        longest = max((cells(safe(name, limit=limit)) for name in job_names), default=0)
        wanted = min(limit, ceil(longest / _NAME_STEP) * _NAME_STEP)
        if wanted > self._name_cells:
            self._name_cells = wanted
            self.watch_time_style(self.time_style)

    def _run_columns(self, times: TimeStyle) -> tuple[Column[RunRow], ...]:
        columns = {column.key: column for column in self._all_columns(times)}
        if not self._chosen:
            return tuple(columns.values())
        # Who chose columns wants the first of them most, and each as soon as there is room.
        chosen = [columns[key] for key in self._chosen if key in columns]
        return tuple(replace(c, priority=at, extra=False) for at, c in enumerate(chosen))

    def _all_columns(self, times: TimeStyle) -> tuple[Column[RunRow], ...]:
        relative = times in {TimeStyle.RELATIVE, TimeStyle.OFF}
        age = (
            Column("age", "AGE", 4, self._show_age, priority=3, align="right")
            if relative
            else Column("age", "CREATED", 15, self._show_age, priority=3)
        )
        return (
            Column("status", "STATUS", 11, self._show_status, priority=0, still=always),
            Column(
                "job",
                "JOB",
                10,
                self._show_job,
                priority=1,
                want=_NAME_CELLS,
                need=self._name_cells,
                grow=2,
                limit=max(28, self._name_cells),
                still=always,
            ),
            Column(
                "progress",
                "PROGRESS",
                10,
                self._show_progress,
                priority=2,
                want=26,
                grow=4,
                limit=36,
                still=_has_ended,
            ),
            Column(
                "step",
                "STEP",
                12,
                self._show_step,
                priority=5,
                grow=2,
                limit=24,
                extra=True,
                still=always,
            ),
            age,
            Column(
                *("took", "TOOK", 7, self._show_took),
                priority=4,
                align="right",
                still=_has_ended,
            ),
            Column(
                "labels",
                "LABELS",
                14,
                self._show_labels,
                priority=6,
                grow=2,
                limit=32,
                extra=True,
                still=always,
            ),
            Column("id", "ID", 9, self._show_id, priority=7, extra=True, still=always),
            Column(
                "message",
                "MESSAGE",
                24,
                self._show_message,
                priority=8,
                grow=8,
                extra=True,
                still=always,
            ),
        )

    def _show_status(self, row: RunRow, width: int) -> Spans:
        look = run_look(row.run)
        return ((look.label(plain=self.plain), look.style),)

    def _show_job(self, row: RunRow, width: int) -> Spans:
        return ((safe(row.run.job_name, limit=width), "text"),)

    def _show_progress(self, row: RunRow, width: int) -> Spans:
        return progress_spans(
            row.run.progress,
            row.run.status,
            width,
            phase=int(self._told_at * 2),
            steps=row.run.completed_step_count,
            plain=self.plain,
        )

    def _show_step(self, row: RunRow, width: int) -> Spans:
        return ((safe(row.step_name or "", limit=width), "muted"),)

    def _show_age(self, row: RunRow, width: int) -> Spans:
        created = row.run.created_at
        if created is None:
            return ()
        if self.time_style in {TimeStyle.RELATIVE, TimeStyle.OFF}:
            return ((fit(ago(self._now - seconds(created)), width, "right"), "muted"),)
        return ((fit(moment(created, self.time_style, self._now), width, "right"), "muted"),)

    def _show_took(self, row: RunRow, width: int) -> Spans:
        span = run_seconds(row.run, self._told_at)
        if span is None:
            return ()
        lasted, exact = span
        text = took(lasted) if exact else f"~{took(lasted)}"
        return ((fit(text, width, "right"), "text" if row.run.is_active else "muted"),)

    def _show_labels(self, row: RunRow, width: int) -> Spans:
        spans: list[Span] = []
        room = width
        for key, value in row.run.labels.items():
            name, text = safe(f"{key}=", limit=width), safe(value, limit=width)
            spans += [(name, "muted"), (text, "text"), (" ", "text")]
            room -= cells(name) + cells(text) + 1
            if room < 0:
                break
        return tuple(spans[:-1])

    def _show_id(self, row: RunRow, width: int) -> Spans:
        return ((short_id(row.run.id, width - 1), "muted"),)

    def _show_message(self, row: RunRow, width: int) -> Spans:
        if row.run.error:
            return ((safe(row.run.error, limit=width), "error-text"),)
        progress = row.run.progress
        return ((safe((progress and progress.message) or "", limit=width), "muted"),)
