"""The rows of all runs for the table, each made when it is looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from durably_tui.protocol import Run
from durably_tui.state import RunActivity, RunsView

from .kept import Kept
from .line_table import KeyedRows
from .run_table import RunRow

Made = Kept[str, tuple[Run, RunActivity, RunRow]]
"""Rows that were made, so that what has not changed is the same row in the next picture."""


class RunRows(KeyedRows[RunRow]):
    """Rows over runs of which only those in sight cost anything; once seen they stay as they are.

    Args:
        runs: the runs, in their order.
        made: what earlier pictures were made of.
        open_step: the step of a running run of which the stream told none since it was loaded.
    """

    def __init__(self, runs: RunsView, made: Made, open_step: Callable[[Run], str | None]) -> None:
        self._runs = runs
        self._made = made
        self._open_step = open_step
        self._seen: dict[int, RunRow] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def at(self, index: int) -> RunRow:
        """The row with this index, which there is."""
        row = self._seen.get(index)
        if row is None:
            row = self._seen[index] = self._row(index)
        return row

    def find(self, key: str) -> int | None:
        """Where a run is."""
        return self._runs.find(key)

    def _row(self, at: int) -> RunRow:
        entry = self._runs.entry(at)
        run, seen = entry.shown, entry.activity
        before = self._made.get(run.id)
        step = seen.step_name or self._open_step(run)
        if before is not None and before[0] is run and before[1] is seen:
            row = before[2]
            if row.step_name == step:
                return row
        row = RunRow(run, step_name=step, changed_at=seen.changed_at or None)
        self._made[run.id] = (run, seen, row)
        return row


class Continued(KeyedRows[RunRow]):
    """Rows that stand still, and below them those of others from an index on, which stand still
    from then on as well."""

    def __init__(self, upper: KeyedRows[RunRow], lower: KeyedRows[RunRow], first: int) -> None:
        parts: tuple[tuple[KeyedRows[RunRow], int], ...] = ((upper, 0),)
        if isinstance(upper, Continued):
            parts = upper._parts
        self._parts: tuple[tuple[KeyedRows[RunRow], int], ...] = (*parts, (lower, first))
        self._ends = list(accumulate(len(rows) - begins for rows, begins in self._parts))

    def __len__(self) -> int:
        return self._ends[-1]

    def at(self, index: int) -> RunRow:
        """The row with this index, which there is."""
        part = bisect_right(self._ends, index)
        rows, begins = self._parts[part]
        return rows.at(begins + index - (self._ends[part - 1] if part else 0))

    def find(self, key: str) -> int | None:
        """Where a run is."""
        before = 0
        for (rows, begins), end in zip(self._parts, self._ends, strict=True):
            found = rows.find(key)
            if found is not None and found >= begins:
                return before + found - begins
            before = end
        return None
