"""By what the table of runs can be sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from durably_tui.protocol import Run, RunStatus

from .run_table import run_seconds

_STATUSES = ("running", "pending", "failed", "cancelled", "completed", "unknown")
_URGENCY = {RunStatus(word): at for at, word in enumerate(_STATUSES)}


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of the rows. The one without a column is newest first."""

    column: str = ""
    rising: bool = False

    @property
    def place(self) -> Callable[[Run], tuple[Any, ...]] | None:
        """What is compared; None where it is the time of creation."""
        return _PLACES.get(self.column)

    @property
    def is_default(self) -> bool:
        """Whether it is newest first."""
        return self.place is None and not self.rising

    def turned(self) -> Sort:
        """The other way round."""
        return Sort(self.column or "age", not self.rising)

    def by(self, column: str) -> Sort:
        """By a column that is pointed at; the other way round where it is by that already. The
        same where nothing can be sorted by it."""
        if column == (self.column or "age"):
            return self.turned()
        if column == "age":
            return Sort()
        return Sort(column, rising=column not in _LARGEST_FIRST) if column in _PLACES else self

    def after(self, columns: Sequence[str]) -> Sort:
        """By the next of the columns that are shown; after the last of them newest first again."""
        can = [column for column in columns if column in _PLACES]
        at = can.index(self.column) + 1 if self.column in can else 0
        if at >= len(can):
            return Sort()
        return Sort(can[at], rising=can[at] not in _LARGEST_FIRST)

    def sorted(self, runs: Sequence[Run]) -> list[Run]:
        """Runs that are newest first, in this order; those that are equal stay as they are."""
        place = self.place
        if place is None:
            return list(reversed(runs)) if self.rising else list(runs)
        return sorted(runs, key=place, reverse=not self.rising)


def _progress(run: Run) -> tuple[float, float]:
    if run.progress is None:
        return (1.0 if run.status is RunStatus.COMPLETED else -1.0, 0.0)
    fraction = run.progress.fraction
    return (-0.5 if fraction is None else fraction, run.progress.current)


def _took(run: Run) -> tuple[int, float]:
    """Those that run now are above those that have ended, the longest first, whatever the time."""
    if run.is_active:
        began = run.started_at or run.created_at
        return (0, 0.0) if run.started_at is None else (2, -began.timestamp() if began else 0.0)
    span = run_seconds(run, 0.0)
    return (0, 0.0) if span is None else (1, span[0])


def _message(run: Run) -> tuple[bool, str]:
    text = run.error or (run.progress.message if run.progress else None) or ""
    return (not text, text)


_PLACES: dict[str, Callable[[Run], tuple[Any, ...]]] = {
    "status": lambda run: (_URGENCY[run.status],),
    "job": lambda run: (run.job_name,),
    "progress": _progress,
    "took": _took,
    "labels": lambda run: (not run.labels, sorted(run.labels.items())),
    "id": lambda run: (run.id,),
    "message": _message,
}
_LARGEST_FIRST = {"progress", "took"}
