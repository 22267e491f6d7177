"""The steps of a run on a time axis."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from durably_tui.protocol.models import Step, StepStatus
from durably_tui.protocol.times import seconds
from durably_tui.state import ObservedStep
from durably_tui.text import fit, safe, took
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.pane_keys import STEPS

from .line_table import Column, LineTable
from .line_view import Spans
from .look import STEP_LOOKS
from .time_axis import axis_span, axis_text, span_bar

_MOST_ZOOM = 4_096

_BAR_STYLES = {
    StepStatus.RUNNING: "running",
    StepStatus.COMPLETED: "bar-completed",
    StepStatus.FAILED: "bar-failed",
    StepStatus.CANCELLED: "bar-cancelled",
    StepStatus.UNKNOWN: "bar-cancelled",
}


def is_skipped(step: Step, attempt: int, started_at: datetime | None) -> bool:
    """Whether a step was done before the attempt that runs now, which did not do it again.

    Who watched knows the attempt of each step; of what only the server tells, the times do.
    """
    if step.status is not StepStatus.COMPLETED:
        return False
    if isinstance(step, ObservedStep) and attempt > 1:
        return step.attempt < attempt
    if started_at is None or step.completed_at is None:
        return False
    return seconds(step.completed_at) < seconds(started_at)


class Waterfall(LineTable[Step]):
    """Steps, one a line, with a bar from when each began to when it ended.

    The cursor on the last step goes on to the next one when that begins. The axis can be zoomed
    and moved; zoomed to its end it goes on with what runs. ``STEPS`` are its keys.
    """

    PANE_KEYS: ClassVar[tuple[Command, ...]] = STEPS
    BINDINGS: ClassVar[list[BindingType]] = bindings(STEPS)

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        empty: str = "No steps of this run were seen.",
        plain: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a waterfall. ``clock`` gives seconds since the epoch."""
        self._now = clock()
        self._origin = 0.0
        self._span = 1.0
        self._last_end = 0.0
        self._is_running = False
        self._attempt = 1
        self._run_started: datetime | None = None
        self._zoom = 1
        self._left = 0.0
        self._at_end = True
        super().__init__(
            (
                Column("index", "#", 4, self._show_index, priority=3, align="right"),
                Column("name", "STEP", 12, self._show_name, priority=0, want=20, grow=1, limit=40),
                Column("status", "STATUS", 11, self._show_status, priority=1),
                Column("attempt", "TRY", 3, self._show_attempt, priority=5, align="right"),
                # What the bar shows as well, where it has room.
                Column(
                    "start", "START", 7, self._show_start, priority=6, extra=True, align="right"
                ),
                Column("took", "TOOK", 6, self._show_took, priority=2, align="right"),
                Column("bar", self._axis, 12, self._show_bar, priority=4, want=24, grow=8),
            ),
            row_key=lambda step: f"{step.index}/{step.name}/{step.started_at}",
            clock=clock,
            empty=empty,
            plain=plain,
            name=name,
            id=id,
            classes=classes,
        )

    def set_steps(
        self,
        steps: Sequence[Step],
        *,
        started_at: datetime | None,
        now: float,
        attempt: int = 1,
    ) -> None:
        """Show these steps.

        Args:
            steps: In the order in which they ran.
            started_at: When the run began, where the axis begins; None takes the first step's.
            now: Seconds since the epoch, where the bars of running steps end.
            attempt: How often the run was seen to be taken by a worker.
        """
        tries = (step.attempt for step in steps if isinstance(step, ObservedStep))
        self._attempt = max(attempt, *tries, 1)
        if steps is not self._rows:
            starts = [seconds(step.started_at) for step in steps if step.started_at]
            if started_at is not None:
                starts.append(seconds(started_at))
            self._origin = min(starts, default=now)
            ends = [seconds(step.completed_at) for step in steps if step.completed_at]
            self._last_end = max((*starts, *ends), default=now)
            self._run_started = started_at
            self._is_running = any(step.status is StepStatus.RUNNING for step in steps)
            follow = bool(self._rows) and self.cursor_index == len(self._rows) - 1
            self._scale(now)
            self.set_rows(steps)
            if follow:
                self.move_cursor(len(steps) - 1)
        self.tick(now)

    def tick(self, now: float) -> None:
        """Let the bars of running steps grow."""
        self._now = now
        self._scale(now)
        self.repaint()

    def _scale(self, now: float) -> None:
        end = max(now, self._last_end) if self._is_running else self._last_end
        span = axis_span(end - self._origin)
        left = self._left
        if self._at_end:
            left = max(0.0, end - self._origin - span / self._zoom)
        left = 0.0 if self._zoom == 1 else min(left, span - span / self._zoom)
        if (span, left) != (self._span, self._left):
            self._span, self._left = span, left
            self.refresh_header()

    # -- the axis --------------------------------------------------------------------------

    @property
    def window(self) -> tuple[float, float]:
        """The seconds of the run that the axis begins and ends with."""
        return self._left, self._left + self._span / self._zoom

    def action_axis(self, what: str) -> None:
        """Do one of ``STEPS``, by its name."""
        first, last = self.window
        length = last - first
        if what == "whole":
            self.show_whole()
        elif what == "zoom_in":
            times = self._times(self.cursor_row) if self.cursor_row is not None else None
            middle = sum(times) / 2 if times is not None else (first + last) / 2
            self._look_at(min(_MOST_ZOOM, self._zoom * 2), middle - length / 4)
        elif what == "zoom_out":
            self._look_at(max(1, self._zoom // 2), first - length / 2)
        else:
            self._look_at(self._zoom, first + (length / 4 if what == "later" else -length / 4))

    def show_whole(self) -> None:
        """Show the whole time of the run."""
        self._look_at(1, 0.0)

    def _look_at(self, zoom: int, left: float) -> None:
        """Show a part of the axis, as near to ``left`` as its ends allow."""
        self._zoom = zoom
        length = self._span / zoom
        end = max(self._now, self._last_end) if self._is_running else self._last_end
        end -= self._origin
        self._at_end = left + length >= end
        self._left = max(0.0, min(left, self._span - length))
        self._scale(self._now)
        self.refresh_header()
        self.repaint()

    def _axis(self, width: int) -> str:
        """The times along the axis."""
        return axis_text(*self.window, width)

    def _times(self, step: Step) -> tuple[float, float] | None:
        """Where a step begins and ends on the axis; None where nobody saw it begin."""
        if step.started_at is None:
            return None
        start = seconds(step.started_at) - self._origin
        if step.completed_at is not None:
            return start, seconds(step.completed_at) - self._origin
        if step.status is StepStatus.RUNNING:
            return start, max(start, self._now - self._origin)
        return start, start

    def _show_index(self, step: Step, width: int) -> Spans:
        return ((fit(str(step.index), width, "right"), "muted"),)

    def _show_name(self, step: Step, width: int) -> Spans:
        return ((safe(step.name, limit=width + 1), "text"),)

    def _show_status(self, step: Step, width: int) -> Spans:
        if is_skipped(step, self._attempt, self._run_started):
            return (("> skipped" if self.plain else "↷ skipped", "muted"),)
        look = STEP_LOOKS[step.status]
        return ((look.label(plain=self.plain), look.style),)

    def _show_attempt(self, step: Step, width: int) -> Spans:
        if not isinstance(step, ObservedStep):
            return ()
        earlier = step.attempt < self._attempt
        return ((fit(str(step.attempt), width, "right"), "muted" if earlier else "text"),)

    def _show_start(self, step: Step, width: int) -> Spans:
        times = self._times(step)
        return () if times is None else ((fit(f"+{took(times[0])}", width, "right"), "muted"),)

    def _show_took(self, step: Step, width: int) -> Spans:
        times = self._times(step)
        if times is None or (step.completed_at is None and step.status is not StepStatus.RUNNING):
            return ()
        return ((fit(took(times[1] - times[0]), width, "right"), "text"),)

    def _show_bar(self, step: Step, width: int) -> Spans:
        times = self._times(step)
        if times is None:
            return (("." if self.plain else "·", "muted"),)
        first, last = self.window
        if times[1] < first:
            return (("<" if self.plain else "◂", "muted"),)
        if times[0] > last:
            return ((fit(">" if self.plain else "▸", width, "right"), "muted"),)
        skipped = is_skipped(step, self._attempt, self._run_started)
        style = "bar-cancelled" if skipped else _BAR_STYLES[step.status]
        start, end = times[0] - first, times[1] - first
        return span_bar(start, end, last - first, width, style, plain=self.plain)
