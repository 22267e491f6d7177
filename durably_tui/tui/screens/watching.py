"""A place that looks at one run in detail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from textual import on
from textual.getters import query_one

from durably_tui.protocol import Run, RunStatus
from durably_tui.state import JobRunState
from durably_tui.tui.commands import Command
from durably_tui.tui.inspector import Inspector
from durably_tui.tui.run_past import RunPast
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.event_pane import EventPane
from durably_tui.tui.widgets.json_pane import JsonPane
from durably_tui.tui.widgets.log_pane import LogPane
from durably_tui.tui.widgets.log_view import LogView
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.waterfall import Waterfall

from .live import LiveScreen

_WITH_KEYS = (LogPane, JsonPane, EventPane, Waterfall)


class WatchingScreen(LiveScreen):
    """What Runs and a run in full have in common: the panes of one run, watched."""

    detail = query_one(RunDetail)

    def __init__(self, session: Session) -> None:
        """Show ``session``."""
        super().__init__(session)
        # Textual asks which keys apply before a screen is mounted.
        self.inspector = Inspector(session.hooks, self.changed)
        self._past = RunPast(session.hooks.port, self.changed)
        self._held_run: str | None = None
        """The run that is held still once the picture is paused."""

    async def on_unmount(self) -> None:
        """Let the run go."""
        await self._past.aclose()
        await self.inspector.aclose()

    @property
    def seen(self) -> JobRunState | None:
        """What is known of the run that is looked at."""
        return self.inspector.state

    @contextlib.contextmanager
    def optimistic(self, run: Run, status: RunStatus | None) -> Iterator[None]:
        """Show a run so in the rows and, where it is looked at, in its panes."""
        with super().optimistic(run, status), self.inspector.optimistic(run, status):
            yield

    def paint_detail(self, now: float) -> None:
        """Show the run that is looked at."""
        run = self.current_run()
        self._held_run = run.id if run is not None else None
        self._paint_run(now)

    def _paint_run(self, now: float) -> None:
        run = self.current_run()
        self.detail.time_style = self.view.time_style
        self.detail.logs.time_style = self.view.log_times
        self.detail.logs_above = self._past.above
        self.detail.logs_earlier = self._past.earlier
        self.detail.logs_whole = self._past.is_whole
        self.detail.show(run, self.seen, now)
        self._past.show(self.seen, self.detail.logs.store)

    def paint_paused(self, now: float) -> None:
        """The run that the cursor has gone to since the picture was paused."""
        run = self.current_run()
        if run is not None and run.id != self._held_run:
            self._paint_run(now)

    @on(LogPane.TimesChosen)
    def _log_times_chosen(self, event: LogPane.TimesChosen) -> None:
        self.view.log_times = event.style

    @on(LogView.EarlierWanted)
    def _earlier_wanted(self) -> None:
        self._past.more()

    def action_log(self, what: str) -> None:
        """Do one of ``LOGS``, as the palette asks."""
        self.detail.log_pane.do(what)

    def action_event(self, what: str) -> None:
        """Do one of ``EVENTS``, as the palette asks."""
        self.detail.events.action_event(what)

    def action_axis(self, what: str) -> None:
        """Do one of ``STEPS``, as the palette asks."""
        self.detail.steps.action_axis(what)

    def action_json(self, what: str) -> None:
        """Do one of ``JSON`` in the pane that is in front, as the palette asks."""
        if (pane := self.detail.json_in_front) is not None:
            pane.do(what)

    def offered(self) -> list[Command]:
        """While the keys are in a pane with commands of its own, those come first; their keys are
        not the place's."""
        commands = super().offered()
        around = self.focused.ancestors_with_self if self.focused is not None else ()
        own = next((pane.PANE_KEYS for pane in around if isinstance(pane, _WITH_KEYS)), None)
        if own is None:
            return commands
        mine = self.own_keys(own)
        taken = frozenset(key for command in mine for key in command.key_names)
        return [*mine, *(command for command in commands if not command.key_names & taken)]

    def current_run(self) -> Run | None:
        """The run that is looked at."""
        raise NotImplementedError

    async def refresh_state(self) -> None:
        """Fetch the page and the run."""
        await super().refresh_state()
        await self.inspector.refresh()
