"""The place Runs: the table, its pages, and a preview of the run under the cursor."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Footer, Static

from durably_tui.protocol import Phase, Run, RunStatus
from durably_tui.state import Runs, RunsState
from durably_tui.text import TimeStyle, safe
from durably_tui.tui.bridge import PaintBridge
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.inspector import Inspector
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.run_table import RunRow, RunTable
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL, MOVE, STEER, VIEW
from .steering import SteeringScreen

PAGE_SIZE = 50
PREVIEW_LINES = 16
"""On a screen with fewer lines there is no preview."""


class RunsScreen(SteeringScreen):
    """Every run of the server, newest first."""

    CSS_PATH = "runs.tcss"
    PLACE = "Runs"
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE,
        *STEER,
        Command("open", "enter", "open", "Open the run in full", "Run", shown="⏎"),
        Command("logs", "l", "logs", "Follow its logs in the preview", "Run"),
        Command("failed_only", "f", "failed", "Show failed runs only, and all again", "Pages"),
        Command(
            "older",
            "right_square_bracket",
            "older",
            "The next page: older runs",
            "Pages",
            footer=False,
            shown="]",
        ),
        Command(
            "newer",
            "left_square_bracket",
            "newer",
            "The page before: newer runs",
            "Pages",
            footer=False,
            shown="[",
        ),
        Command("live", "0", "live", "The first page, which is live", "Pages", footer=False),
        *VIEW,
        *GENERAL,
        Command(
            "back",
            "escape",
            "all",
            "Leave the preview, then show all runs",
            "General",
            footer=False,
            shown="Esc",
        ),
        Command("quit", "q", "quit", "Leave the monitor", "General"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        c for c in KEYS if c not in MOVE and c.action != "open"
    )

    bar = query_one(StatusBar)
    scope = query_one("#scope", Static)
    trouble = query_one("#trouble", Static)
    table = query_one(RunTable)
    preview = query_one(RunDetail)

    def __init__(self, session: Session, *, plain: bool = False) -> None:
        super().__init__(session)
        self._plain = plain
        self._runs: Runs[Any, Any] | None = None
        self._bridge: PaintBridge
        self._inspector: Inspector
        self._failed_only = False

    def compose(self) -> ComposeResult:
        """The bar, what is shown, the table, the preview and the keys."""
        yield StatusBar(plain=self._plain)
        yield Static(id="scope")
        yield Static(id="trouble")
        yield RunTable(id="runs", plain=self._plain)
        yield RunDetail(pane="logs", plain=self._plain, id="preview")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Draw the frame first; only then ask the server."""
        self._bridge = PaintBridge(self.app, self._paint)
        self._inspector = Inspector(self.session.hooks, self._bridge.poke)
        self.table.waiting = True
        self.table.focus()
        self._paint()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        hooks = self.session.hooks
        hooks.feed.open()
        self._runs = hooks.use_runs(page_size=PAGE_SIZE)
        self._runs.subscribe(lambda _state: self._bridge.poke())
        hooks.feed.subscribe(lambda _state: self._bridge.poke())
        self._runs.start()
        self.set_interval(1.0, self._tick)

    async def on_unmount(self) -> None:
        """Let the server go."""
        self._bridge.close()
        await self._inspector.aclose()
        if self._runs is not None:
            await self._runs.aclose()

    def on_screen_resume(self) -> None:
        """Show what came while another place was in front."""
        self._bridge.poke()

    def current_run(self) -> Run | None:
        """The run under the cursor."""
        row = self.table.cursor_row
        return row.run if row is not None else None

    def shown_runs(self) -> Runs[Any, Any] | None:
        """The rows of this page."""
        return self._runs

    # -- painting --------------------------------------------------------------------------

    def _tick(self) -> None:
        """Once a second: what shows an age or a waiting time."""
        if self.is_current:
            now = self.session.clock()
            self.table.tick(now)
            self._paint_bar(now)
            self._paint_preview(now)

    def _paint(self) -> None:
        """Show the state as it is now. Called by the bridge, at its pace."""
        if not self.is_current or not self.is_mounted:
            return
        now = self.session.clock()
        if self._runs is not None:
            state = self._runs.state
            self._paint_table(state, now)
            self._paint_scope(state)
            self._paint_trouble(state)
        self._paint_bar(now)
        self._paint_preview(now)

    def _paint_table(self, state: RunsState[Any, Any], now: float) -> None:
        self.table.waiting = state.fetched_at is None and state.error is None
        self.table.empty = (
            "No failed runs. Press f to see all."
            if self._failed_only
            else "No runs yet. Press t to trigger one."
        )
        rows = []
        for run in state.runs:
            seen = state.activity.get(run.id)
            rows.append(
                RunRow(
                    run,
                    step_name=seen.step_name if seen else None,
                    changed_at=seen.changed_at if seen else None,
                )
            )
        self.table.set_rows(rows, now=now)
        self._inspector.show(self.current_run())
        self.refresh_bindings()

    def _paint_scope(self, state: RunsState[Any, Any]) -> None:
        what = "failed runs" if self._failed_only else "all runs"
        live = "live" if state.page == 0 else "still (0 goes back to the live page)"
        parts = [what, f"page {state.page + 1}", live, f"{len(state.runs)} shown"]
        if state.has_more:
            parts.append("] older")
        if state.is_loading and state.fetched_at is not None:
            parts.append("fetching…")
        self.scope.update(Content.styled(" · ".join(parts), "$text-muted"))

    def _paint_trouble(self, state: RunsState[Any, Any]) -> None:
        connection = self.session.hooks.feed.connection
        error = state.error or (connection.error if connection.phase is not Phase.LIVE else None)
        self.trouble.display = error is not None
        if error is not None:
            self.trouble.update(Content(safe(str(error), limit=400)))

    def _paint_bar(self, now: float) -> None:
        paint_bar(self.bar, self.session, now)
        if self._runs is not None:
            counts: dict[RunStatus, int] = {}
            for run in self._runs.runs:
                counts[run.status] = counts.get(run.status, 0) + 1
            self.bar.counts = counts

    def _paint_preview(self, now: float) -> None:
        if self.preview.display:
            self.preview.show(self.current_run(), self._inspector.state, now)

    def on_resize(self) -> None:
        """The preview gives way on a low screen."""
        self.preview.display = self.size.height >= PREVIEW_LINES

    # -- messages --------------------------------------------------------------------------

    @on(RunTable.RowHighlighted)
    def _highlighted(self) -> None:
        self._inspector.show(self.current_run())
        self._bridge.poke()
        self.refresh_bindings()

    @on(RunTable.RowSelected)
    def _selected(self) -> None:
        if run := self.current_run():
            self.open_run(run)

    # -- commands --------------------------------------------------------------------------

    def action_open(self) -> None:
        """Open the run in full."""
        if run := self.current_run():
            self.open_run(run)

    def action_logs(self) -> None:
        """Follow the run's logs."""
        if self.preview.display:
            self.preview.show_pane("logs")
        else:
            self.action_open()

    def action_failed_only(self) -> None:
        """Show failed runs only, or all again."""
        self._failed_only = not self._failed_only
        if self._runs is not None:
            self._runs.set_query(status=RunStatus.FAILED if self._failed_only else None)

    def action_older(self) -> None:
        """Go one page on."""
        if self._runs is None:
            return
        if self._runs.has_more:
            self._runs.next_page()
            self.table.move_cursor(0)
        else:
            self.say("This is the last page: there are no older runs.")

    def action_newer(self) -> None:
        """Go one page back."""
        if self._runs is not None and self._runs.page:
            self._runs.prev_page()
            self.table.move_cursor(0)

    def action_live(self) -> None:
        """Go to the live page."""
        if self._runs is not None:
            self._runs.go_to_page(0)
            self.table.move_cursor(0)

    @work(exclusive=True, group="refreshes", exit_on_error=False)
    async def action_refresh(self) -> None:
        """Fetch the page and the run now."""
        if self._runs is not None:
            await self._runs.refresh()
        await self._inspector.refresh()

    def action_time_format(self) -> None:
        """Relative, local, UTC."""
        self.table.time_style = next_time_style(self.table.time_style)
        self.preview.time_style = self.table.time_style
        self._bridge.poke()
        self.say(f"Times are {self.table.time_style}.")

    def action_back(self) -> None:
        """Leave the preview; from the table, show all runs again."""
        if not self.table.has_focus:
            self.table.focus()
        elif self._failed_only:
            self.action_failed_only()

    def action_quit(self) -> None:
        """Leave the monitor."""
        self.app.exit()


def paint_bar(bar: StatusBar, session: Session, now: float) -> None:
    """What the bar on top says in every place."""
    feed = session.hooks.feed
    bar.server_name = session.name
    bar.address = session.url
    bar.connection = feed.connection
    bar.generation = session.hooks.port.abilities.generation
    bar.rates = feed.per_second(20)
    bar.read_only = session.read_only
    bar.now = now


def next_time_style(style: TimeStyle) -> TimeStyle:
    """The way to write times that follows ``style``."""
    order = (TimeStyle.RELATIVE, TimeStyle.LOCAL, TimeStyle.UTC)
    return order[(order.index(style) + 1) % len(order)] if style in order else order[0]
