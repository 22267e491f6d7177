"""A place that shows a live server: the bar on top, one run looked at, painting at its own pace."""

from __future__ import annotations

from collections import Counter
from typing import Any

from textual import work
from textual.getters import query_one

from durably_tui.protocol import Run
from durably_tui.state import JobRunState, Runs
from durably_tui.text import TimeStyle
from durably_tui.tui.bridge import PaintBridge
from durably_tui.tui.inspector import Inspector
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.status_bar import StatusBar

from .steering import SteeringScreen

_TIME_STYLES = (TimeStyle.RELATIVE, TimeStyle.LOCAL, TimeStyle.UTC)


class LiveScreen(SteeringScreen):
    """What Runs and a run in full have in common."""

    bar = query_one(StatusBar)
    detail = query_one(RunDetail)

    def __init__(self, session: Session, *, rows: Runs[Any, Any] | None, plain: bool) -> None:
        """Show ``session``; ``rows`` is the live page of runs, ``plain`` draws with ASCII."""
        super().__init__(session, rows=rows)
        self.plain = plain
        self.bridge: PaintBridge
        # Textual asks which keys apply before a screen is mounted.
        self.inspector = Inspector(session.hooks, self._changed)

    def begin_painting(self) -> None:
        """Paint now, on every change of the server's stream and of the run, and each second."""
        self.bridge = PaintBridge(self.app, self._paint_in_sight)
        for screen in self.app.screen_stack:
            if isinstance(screen, LiveScreen) and screen is not self:
                self.time_style_changed(screen.detail.time_style)
        self._leave_feed = self.session.hooks.feed.subscribe(lambda _state: self.bridge.poke())
        self._paint_in_sight()
        # Ages grow and attempts come nearer though nothing happens.
        self.set_interval(1.0, self._paint_in_sight)

    async def on_unmount(self) -> None:
        """Let the server go."""
        self._leave_feed()
        self.bridge.close()
        await self.inspector.aclose()

    def _changed(self) -> None:
        self.bridge.poke()

    def on_screen_resume(self) -> None:
        """Show what came while another place was in front."""
        self.bridge.poke()

    def _paint_in_sight(self) -> None:
        if self.in_sight:
            now = self.session.clock()
            self._paint_bar(now)
            self.paint(now)
            self.refresh_keys()

    def paint(self, now: float) -> None:
        """Show the state as it is at ``now``, in seconds since the epoch."""
        raise NotImplementedError

    @property
    def seen(self) -> JobRunState | None:
        """What is known of the run that is looked at."""
        return self.inspector.state

    def _paint_bar(self, now: float) -> None:
        session, bar = self.session, self.bar
        bar.server_name = session.name
        bar.address = session.url
        bar.connection = session.hooks.feed.connection
        bar.generation = session.hooks.port.abilities.generation
        bar.rates = session.hooks.feed.per_second(20)
        bar.read_only = session.read_only
        bar.now = now
        if self.rows is not None:
            bar.counts = Counter(run.status for run in self.rows.runs)

    def paint_detail(self, run: Run | None, now: float) -> None:
        """Show the run that is looked at."""
        self.detail.show(run, self.seen, now)

    def open_run(self, run: Run) -> None:
        """Go to a run in full."""
        from .run import RunScreen

        self.app.push_screen(RunScreen(self.session, run, rows=self.rows, plain=self.plain))

    @work(exclusive=True, group="refreshes", exit_on_error=False)
    async def action_refresh(self) -> None:
        """Fetch from the server now."""
        if self.rows is not None:
            await self.rows.refresh()
        await self.inspector.refresh()

    def action_time_format(self) -> None:
        """Relative, local, UTC."""
        at = _TIME_STYLES.index(self.detail.time_style)
        style = _TIME_STYLES[(at + 1) % len(_TIME_STYLES)]
        for screen in self.app.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.time_style_changed(style)
        self.bridge.poke()
        self.say(f"Times are {self.detail.time_style}.")

    def time_style_changed(self, style: TimeStyle) -> None:
        """Write times the other way."""
        self.detail.time_style = style
