"""The table of servers: how each is doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from durably_tui.protocol.connection import Connection
from durably_tui.protocol.models import RunStatus
from durably_tui.text import Align, cells, fit, safe

from .line_table import Column, LineTable
from .line_view import Span, Spans
from .look import RUN_LOOKS
from .progress import count
from .status_bar import connection_spans, sparkline

_RIGHT: Align = "right"


@dataclass(frozen=True, slots=True)
class ServerRow:
    """What is told of a server."""

    name: str
    address: str
    connection: Connection | None = None
    generation: str = ""
    counts: Mapping[RunStatus, int] | None = None
    """None where they are not known."""
    at_least: frozenset[RunStatus] = frozenset()
    """Of which statuses it has perhaps more."""
    rates: Sequence[int] = ()
    read_only: bool = False
    production: bool = False
    is_here: bool = False
    """Whether it is the one that the other places show."""
    error: str = ""
    """Why it is not doing well."""


class ServerTable(LineTable[ServerRow]):
    """Servers, one a line; the key of a row is the server's name."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, plain: bool = False, id: str | None = None
    ) -> None:
        """Make a table of servers. ``clock`` gives seconds since the epoch."""
        self._now = clock()
        super().__init__(
            self._server_columns(),
            row_key=lambda row: row.name,
            clock=clock,
            empty="No server is configured.",
            plain=plain,
            id=id,
        )

    def show(self, rows: Sequence[ServerRow], now: float) -> None:
        """Show these servers as of ``now``, in seconds since the epoch."""
        self._now = now
        self.set_rows(rows)

    def _server_columns(self) -> tuple[Column[ServerRow], ...]:
        return (
            Column("server", "SERVER", 12, self._show_name, priority=0, want=18, grow=1, limit=30),
            Column(
                "connection",
                "CONNECTION",
                14,
                self._show_connection,
                priority=1,
                want=22,
                grow=3,
                limit=44,
            ),
            Column("running", "RUN", 4, self._count(RunStatus.RUNNING), priority=2, align=_RIGHT),
            Column("pending", "WAIT", 4, self._count(RunStatus.PENDING), priority=3, align=_RIGHT),
            Column("failed", "FAIL", 4, self._count(RunStatus.FAILED), priority=4, align=_RIGHT),
            Column("spark", "EVENTS/S", 10, self._show_spark, priority=6),
            Column("generation", "IS", 6, self._show_generation, priority=7),
            Column("flags", "", 10, self._show_flags, priority=5),
            Column("address", "ADDRESS", 20, self._show_address, priority=8, grow=4, extra=True),
            Column("trouble", "TROUBLE", 24, self._show_error, priority=9, grow=8, extra=True),
        )

    def _show_name(self, row: ServerRow, width: int) -> Spans:
        mark = ("*" if self.plain else "●") if row.is_here else " "
        name = without_scheme(row.name) if row.name == row.address else row.name
        return ((f"{mark} ", "accent"), (safe(name, limit=width), "text"))

    def _show_connection(self, row: ServerRow, width: int) -> Spans:
        if row.connection is None:
            return (("cannot be opened" if row.error else "not opened", "muted"),)
        for told in (row.connection, replace(row.connection, last_seen=None)):
            spans = connection_spans(told, self._now, plain=self.plain)
            if sum(cells(text) for text, _ in spans) <= width:
                return spans
        return connection_spans(row.connection, self._now, full=False, plain=self.plain)

    def _count(self, status: RunStatus) -> Callable[[ServerRow, int], Spans]:
        def show(row: ServerRow, width: int) -> Spans:
            if row.counts is None:
                return ((fit("-", width, "right"), "faint"),)
            number = row.counts.get(status, 0)
            style = RUN_LOOKS[status].style if number else "faint"
            told = f"{count(number)}+" if number and status in row.at_least else count(number)
            return ((fit(told, width, "right"), style),)

        return show

    def _show_spark(self, row: ServerRow, width: int) -> Spans:
        return ((sparkline(row.rates, width, plain=self.plain), "accent"),) if row.rates else ()

    def _show_generation(self, row: ServerRow, width: int) -> Spans:
        return ((safe(row.generation, limit=width), "muted"),)

    def _show_flags(self, row: ServerRow, width: int) -> Spans:
        flags: list[Span] = []
        if row.production:
            flags += [("PROD", "error-text"), (" ", "text")]
        if row.read_only:
            flags.append(("READ", "warn-text"))
        return tuple(flags)

    def _show_address(self, row: ServerRow, width: int) -> Spans:
        return ((safe(without_scheme(row.address), limit=width), "muted"),)

    def _show_error(self, row: ServerRow, width: int) -> Spans:
        return ((safe(row.error, limit=width), "error-text"),)


def without_scheme(address: str) -> str:
    """What tells an address from others, in as little room; that it is not encrypted is no news,
    that it is stays."""
    return address.removeprefix("http://")
