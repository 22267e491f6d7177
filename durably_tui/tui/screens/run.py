"""A run in full: overview, steps, logs, input and output, live."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Footer, Static

from durably_tui.protocol import Run
from durably_tui.state import JobRunState
from durably_tui.text import safe, short_id
from durably_tui.tui.bridge import PaintBridge
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.inspector import Inspector
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.look import run_look
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL, MOVE, STEER, VIEW
from .runs import next_time_style, paint_bar
from .steering import SteeringScreen


class RunScreen(SteeringScreen):
    """One run on the whole screen."""

    CSS_PATH = "runs.tcss"
    PLACE = "A run"
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE,
        *STEER,
        Command(
            "pane('overview')",
            "v",
            "overview",
            "What the run is and how it stands",
            "Panes",
            footer=False,
        ),
        Command("pane('steps')", "s", "steps", "Its steps on a time axis", "Panes"),
        Command("pane('logs')", "l", "logs", "Its log lines", "Panes"),
        Command("pane('input')", "i", "input", "What it was given", "Panes"),
        Command("pane('output')", "e", "output", "What it made, or its error", "Panes", shown="e"),
        Command("next_pane(1)", "right", "next pane", "The next pane", "Panes", footer=False),
        Command("next_pane(-1)", "left", "pane before", "The pane before", "Panes", footer=False),
        *VIEW,
        *GENERAL,
        Command("back", "escape,q", "back", "Back to the runs", "General", shown="q Esc"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(c for c in KEYS if c not in MOVE)

    bar = query_one(StatusBar)
    scope = query_one("#scope", Static)
    detail = query_one(RunDetail)

    def __init__(
        self, session: Session, run: Run, *, plain: bool = False, pane: str = "overview"
    ) -> None:
        super().__init__(session)
        self._run = run
        self._plain = plain
        self._pane = pane
        self._bridge: PaintBridge
        self._inspector: Inspector

    def compose(self) -> ComposeResult:
        """The bar, the run's headline, its panes and the keys."""
        yield StatusBar(plain=self._plain)
        yield Static(id="scope")
        yield RunDetail(pane=self._pane, plain=self._plain, id="detail")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin with what the table had."""
        self._bridge = PaintBridge(self.app, self._paint)
        self._inspector = Inspector(self.session.hooks, self._bridge.poke)
        self._inspector.show(self._run, settle=0.0)
        self.session.hooks.feed.subscribe(lambda _state: self._bridge.poke())
        self._paint()
        self.detail.show_pane(self._pane)
        self.set_interval(1.0, self._bridge.poke)

    async def on_unmount(self) -> None:
        """Let the run go."""
        self._bridge.close()
        await self._inspector.aclose()

    @property
    def _state(self) -> JobRunState | None:
        return self._inspector.state

    def current_run(self) -> Run | None:
        """This run, as the server last described it."""
        state = self._state
        return state.run if state is not None and state.run is not None else self._run

    def gone(self, run: Run) -> None:
        """A deleted run has no place to be shown."""
        self.dismiss()

    def _paint(self) -> None:
        if not self.is_current or not self.is_mounted:
            return
        now = self.session.clock()
        paint_bar(self.bar, self.session, now)
        run = self.current_run()
        self.detail.show(run, self._state, now)
        if run is not None:
            headline = [
                run_look(run).label(plain=self._plain),
                safe(run.job_name),
                short_id(run.id),
            ]
            if self._state is not None and self._state.is_gone:
                headline.append("gone from the server")
            self.scope.update(Content.styled("  ".join(headline), "bold"))
        self.refresh_bindings()

    # -- commands --------------------------------------------------------------------------

    def action_pane(self, pane: str) -> None:
        """Bring a pane to the front."""
        self.detail.show_pane(pane)

    def action_next_pane(self, by: int) -> None:
        """Bring the next pane to the front."""
        self.detail.step_pane(by)

    @work(exclusive=True, group="refreshes", exit_on_error=False)
    async def action_refresh(self) -> None:
        """Ask the server about the run now."""
        await self._inspector.refresh()

    def action_time_format(self) -> None:
        """Relative, local, UTC."""
        self.detail.time_style = next_time_style(self.detail.time_style)
        self._bridge.poke()
        self.say(f"Times are {self.detail.time_style}.")

    def action_back(self) -> None:
        """Back to where the run was opened."""
        self.dismiss()
