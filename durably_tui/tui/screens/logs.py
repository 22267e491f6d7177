"""The place Logs: the lines of all runs, or of some, in one log that follows its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from durably_tui.protocol import Phase, Run
from durably_tui.state import MergedLogs, Past
from durably_tui.text import safe, short_id
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.pane_keys import LOGS
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.key_footer import KeyFooter
from durably_tui.tui.widgets.log_above import above_text, earlier_of
from durably_tui.tui.widgets.log_pane import LogPane
from durably_tui.tui.widgets.log_view import LogView
from durably_tui.tui.widgets.scope_line import ScopeLine
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL, MOVE_IN_ONE, REPLAY, VIEW
from .place import LEAVE, PlaceScreen

_OF_RUN = "run:"


class LogsScreen(PlaceScreen):
    """What all runs write, as they write it."""

    CSS_PATH = "logs.tcss"
    PLACE = "Logs"
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE_IN_ONE,
        *REPLAY,
        # Esc is that of the place, which asks the log first.
        *(command for command in LOGS if "escape" not in command.key_names),
        Command("all_runs", "a", "all runs", "The lines of all runs again", "Logs", footer=False),
        *(command for command in VIEW if command.action != "copy_run"),
        *GENERAL,
        *LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        c for c in KEYS if c not in MOVE_IN_ONE and c not in LOGS
    )

    scope = query_one("#scope", ScopeLine)
    trouble = query_one("#trouble", Static)
    pane = query_one(LogPane)

    def __init__(self, session: Session) -> None:
        """Show the log of ``session``."""
        super().__init__(session)
        self.logs: MergedLogs | None = None
        self._runs: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """The bar, what is shown, the log and the keys."""
        yield StatusBar(plain=self.view.plain)
        yield ScopeLine(id="scope")
        yield Static(id="trouble")
        yield LogPane(clock=self.session.clock, opens_runs=True, id="logs")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Draw the frame first; only then ask the server."""
        self.pane.view.focus()
        self.begin_painting()
        self.call_after_refresh(self.show_runs, self._runs)

    async def on_unmount(self) -> None:
        """Let the streams go."""
        if self.logs is not None:
            await self.logs.aclose()

    def current_run(self) -> Run | None:
        """Which run a line is of is known; how that run stands is not."""
        return None

    async def show_runs(self, runs: Sequence[str]) -> None:
        """Show the lines of these runs, or of all for none."""
        self._runs = tuple(runs)
        if self.logs is not None:
            await self.logs.aclose()
        self.logs = self.session.hooks.use_merged_logs(self._runs)
        self.logs.subscribe(lambda _state: self.changed())
        self.pane.view.show_store(self.logs.lines)
        self.logs.start()
        self.show_anew()

    # -- painting --------------------------------------------------------------------------

    @property
    def is_filled(self) -> bool:
        """Whether the newest lines have come."""
        return self.logs is not None and (
            len(self.logs.lines) > 0 or self.logs.state.past not in {Past.LOADING, Past.MORE}
        )

    def paint(self, now: float) -> None:
        """The lines, whose they are, and what is wrong."""
        view = self.pane.view
        view.time_style = self.view.log_times
        if self.logs is not None:
            state = self.logs.state
            view.above = above_text(state.past, state.error, self.logs.lines)
            view.earlier = earlier_of(state.past, self.logs.lines)
            view.empty = self._nothing()
        self.pane.tick(now)
        self._paint_scope()

    def paint_paused(self, now: float) -> None:
        """Earlier lines that were asked for since the picture was paused."""
        if not self.pane.view.following:
            self.paint(now)

    def _nothing(self) -> str:
        if self.session.hooks.feed.connection.phase is not Phase.LIVE:
            return "This server has reported no log lines yet."
        if self._runs:
            seen = "These runs have written no log lines that were seen."
            return f"{seen} {self.key_of('all_runs')} shows those of all runs."
        return "No log lines yet. They appear here as runs write them."

    def _paint_scope(self) -> None:
        what = "log of all runs"
        if self._runs:
            ids = ", ".join(short_id(run_id) for run_id in self._runs[:4])
            more = f" and {len(self._runs) - 4} more" if len(self._runs) > 4 else ""
            plural = "" if len(self._runs) == 1 else "s"
            what = f"log of {len(self._runs)} run{plural}: {ids}{more}"
            what += f" · {self.key_of('all_runs')} shows all runs"
        self.scope.say(Content(what))

    def tell_trouble(self) -> None:
        """Say why the log is not live."""
        connection = self.session.hooks.feed.connection
        error = connection.error if connection.phase is not Phase.LIVE else None
        self.trouble.display = error is not None
        if error is not None:
            self.trouble.update(Content(safe(str(error), limit=400)))

    # -- filter ----------------------------------------------------------------------------

    @property
    def filter_text(self) -> str:
        """The runs, and what is shown of their lines."""
        only = self.pane.view.only
        words = [f"{_OF_RUN}{run_id}" for run_id in self._runs]
        return " ".join([*words, only.pattern] if only is not None else words)

    def show_only(self, filter: str) -> None:
        """Show the lines of the runs in ``run:ID`` words, or of all, that match the other words."""
        words = filter.split()
        runs = [word[len(_OF_RUN) :] for word in words if word.startswith(_OF_RUN)]
        rest = " ".join(word for word in words if not word.startswith(_OF_RUN))
        self.call_after_refresh(self.show_runs, runs)
        self.call_after_refresh(self.pane.view.set_show_only, rest)

    def clear(self) -> bool:
        """Clear the search, then the filter, then show all runs."""
        view = self.pane.view
        if view.looking.pattern is not None or view.looking.wants:
            self.pane.do("clear")
        elif self._runs:
            self.call_later(self.show_runs, ())
        else:
            return False
        return True

    # -- commands --------------------------------------------------------------------------

    def action_log(self, what: str) -> None:
        """Do one of ``LOGS``, as the palette asks."""
        self.pane.do(what)

    async def action_all_runs(self) -> None:
        """Show the lines of all runs."""
        if self._runs:
            await self.show_runs(())

    @on(LogView.EarlierWanted)
    def _earlier_wanted(self) -> None:
        if self.logs is not None:
            self.logs.load_earlier()

    @on(LogPane.TimesChosen)
    def _times_chosen(self, event: LogPane.TimesChosen) -> None:
        self.view.log_times = event.style

    @on(LogPane.Opened)
    def _opened(self, event: LogPane.Opened) -> None:
        run_id = event.pane.view.store.line(event.number, 0).source.run_id
        if run_id:
            self.open_run_by_id(run_id, pane="logs")

    async def refresh_state(self) -> None:
        """Try again what could not be fetched."""
        if self.logs is not None:
            self.logs.load_earlier()
