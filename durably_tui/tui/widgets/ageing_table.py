"""A table whose rows tell how long ago something was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from durably_tui.text import ago, fit

from .line_table import Column, LineTable
from .line_table_columns import RowT
from .line_view import Spans


class AgeingTable(LineTable[RowT]):
    """Rows with ages, which grow by the second though the rows stay the same."""

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        *,
        row_key: Callable[[RowT], str],
        empty: str,
        clock: Callable[[], float] = time.time,
        plain: bool = False,
        id: str | None = None,
    ) -> None:
        """Make a table; ``LineTable`` tells what the arguments are."""
        self._now = clock()
        super().__init__(columns, row_key=row_key, clock=clock, empty=empty, plain=plain, id=id)

    def show(self, rows: Sequence[RowT], now: float) -> None:
        """Show these rows, with ages as of ``now`` (seconds since the epoch)."""
        self.set_rows(rows)
        if now - self._now >= 1 or now < self._now:
            self._now = now
            self.repaint()

    def age_spans(self, at: float, width: int) -> Spans:
        """How long ago ``at`` (seconds since the epoch) was."""
        return ((fit(ago(self._now - at), width, "right"), "muted"),)
