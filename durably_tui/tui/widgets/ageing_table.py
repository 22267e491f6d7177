"""A table whose rows tell how long ago something was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from durably_tui.text import TimeStyle, ago, fit, moment

from .line_table import Column, LineTable
from .line_table_columns import RowT
from .line_view import Spans

_AGE_CELLS, _TIME_CELLS = 4, 15


class AgeingTable(LineTable[RowT]):
    """Rows with ages, which grow by the second though the rows stay the same; or with the times
    that they are counted from."""

    _times = TimeStyle.RELATIVE

    def __init__(
        self,
        *,
        row_key: Callable[[RowT], str],
        empty: str,
        clock: Callable[[], float] = time.time,
        plain: bool = False,
        id: str | None = None,
    ) -> None:
        """Make a table; ``LineTable`` tells what the arguments are."""
        self._now = clock()
        super().__init__(
            self.make_columns(), row_key=row_key, clock=clock, empty=empty, plain=plain, id=id
        )

    def make_columns(self) -> Sequence[Column[RowT]]:
        """The columns, of which some are from ``age_column``."""
        raise NotImplementedError

    def show(self, rows: Sequence[RowT], now: float, times: TimeStyle = TimeStyle.RELATIVE) -> None:
        """Show these rows, with ages as of ``now`` (seconds since the epoch), or ``times``."""
        if times is not self._times:
            self._times = times
            self.set_columns(self.make_columns())
        self.set_rows(rows)
        if now - self._now >= 1 or now < self._now:
            self._now = now
            self.repaint()

    @property
    def _tells_ages(self) -> bool:
        return self._times in {TimeStyle.RELATIVE, TimeStyle.OFF}

    def age_column(
        self,
        key: str,
        title: str,
        render: Callable[[RowT, int], Spans],
        *,
        priority: int,
        extra: bool = False,
    ) -> Column[RowT]:
        """A column of ages, or of times, as wide as these are."""
        width = max(_AGE_CELLS if self._tells_ages else _TIME_CELLS, len(title))
        return Column(key, title, width, render, priority=priority, align="right", extra=extra)

    def age_spans(self, at: float, width: int) -> Spans:
        """How long ago ``at`` (seconds since the epoch) was, or when."""
        if self._tells_ages:
            text = ago(self._now - at)
        else:
            text = moment(datetime.fromtimestamp(at, UTC), self._times, self._now)
        return ((fit(text, width, "right"), "muted"),)
