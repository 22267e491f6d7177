"""The place Runs: the table, its pages, and a preview of the run under the cursor."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from msgspec.structs import replace
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from durably_tui.protocol import DurablyError, Phase, Run
from durably_tui.state import AllRuns, AllRunsState, RunsState
from durably_tui.text import safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.filter_line import FilterLine
from durably_tui.tui.widgets.key_footer import KeyFooter
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.run_table import RunTable
from durably_tui.tui.widgets.scope_line import ScopeLine
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL, MOVE, REPLAY, STEER, VIEW
from .marking import MARK
from .place import LEAVE
from .runs_pages import PAGES, PagesScreen
from .runs_preview import PREVIEW, PREVIEW_LINES, PreviewScreen
from .runs_scope import PageKeys, none_matches, scope
from .runs_source import PAGE_SIZE, RunsSource

__all__ = ["PAGE_SIZE", "PREVIEW_LINES", "RunsScreen"]


class RunsScreen(PagesScreen, PreviewScreen):
    """Every run of the server, newest first."""

    CSS_PATH = "runs.tcss"
    PLACE = "Runs"
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE,
        *REPLAY,
        *STEER,
        *MARK,
        Command("open", "enter", "open", "Open the run in full", "Run", shown="Enter"),
        Command(
            "logs",
            "l",
            "logs",
            "Follow its logs in the preview; those of the marked runs in one log",
            "Run",
            footer=False,
        ),
        *PAGES,
        *PREVIEW,
        *VIEW,
        *GENERAL,
        *LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        c for c in KEYS if c not in MOVE and c.action != "open"
    )

    scope = query_one("#scope", ScopeLine)
    trouble = query_one("#trouble", Static)

    def __init__(self, session: Session) -> None:
        """Show the runs of ``session``."""
        super().__init__(session)
        self._troubled = ""
        self._looked = 0
        self._told: RunsState[Any, Any] | AllRunsState | None = None
        """The state of the rows that are shown: while paused one of before."""

    def compose(self) -> ComposeResult:
        """The bar, what is shown, the table, the preview and the keys."""
        yield StatusBar(plain=self.view.plain)
        yield ScopeLine(id="scope")
        yield (line := FilterLine(self.session.seen))
        yield line.choices
        yield Static(id="trouble")
        with Container(id="panes"):
            yield RunTable(clock=self.session.clock, id="runs", plain=self.view.plain)
            yield RunDetail(pane="logs", plain=self.view.plain, id="preview")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Draw the frame first; only then ask the server."""
        self.table.waiting = True
        self.table.focus()
        self.begin_painting()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        hooks = self.session.hooks
        hooks.feed.open()
        world = self.monitor.world
        if world is not None:
            self.table.choose_columns(world.config.columns)
        self._source = RunsSource(hooks, self.session.clock, self.changed, self._say_last)
        self._source.show(self._filter, self._sort)
        self.session.rows = self._source.rows
        self._source.start()

    async def on_unmount(self) -> None:
        """Let the page go."""
        if self._source is not None:
            await self._source.aclose()

    def current_run(self) -> Run | None:
        """The run under the cursor."""
        row = self.table.cursor_row
        return row.run if row is not None else None

    def by_now(self, run: Run) -> Run | None:
        """A run as it is by now, painted or not."""
        found = [] if self._source is None else self._source.get([run.id])
        return next(iter(found), None)

    # -- painting --------------------------------------------------------------------------

    @property
    def is_filled(self) -> bool:
        """Whether the rows that are wanted have come, or cannot."""
        source = self._source
        return source is not None and (source.is_filled or self._wrong(source.state) is not None)

    @work(exclusive=True, group="looks", exit_on_error=False)
    async def _look(self) -> None:
        """Find out what the server can do, for the bar and for the keys."""
        with contextlib.suppress(DurablyError):
            await self.session.hooks.port.probe()
            if self._source is not None:
                self._source.look()
            self.bridge.poke()

    @work(exclusive=True, group="turns", exit_on_error=False)
    async def _turn(self, source: RunsSource) -> None:
        """Go over from the page to all runs, or back."""
        if await source.turn():
            self.session.rows = source.rows
            self.changed()

    def paint(self, now: float) -> None:
        """The rows, what they are, and the run under the cursor."""
        connection = self.session.hooks.feed.connection
        if connection.epoch != self._looked:
            # After each connection: what comes back may be another server than what went.
            self._looked = connection.epoch
            self._look()
        if self._source is not None:
            if self._source.ready():
                self._turn(self._source)
            self._paint_table(self._source, now)
            if self.table.marked:
                self.see_marked(self._source.get(self.table.marked))
            self._told = self._source.state
            self._paint_scope(self._source, now)
        self.inspector.show(self.current_run())
        if self.detail.display:
            self.paint_detail(now)

    def paint_paused(self, now: float) -> None:
        """Older runs that one went down to since the picture was paused, marks, and the run under
        the cursor."""
        super().paint_paused(now)
        if self._source is not None and self._told is not None:
            if (rows := self._source.continued(self.table.rows)) is not None:
                self.table.set_rows(rows)
                self._told = self._source.state
                if isinstance(self._told, AllRunsState) and not self._told.searching:
                    self._told = replace(self._told, loaded=len(rows))
            self._reach()
            self._paint_scope(self._source, now)

    def _paint_scope(self, source: RunsSource, now: float) -> None:
        assert self._told is not None
        self.scope.say(
            scope(
                self._filter,
                self._told,
                shown=len(self.table.rows),
                marked=len(self.marks),
                gathered=self.gathered,
                of_before=source.is_of_before,
                phase=self.session.hooks.feed.connection.phase,
                now=now,
                sort=self._sort,
                keys=PageKeys(self.key_of("older"), self.key_of("live")),
            )
        )

    def _paint_table(self, source: RunsSource, now: float) -> None:
        state = source.state
        self.table.waiting = state.fetched_at is None and self._wrong(state) is None
        if state.fetched_at is None:
            self.table.empty = "This server has reported no runs yet."
        elif self._filter:
            keys = self.key_of("older"), self.key_of("back")
            self.table.empty = none_matches(self._filter, state, *keys)
        else:
            hint = "" if self.read_only else f" Press {self.key_of('trigger')} to trigger one."
            self.table.empty = f"No runs yet.{hint}"
        self.table.time_style = self.view.time_style
        self.table.as_of = state.stale_since
        self.table.show_sort(
            "" if self._sort.is_default else self._sort.column or "age", rising=self._sort.rising
        )
        self.show_rows(source, now)
        top = self.table.scroll_offset.y
        in_sight = self.table.rows[top : top + self.table.visible_rows]
        self.session.seen.take(row.run for row in in_sight)
        self.table.make_room_for(row.run.job_name for row in in_sight)
        self._reach()

    def _reach(self) -> None:
        """Say what is in sight, so that what comes next is fetched before one gets there."""
        if isinstance(self.rows, AllRuns):
            # What is not in the table yet, as while it is paused, came in above.
            above = max(0, len(self.rows.runs) - len(self.table.rows))
            top = above + self.table.scroll_offset.y
            self.rows.reach(top, top + self.table.visible_rows)

    def _wrong(self, state: RunsState[Any, Any] | AllRunsState) -> DurablyError | None:
        """What keeps the page from being as the server has it."""
        connection = self.session.hooks.feed.connection
        return state.error or (connection.error if connection.phase is not Phase.LIVE else None)

    def tell_trouble(self) -> None:
        """Say what keeps the page from being as the server has it."""
        error = self._wrong(self._source.state) if self._source is not None else None
        self.trouble.display = error is not None
        said = "" if error is None else safe(str(error), limit=400)
        if said and said != self._troubled:  # each exchange is a layout of the place
            self._troubled = said
            self.trouble.update(Content(said))

    # -- messages --------------------------------------------------------------------------

    @on(RunTable.RowHighlighted)
    def _highlighted(self) -> None:
        self.inspector.show(self.current_run())
        self._reach()
        self.bridge.poke()

    # -- commands --------------------------------------------------------------------------

    def refusal(self, command: Command) -> str | None:
        """Why a command does not apply to the run under the cursor."""
        if command.action == "open" and self.current_run() is None:
            return "There is no run here."
        return super().refusal(command)

    def action_open(self) -> None:
        """Open the run in full."""
        if run := self.current_run():
            self.open_run(run)

    def action_logs(self) -> None:
        """Follow the logs of the marked runs in one, or of the run under the cursor."""
        if self.marks:
            self.logs_of_marked()
        elif self.detail.display:
            self.detail.show_pane("logs")
        else:
            self.action_open()

    def clear(self) -> bool:
        """Leave the preview; from the table, take the marks away, then show all runs again."""
        if not self.table.has_focus:
            self.table.focus()
        elif self.marks or self.gathered is not None:
            self.unmark()
        elif self._filter:
            self.show_only("")
        else:
            return False
        return True
