"""Runs on the way to their end: a bar for each in a terminal, else a line for each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from durably_tui.shapes import status_word
from durably_tui.state import JobRunState
from durably_tui.text import safe, took

from .run_columns import progress, seconds_taken
from .said import flush, out

SECONDS_BETWEEN_LINES = 1.0
"""Between two lines about the progress of one run."""
_STYLES = {"completed": "green", "failed": "red", "cancelled": "magenta", "running": "cyan"}


class Shown(Protocol):
    """What shows runs."""

    def tell(self, state: JobRunState) -> None:
        """A run is in this state now."""


@contextmanager
def shown() -> Iterator[Shown]:
    """Bars in place where the standard output is a terminal, else lines."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    bars = Progress(
        TextColumn("{task.fields[job]}", markup=False, table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[id]}", markup=False, style="dim"),
        _StatusColumn(""),
        BarColumn(
            bar_width=None,
            complete_style="cyan",
            finished_style="green",
            pulse_style="cyan",
            table_column=Column(ratio=1, min_width=8),
        ),
        TextColumn("{task.fields[count]}", markup=False, justify="right"),
        TextColumn("{task.fields[took]}", markup=False, justify="right"),
        TextColumn(
            "{task.fields[message]}",
            markup=False,
            style="dim",
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=2),
        ),
        console=Console(file=sys.stdout, highlight=False),
        expand=True,
    )
    with bars:
        yield Bars(bars)


class _StatusColumn(TextColumn):
    """The status in its colour."""

    def render(self, task: Task) -> Text:
        """The word of a run's status."""
        word = task.fields["word"]
        return Text(word, style=_STYLES.get(word, ""))


class Bars:
    """A bar for each run."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def tell(self, state: JobRunState) -> None:
        """A run is in this state now."""
        if not state.is_known and not state.is_gone:
            return
        task = self._tasks.get(state.run_id)
        run, at = state.current, state.progress
        if task is None:
            task = self._tasks[state.run_id] = self._bars.add_task(
                "", total=None, job=safe(run.job_name), id=state.run_id[-8:], **_fields(state)
            )
        over = state.current.is_terminal or state.is_gone
        total = at.total if at is not None and at.total and at.total > 0 else None
        self._bars.update(
            task,
            total=total or (1 if over else None),
            completed=(at.current if total and at else 1 if over else 0),
            **_fields(state),
        )
        if over:
            self._bars.stop_task(task)


def _fields(state: JobRunState) -> dict[str, Any]:
    run = state.current
    message = run.error or (run.progress.message if run.progress else None) or state.step_name
    seconds = seconds_taken(run, time.time())
    return {
        "took": "" if seconds is None else took(seconds),
        "word": "gone" if state.is_gone else safe(status_word(run)),
        "count": progress(run),
        "message": safe(message or ""),
    }


class Lines:
    """A line for each change."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, float, str]] = {}

    def tell(self, state: JobRunState) -> None:
        """A run is in this state now."""
        if not state.is_known and not state.is_gone:
            return
        if state.status.is_terminal and not state.settled and not state.is_gone:
            return  # the server is about to describe the end
        fields = _fields(state)
        word, now = fields["word"], time.monotonic()
        line = " ".join(
            part
            for part in (
                state.run_id,
                safe(state.current.job_name),
                word,
                fields["count"],
                fields["message"],
            )
            if part
        )
        before = self._told.get(state.run_id)
        if before is not None:
            is_same = before[2] == line
            too_soon = before[0] == word and now - before[1] < SECONDS_BETWEEN_LINES
            if is_same or too_soon:
                return
        self._told[state.run_id] = (word, now, line)
        out(line)
        flush()
