"""The table of errors: what fails, how often, since when, and whether it came through."""

from __future__ import annotations

import time
from collections.abc import Callable

from durably_tui.state import ErrorGroup
from durably_tui.text import Align, fit, safe

from .ageing_table import AgeingTable
from .line_table import Column
from .line_view import Spans
from .progress import count

_RIGHT: Align = "right"


def through_spans(group: ErrorGroup, width: int) -> Spans:
    """How many came through since: ``all``, ``3/5``, ``-`` for none."""
    if not group.through:
        return ((fit("-", width, "right"), "faint"),)
    many = "all" if group.through == group.count else f"{count(group.through)}/{count(group.count)}"
    return ((fit(many, width, "right"), "completed"),)


class ErrorTable(AgeingTable[ErrorGroup]):
    """Groups of failures, one a line; the key of a row is the group's."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        plain: bool = False,
        id: str | None = None,
    ) -> None:
        """Make a table of errors. ``clock`` gives seconds since the epoch."""
        super().__init__(
            row_key=lambda row: row.key,
            clock=clock,
            empty="Nothing has failed.",
            plain=plain,
            id=id,
        )

    def changed_at(self, row: ErrorGroup) -> float | None:
        """When the newest failure happened."""
        return row.last_at

    def make_columns(self) -> tuple[Column[ErrorGroup], ...]:
        """In the order in which they are shown."""
        return (
            Column("count", "COUNT", 5, self._show_count, priority=0, align=_RIGHT),
            self.age_column("last", "LAST", self._show_last, priority=3),
            Column("job", "JOB", 10, self._show_job, priority=2, want=14, grow=1, limit=24),
            Column("step", "STEP", 8, self._show_step, priority=4, want=12, grow=1, limit=24),
            Column("error", "ERROR", 20, self._show_error, priority=1, want=24, grow=8),
            Column("through", "THROUGH", 7, self._show_through, priority=5, align=_RIGHT),
            self.age_column("first", "FIRST", self._show_first, priority=6, extra=True),
        )

    def _show_count(self, row: ErrorGroup, width: int) -> Spans:
        return ((fit(count(row.count), width, "right"), "failed" if row.open else "muted"),)

    def _show_last(self, row: ErrorGroup, width: int) -> Spans:
        return self.age_spans(row.last_at, width)

    def _show_first(self, row: ErrorGroup, width: int) -> Spans:
        return self.age_spans(row.first_at, width)

    def _show_job(self, row: ErrorGroup, width: int) -> Spans:
        return ((safe(row.job_name, limit=width), "text"),)

    def _show_step(self, row: ErrorGroup, width: int) -> Spans:
        if row.step_name is None:
            return (("-", "faint"),)
        return ((safe(row.step_name, limit=width), "muted"),)

    def _show_error(self, row: ErrorGroup, width: int) -> Spans:
        return ((safe(row.message, limit=width), "error-text" if row.open else "muted"),)

    def _show_through(self, row: ErrorGroup, width: int) -> Spans:
        return through_spans(row, width)
