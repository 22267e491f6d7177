"""Every event of a run as it came, one a line; the one under the cursor unfolds as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from durably_tui.shapes import event_json
from durably_tui.state import SeenEvent
from durably_tui.text import TimeStyle, fit, moment, safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.pane_keys import EVENTS

from .json_pane import JsonPane
from .line_table import Column, LineTable
from .line_view import Spans

_SAID_ALREADY = frozenset({"type", "runId", "jobName", "labels", "timestamp", "sequence"})
"""What every event of a run has, or a column of its own."""
_STYLES = {"complete": "completed", "fail": "failed", "cancel": "cancelled", "retry": "pending"}

Numbered = tuple[int, SeenEvent]
"""An event, and the number of it among those that were seen of its run."""


class EventPane(Vertical):
    """Events, oldest first; the cursor on the last one goes on with what comes."""

    PANE_KEYS: ClassVar[tuple[Command, ...]] = EVENTS
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVENTS)
    DEFAULT_CSS = """
    EventPane {
        height: 1fr;
        .note { height: auto; padding: 0 1; color: $text-muted; display: none; }
        LineTable { height: 1fr; }
        JsonPane { display: none; height: 1fr; border-top: solid $foreground 15%; }
    }
    """

    note = query_one(".note", Static)
    table = query_one(LineTable)
    json = query_one(JsonPane)

    def __init__(self, *, plain: bool = False, id: str | None = None) -> None:
        """Show nothing yet; ``plain`` draws with ASCII only."""
        super().__init__(id=id)
        self._plain = plain
        self._style = TimeStyle.LOCAL
        self._now = 0.0
        self._last: SeenEvent | None = None
        self._count = 0
        self._said: str | None = None

    def compose(self) -> ComposeResult:
        """What is missing, the events, then the one that is unfolded."""
        yield Static(classes="note")
        yield LineTable[Numbered](
            (
                Column("time", "TIME", 13, self._show_time, priority=1),
                Column("type", "EVENT", 15, self._show_type, priority=0, want=18),
                Column("what", "WHAT", 10, self._show_what, priority=2, grow=1),
            ),
            row_key=lambda row: str(row[0]),
            empty="No events of this run were seen.",
            plain=self._plain,
        )
        yield JsonPane()

    def on_mount(self) -> None:
        """Have the footer tell of Enter, which belongs to the table."""
        unfold = EVENTS[0]
        self.table.tell_enter(unfold.name, unfold.label, unfold.help)

    def show(
        self,
        events: Sequence[SeenEvent],
        *,
        forgotten: int,
        missing: str,
        style: TimeStyle,
        now: float,
    ) -> None:
        """Show the events of a run.

        Args:
            events: In the order in which they came.
            forgotten: How many came before them and are not kept any more.
            missing: What is said where the first of them is not the first of the run, else "".
            style: How times are written.
            now: Seconds since the epoch.
        """
        self._now = now
        if style is not self._style:
            self._style = style
            self.table.repaint()
        if missing != self._said:
            self._said = missing
            self.note.update(Content(missing))
            self.note.display = bool(missing)
        last = events[-1] if events else None
        if last is self._last and len(events) == self._count:
            return
        follow = not self.table.rows or self.table.cursor_index == self._count - 1
        self._last, self._count = last, len(events)
        rows = list(enumerate(events, forgotten + 1))
        self.table.set_rows(rows)
        if follow:
            self.table.move_cursor(len(rows) - 1)

    def clear(self) -> None:
        """Forget the run."""
        self._last, self._count = None, 0
        self.table.set_rows(())
        self.json.display = False

    # -- unfolding -------------------------------------------------------------------------

    @on(LineTable.RowSelected)
    def _toggle(self, event: LineTable.RowSelected) -> None:
        event.stop()
        self.do_unfold()

    @on(LineTable.RowHighlighted)
    def _follow(self, event: LineTable.RowHighlighted) -> None:
        event.stop()
        if self.json.display:
            self._show_json()

    def action_event(self, what: str) -> None:
        """Do one of ``EVENTS``, by its name."""
        getattr(self, f"do_{what}")()

    def do_unfold(self) -> None:
        """Show the event under the cursor as JSON, or hide it again."""
        self.json.display = not self.json.display and self.table.cursor_row is not None
        if self.json.display:
            self._show_json()

    def do_copy(self) -> None:
        """Copy the event under the cursor as JSON."""
        if (row := self.table.cursor_row) is not None:
            text = json.dumps(event_json(row[1].event), ensure_ascii=False, default=str)
            self.app.copy_to_clipboard(text.encode("utf-8", "replace").decode())
            self.notify("Copied the event as JSON.", markup=False)

    def _show_json(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            self.json.show(event_json(row[1].event))

    # -- columns ---------------------------------------------------------------------------

    def _show_time(self, row: Numbered, width: int) -> Spans:
        style = TimeStyle.LOCAL if self._style is TimeStyle.RELATIVE else self._style
        at = row[1].event.timestamp or datetime.fromtimestamp(row[1].at, UTC)
        text = moment(at, style, self._now, milliseconds=True)
        # On a narrow screen the time of the day says more than the date.
        return ((fit(text if len(text) <= width else text[-width:], width), "muted"),)

    def _show_type(self, row: Numbered, width: int) -> Spans:
        kind = row[1].event.type
        return ((safe(kind, limit=width + 1), _STYLES.get(kind.rpartition(":")[2], "text")),)

    def _show_what(self, row: Numbered, width: int) -> Spans:
        fields: dict[str, Any] = event_json(row[1].event)
        untold = _SAID_ALREADY
        told = []
        if row[1].event.sequence == 0:  # made up from the run for who comes late
            untold = untold | {"duration"}
            told.append("as it stood when it was opened")
        told += [
            f"{name}={_short(value, width)}" for name, value in fields.items() if name not in untold
        ]
        return ((safe("  ".join(told), limit=width + 1), "muted"),)


def _short(value: Any, width: int) -> str:
    """A value on one line, as far as there is room."""
    if isinstance(value, str):
        return value[: width + 1]
    if isinstance(value, (dict, list)) and len(value) > width:
        return f"{len(value)} items"
    try:
        return json.dumps(value, ensure_ascii=False, default=str)[: width + 1]
    except (RecursionError, ValueError):
        return "…"
