"""A place that shows a live server: the bar on top, painting at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual import work
from textual.getters import query_one

from durably_tui.protocol import Run
from durably_tui.state import FeedState
from durably_tui.state.store import Unsubscribe
from durably_tui.tui.bridge import PaintBridge
from durably_tui.tui.commands import Command
from durably_tui.tui.places import PLACES
from durably_tui.tui.session import Session
from durably_tui.tui.verbs import Verb
from durably_tui.tui.view import View
from durably_tui.tui.widgets.line_view import LineView
from durably_tui.tui.widgets.outage_line import OutageLine
from durably_tui.tui.widgets.replay_mark import ReplayMark
from durably_tui.tui.widgets.scope_line import ScopeLine
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL
from .steering import SteeringScreen

if TYPE_CHECKING:
    from durably_tui.tui.app import MonitorApp

_HOLD_HELP = "Pause the replay, or let it go on; at its end, begin again"


class LiveScreen(SteeringScreen):
    """What every place and a run in full have in common.

    Paints on every change of the server's stream, at most so often, and by itself, as ages grow and
    attempts come nearer; not while the picture is paused, nor while another place is in front.
    """

    bar = query_one(StatusBar)

    def __init__(self, session: Session) -> None:
        """Show ``session``."""
        super().__init__(session)
        self.bridge: PaintBridge
        self._leave_counts: Unsubscribe | None = None
        self._held = 0
        """In which pause what is shown was last held."""
        self._painted_at_event = 0
        """How many events had come when what happened was painted last."""
        if session.replaying is not None:
            # It is the key that is wanted most there, so the footer shows it.
            for key, bound in self._bindings.key_to_bindings.items():
                self._bindings.key_to_bindings[key] = [
                    replace(each, show=True, description="hold") if each.action == "pause" else each
                    for each in bound
                ]

    @property
    def place_name(self) -> str:
        """The name of the place that this is; empty for what is opened over one."""
        return ""

    @property
    def monitor(self) -> MonitorApp:
        """The app, as what it is."""
        return cast("MonitorApp", self.app)

    @property
    def view(self) -> View:
        """How the user looks at things."""
        return self.session.view

    def begin_painting(self) -> None:
        """Paint now, and from now on. To be called once the screen is mounted."""
        self._outage = OutageLine()
        self.mount(self._outage, after=self.bar)
        self._tell_places()
        self.bridge = PaintBridge(self.app, self._paint_in_sight, ticks=True)
        feed = self.session.hooks.feed
        self._fed_last = feed.state
        self._leave_feed = feed.subscribe(self._fed)
        for view in self.query(LineView):
            # Also by the wheel, of which nobody else tells: there is more to fetch, and to tick.
            self.watch(view, "scroll_y", self.changed, init=False)
        # Before the first frame: what is known of the server is not to be found out anew.
        self._paint_bar(self.session.clock())
        self._paint_in_sight()
        self.bridge.poke()

    async def on_unmount(self) -> None:
        """Let the server go."""
        self._leave_feed()
        if self._leave_counts is not None:
            self._leave_counts()
        self.bridge.close()

    def _tell_places(self) -> None:
        """The places, with the keys that the user gave them."""
        own = {command.action: command for command in self.own_keys(GENERAL)}
        tabs = [
            (own[f"app.place('{place.name}')"].key_label, place.title, place.name)
            for place in PLACES
        ]
        self.query_one(ScopeLine).show_tabs(tabs, self.place_name)

    def changed(self) -> None:
        """Paint soon. Cheap; for whatever tells of a change."""
        self.bridge.poke()

    def _fed(self, state: FeedState) -> None:
        before, self._fed_last = self._fed_last, state
        self.bridge.poke(stirs=not state.is_quiet_since(before))

    def on_screen_resume(self) -> None:
        """Show what came while another place or a dialog was in front."""
        self.bridge.poke()
        self.monitor.tell_unsaid()

    def _paint_in_sight(self) -> bool:
        if not self.in_sight:
            return False
        now = self.session.clock()
        self._count()
        hooks = self.session.hooks
        stored = hooks.port.abilities.has("logs") is True
        self._outage.show(hooks.feed.state.outage, self.view.time_style, now, stored=stored)
        self.tell_trouble()
        if self.is_held:
            self.paint_paused(now)
        else:
            self._painted_at_event = hooks.feed.state.events
            self.paint(now)
            self._hold()
        self._paint_bar(now)
        self.refresh_keys()
        return True

    def _count(self) -> None:
        """Count the runs of the server, once what this place shows was asked for."""
        if not self.session.hooks.feed.state.is_open:
            return
        counts = self.session.counts.start()
        if self._leave_counts is None:
            self._leave_counts = counts.subscribe(lambda _state: self.bridge.poke())

    def tell_trouble(self) -> None:
        """Say what keeps the place from being as the server has it, also while paused: it may be
        over, or begin."""

    def paint(self, now: float) -> None:
        """Show the state as it is at ``now``, in seconds since the epoch."""
        raise NotImplementedError

    @property
    def is_filled(self) -> bool:
        """Whether what is to be shown has come. Until then also a paused picture is painted: a
        place that one comes to meanwhile must not look as if there were nothing."""
        return True

    @property
    def is_held(self) -> bool:
        """Whether the picture stands still."""
        return self.view.paused and self._held == self.view.pauses

    def _hold(self) -> None:
        if self.view.paused and self.is_filled:
            self._held = self.view.pauses

    def show_anew(self) -> None:
        """Paint soon, once also while the picture is paused: the user asked for something else."""
        self._held = 0
        self.changed()

    def paint_paused(self, now: float) -> None:
        """Show what the user asked for while the picture is paused, and nothing else."""

    def _paint_bar(self, now: float) -> None:
        session, bar = self.session, self.bar
        feed = session.hooks.feed
        bar.server_name = session.name
        bar.server_color = session.color
        bar.address = session.url
        bar.connection = feed.connection
        bar.generation = session.hooks.port.abilities.generation
        bar.rates = feed.per_second(20)
        bar.read_only = session.read_only
        waiting = feed.state.events - self._painted_at_event if self.is_held else 0
        bar.waiting = waiting if self.view.paused else None
        bar.now = now
        if session.replaying is not None:
            bar.replay = ReplayMark.of(session.replaying.replay)
        known = session.counts.look()
        bar.counts, bar.at_least = known.counts, known.at_least

    def own_keys(self, commands: Iterable[Command]) -> list[Command]:
        """Commands with the user's keys; in a replay it is the replay that is paused."""
        own = super().own_keys(commands)
        if not self.is_replay:
            return own
        return [
            replace(each, label="hold", help=_HOLD_HELP, group="Replay")
            if each.action == "pause"
            else each
            for each in own
        ]

    def verbs(self) -> list[Verb]:
        """What can be typed after ``:`` here."""
        if not self.is_replay:
            return super().verbs()
        seeker = self.monitor.seeker
        return [
            Verb("at", "Go to a time of the recording: 90s, 1:30, 14:05:30", seeker.go_to_time),
            Verb("speed", "Play this many times as fast: 10x", seeker.set_speed),
            *super().verbs(),
        ]

    def open_run(self, run: Run, *, pane: str = "overview") -> None:
        """Go to a run in full."""
        from .run import RunScreen

        self.app.push_screen(RunScreen(self.session, run, pane=pane))

    @work(exclusive=True, group="refreshes", exit_on_error=False)
    async def action_refresh(self) -> None:
        """Fetch from the server now."""
        await asyncio.gather(self.refresh_state(), self.session.counts.refresh())
        self.show_anew()

    async def refresh_state(self) -> None:
        """Fetch what this place shows."""
        if self.session.rows is not None:
            await self.session.rows.refresh()

    @work(group="choices", exit_on_error=False)
    async def action_time_format(self) -> None:
        """Relative, local, UTC; the choice is kept."""
        style = self.view.next_time_style()
        self.say(f"Times are {style}.")
        self.show_anew()
        await self.monitor.remember("time_format", style)

    def action_pause(self) -> None:
        """Hold the picture still, or let it go on; in a replay, the replay."""
        if self.is_replay:
            self.monitor.seeker.hold()
            self.bridge.poke()
            return
        self.view.pause()
        self._hold()
        self.bridge.poke()

    def action_replay(self, what: str) -> None:
        """Move the replay."""
        self.monitor.seeker.do(what)
        self.bridge.poke()
