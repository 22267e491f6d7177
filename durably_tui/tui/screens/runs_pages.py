"""Which runs the place Runs shows: those of a filter, in an order, by pages or all the way down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from textual import on
from textual.getters import query_one

from durably_tui.filters import Filter, matches, needs, only_status, parse
from durably_tui.protocol import Run, RunStatus
from durably_tui.state import AllRuns, Runs, RunsFilter, every_run
from durably_tui.tui.commands import Command
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.filter_line import FilterLine
from durably_tui.tui.widgets.run_sort import Sort
from durably_tui.tui.widgets.run_table import RunTable

from .marking import MarkingScreen
from .place import PlaceScreen
from .runs_source import RunsSource

_NARROWING_SECONDS = 3.0
"""So long after a new filter its first rows may take to come."""

PAGES = (
    Command("filter", "slash", "filter", "Say which runs to show", "Pages", shown="/"),
    Command("failed_only", "f", "failed", "Show only those that failed, or all again", "Pages"),
    Command(
        "older",
        "right_square_bracket",
        "older",
        "Older runs: the next page, or more of them below",
        "Pages",
        footer=False,
        shown="]",
    ),
    Command(
        "newer",
        "left_square_bracket",
        "newer",
        "Newer runs: the page before, or the first row",
        "Pages",
        footer=False,
        shown="[",
    ),
    Command("live", "0", "live", "The newest runs, which are live", "Pages", footer=False),
    Command("sort", "s", "sort", "Sort by the next column", "Pages", footer=False),
    Command("sort_way", "S", "sort way", "Sort the other way round", "Pages", footer=False),
)


class PagesScreen(PlaceScreen, MarkingScreen):
    """A place with the runs of a server, of which the user says which to show."""

    filter_line = query_one(FilterLine)

    def __init__(self, session: Session) -> None:
        """Show the runs of ``session``."""
        super().__init__(session)
        self._source: RunsSource | None = None
        self._filter = Filter()
        self._sort = Sort()
        self._asked_anew = False
        """Whether the rows of the filter, or in the order, that was asked for are still to come."""
        self._return_to: str | None = None
        self._narrowed: tuple[str | None, float] = None, 0.0
        """Where the cursor was when another filter came, and until when that one is new."""

    @property
    def rows(self) -> Runs[Any, Any] | AllRuns | None:
        """The runs that are shown; None before there are any."""
        return self._source.rows if self._source is not None else None

    def show_rows(self, source: RunsSource, now: float) -> None:
        """Show the rows as they are at ``now``, with the cursor where it belongs among them."""
        before = self.table.cursor_key
        if self._asked_anew:
            self.table.seek_cursor()
            self._asked_anew = not source.is_filled
        self.table.set_rows(source.table_rows(now), now=now)
        followed, until = self._narrowed
        if before == followed and self.table.cursor_key != followed and now < until:
            # Where one was is not among these: the newest of them is what one wants to see.
            self.table.action_cursor_first()
            self._narrowed = None, 0.0
        if self._return_to is not None and self.table.rows:
            self.table.move_cursor(self._return_to)
            self._return_to = None

    def return_to(self, run_id: str) -> None:
        """Put the cursor on a run once there are rows."""
        self._return_to = run_id

    # -- filter ----------------------------------------------------------------------------

    @property
    def filter_text(self) -> str:
        """The filter, as it would be typed."""
        return str(self._filter)

    def action_filter(self) -> None:
        """Ask which runs to show."""
        self.filter_line.open(str(self._filter))

    def action_failed_only(self) -> None:
        """Show only those that failed, or all again."""
        self.show_only(str(only_status(self._filter, RunStatus.FAILED)))

    def show_only(self, filter: str) -> None:
        """Show the runs that a filter wants: the server's part is asked there, the rest here."""
        self._filter = parse(filter)
        self.filter_line.remember(str(self._filter))
        self._narrowed = self.table.cursor_key, self.session.clock() + _NARROWING_SECONDS
        self._show()

    def _show(self) -> None:
        self._asked_anew = True
        if self._source is not None:
            self._source.show(self._filter, self._sort)
        self.show_anew()

    @on(FilterLine.Submitted, "#filter")
    def _filter_given(self, event: FilterLine.Submitted) -> None:
        self.show_only(event.value)
        self._leave_filter()

    @on(FilterLine.Left)
    def _leave_filter(self) -> None:
        self.filter_line.close(self.table)

    async def matching(self) -> AsyncIterator[list[Run]]:
        """Every run that the filter wants, on every page."""
        wanted = needs(self._filter)
        asked = RunsFilter(
            job_names=wanted.job_names, statuses=wanted.statuses, labels=wanted.labels
        )
        async for page in every_run(self.session.hooks.port, asked):
            now = self.session.clock()
            yield [run for run in page if matches(wanted.here, run, now)]

    # -- pages -----------------------------------------------------------------------------

    def action_older(self) -> None:
        """Go one page on, or fetch more of what is below."""
        rows = self.rows
        if rows is not None and not rows.has_more:
            self._say_last()
        elif isinstance(rows, Runs):
            rows.next_page()
            self.table.move_cursor(0)
        elif rows is not None:
            if rows.state.is_full:
                self.say(f"No more than {rows.state.loaded:,} are kept: narrow the filter.")
            rows.load_older()
            self.table.action_cursor_last()
        self.show_anew()

    def _say_last(self) -> None:
        last = "This is the last page: there" if isinstance(self.rows, Runs) else "There"
        self.say(f"{last} are no older runs.")

    def action_newer(self) -> None:
        """Go one page back, or to the first row."""
        if isinstance(self.rows, Runs) and self.rows.page:
            self.rows.prev_page()
            self.show_anew()
        self.table.move_cursor(0)

    def action_live(self) -> None:
        """Go to the newest runs."""
        if isinstance(self.rows, Runs):
            self.rows.go_to_page(0)
            self.show_anew()
        self.table.move_cursor(0)

    # -- order -----------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort = self._sort.after(self.table.shown_columns)
        self._show()

    @on(RunTable.HeaderClicked)
    def _sort_by(self, event: RunTable.HeaderClicked) -> None:
        self._sort = self._sort.by(event.column)
        self._show()

    def action_sort_way(self) -> None:
        """Sort the other way round."""
        self._sort = self._sort.turned()
        self._show()
