"""What Jobs and Errors have in common: a table of summaries, and a detail of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from durably_tui.filters import Filter, parse
from durably_tui.protocol import DurablyError, Phase
from durably_tui.text import safe
from durably_tui.tui.commands import Command
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.filter_line import FilterLine
from durably_tui.tui.widgets.key_footer import KeyFooter
from durably_tui.tui.widgets.line_table import LineTable
from durably_tui.tui.widgets.scope_line import ScopeLine
from durably_tui.tui.widgets.sorting import Order, Sorting
from durably_tui.tui.widgets.status_bar import StatusBar

from .place import PlaceScreen
from .runs_scope import said

DETAIL_LINES = 16
"""On a screen with fewer lines there is no detail."""
SETTLE_SECONDS = 0.2
"""How long the cursor must rest on a row before the server is asked about it."""

FILTER = Command("filter", "slash", "filter", "Say which to show", "Table", shown="/")
SORT = (
    Command("sort", "s", "sort", "Sort by the next column", "Table", footer=False),
    Command("sort_way", "S", "sort way", "Sort the other way round", "Table", footer=False),
)


class SummaryScreen(PlaceScreen):
    """A place with a table over what became of many runs."""

    CSS_PATH = "summary.tcss"

    scope = query_one("#scope", ScopeLine)
    trouble = query_one("#trouble", Static)
    filter_line = query_one(FilterLine)

    ORDERS: ClassVar[Mapping[str, Order[Any]]] = {}
    """By which columns the table can be sorted; by the first of them it is."""

    def __init__(self, session: Session) -> None:
        """Show ``session``."""
        super().__init__(session)
        self.sorting = Sorting.by_first(self.ORDERS)
        self.filter = Filter()
        self._began_on: str | None = None
        """The row under the cursor while it was not known yet what there is."""

    def make_table(self) -> Widget:
        """The table; its id is ``table``."""
        raise NotImplementedError

    def make_detail(self) -> Widget:
        """What stands below or beside it; its id is ``detail``."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The bar, what is shown, the table, the detail and the keys."""
        yield StatusBar(plain=self.view.plain)
        yield ScopeLine(id="scope")
        yield (line := FilterLine(self.session.seen))
        yield line.choices
        yield Static(id="trouble")
        with Container(id="body"):
            yield self.make_table()
            yield self.make_detail()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Draw the frame first; only then ask the server."""
        self.query_one("#table").focus()
        self.begin_painting()
        self.call_after_refresh(self.begin)

    def begin(self) -> None:
        """Open what this place shows."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """The detail stands beside the table on a wide screen, and gives way on a low one."""
        self.query_one("#detail").display = self.size.height >= DETAIL_LINES
        self.set_class(self.size.width >= 180, "-wide")

    def paint_scope(self, *parts: str) -> None:
        """Say what is shown; what of the filter made no sense comes first."""
        line = Content(" · ".join(part for part in parts if part))
        if self.filter.problems:
            line = Content.styled(f"{said(self.filter.problems)}  ", "$text-warning") + line
        self.scope.say(line)

    def wrong(self, error: DurablyError | None) -> DurablyError | None:
        """What keeps this place from being as the server has it."""
        connection = self.session.hooks.feed.connection
        return error or (connection.error if connection.phase is not Phase.LIVE else None)

    def paint_trouble(self, error: DurablyError | None) -> None:
        """Tell what is wrong, or nothing."""
        self.trouble.display = error is not None
        if error is not None:
            self.trouble.update(Content(safe(str(error), limit=400)))

    def show_sort(self) -> None:
        """Mark in the header by which column the table is sorted."""
        table = self.query_one("#table", LineTable)
        table.show_sort(self.sorting.column, rising=self.sorting.rising)

    def begin_on_top(self, table: LineTable[Any], *, known: bool) -> None:
        """Put the cursor on the first row once it is ``known`` what there is, unless somebody has
        moved it: before that, whatever the stream told of first was the only row."""
        if not known:
            self._began_on = self._began_on or table.cursor_key
        elif self._began_on is not None:
            if table.cursor_key == self._began_on:
                table.action_cursor_first()
            self._began_on = None

    # -- order -----------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the next column."""
        table = self.query_one("#table", LineTable)
        self._sort(self.sorting.after(table.shown_columns))

    def action_sort_way(self) -> None:
        """Sort the other way round."""
        self._sort(self.sorting.turned())

    @on(LineTable.HeaderClicked)
    def _sort_by(self, event: LineTable.HeaderClicked) -> None:
        self._sort(self.sorting.by(event.column))

    def _sort(self, sorting: Sorting[Any]) -> None:
        self.sorting = sorting
        self._show()

    # -- filter ----------------------------------------------------------------------------

    @property
    def filter_text(self) -> str:
        """The filter, as it would be typed."""
        return str(self.filter)

    def show_only(self, filter: str) -> None:
        """Show what a filter wants."""
        self.filter = parse(filter)
        self.filter_line.remember(str(self.filter))
        self._show()

    def _show(self) -> None:
        self.query_one("#table", LineTable).seek_cursor()
        self.show_anew()

    def action_filter(self) -> None:
        """Ask what to show."""
        self.filter_line.open(str(self.filter))

    @on(FilterLine.Submitted, "#filter")
    def _filter_given(self, event: FilterLine.Submitted) -> None:
        self.show_only(event.value)
        self._leave_filter()

    @on(FilterLine.Left)
    def _leave_filter(self) -> None:
        self.filter_line.close(self.query_one("#table"))

    def clear(self) -> bool:
        """Go back to the table; from there, show all again."""
        table = self.query_one("#table")
        if not table.has_focus:
            table.focus()
        elif self.filter:
            self.show_only("")
        else:
            return False
        return True

    def go_to_runs(self, filter: Filter) -> None:
        """Go to the runs that a filter wants."""
        self.lead(partial(self.monitor.navigator.go, "runs", filter=str(filter)))
