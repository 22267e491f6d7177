"""The place Servers: those that are configured or open, each with its own pulse."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from durably_tui.text import safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.pulse import Pulse
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.key_footer import KeyFooter
from durably_tui.tui.widgets.scope_line import ScopeLine
from durably_tui.tui.widgets.server_table import ServerRow, ServerTable
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL, MOVE_IN_ONE, REPLAY, VIEW
from .place import LEAVE, PlaceScreen


class ServersScreen(PlaceScreen):
    """Every server, and the way to it."""

    CSS_PATH = "servers.tcss"
    PLACE = "Servers"
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE_IN_ONE,
        *REPLAY,
        Command(
            "open",
            "enter",
            "open",
            "Go to the server, where its place and filter are as they were left",
            "Server",
            shown="Enter",
        ),
        Command("copy_address", "y", "copy", "Copy the server's address", "Server"),
        *(command for command in VIEW if command.action != "copy_run"),
        *GENERAL,
        *LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        c for c in KEYS if c not in MOVE_IN_ONE and c.action != "open"
    )

    scope = query_one("#scope", ScopeLine)
    trouble = query_one("#trouble", Static)
    table = query_one(ServerTable)

    def __init__(self, session: Session) -> None:
        """Show the servers; ``session`` is the one that the bar is about."""
        super().__init__(session)
        self._pulses: dict[str, Pulse] = {}
        self._troubled = ""

    def compose(self) -> ComposeResult:
        """The bar, the table and the keys."""
        yield StatusBar(plain=self.view.plain)
        yield ScopeLine(id="scope")
        yield ServerTable(clock=self.session.clock, plain=self.view.plain, id="table")
        yield Static(id="trouble")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Draw the frame first; only then open the servers."""
        self.table.focus()
        self.begin_painting()
        self.call_after_refresh(self._begin)

    @work(exclusive=True, group="pulses", exit_on_error=False)
    async def _begin(self) -> None:
        world = self.monitor.world
        assert world is not None
        for name in dict.fromkeys((*world.sessions, *(s.title for s in world.config.servers))):
            if name not in self._pulses:
                self._pulses[name] = Pulse(world, name, self._beaten)
        self.changed()
        await asyncio.gather(*(pulse.begin() for pulse in self._pulses.values()))

    async def on_unmount(self) -> None:
        """Let every server go."""
        for pulse in self._pulses.values():
            await pulse.aclose()

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        for pulse in self._pulses.values():
            pulse.rest()

    def on_screen_resume(self) -> None:
        """Somebody looks again."""
        if self._pulses:
            self._begin()

    @property
    def pulse(self) -> Pulse | None:
        """The server under the cursor."""
        return self._pulses.get(self.table.cursor_key or "")

    # -- painting --------------------------------------------------------------------------

    @property
    def is_filled(self) -> bool:
        """Whether each server has told of itself, or cannot."""
        pulses = self._pulses.values()
        return bool(pulses) and all(map(_has_told, pulses))

    def paint(self, now: float) -> None:
        """The servers, and what is wrong with the one under the cursor."""
        was_empty = not self.table.rows
        self.table.show([self._row(pulse) for pulse in self._pulses.values()], now)
        if was_empty:
            self.table.move_cursor(self.session.title)
        number = len(self._pulses)
        self.scope.say(
            Content(
                f"{number} {'server' if number == 1 else 'servers'} · {self.key_of('open')} goes "
                "there, and each keeps its place and its filter"
            )
        )
        row = self.table.cursor_row
        self.trouble.display = bool(row and row.error)
        if row is not None and row.error != self._troubled:  # each exchange is a layout
            self._troubled = row.error
            self.trouble.update(Content(safe(row.error, limit=400)))

    def _beaten(self, stirs: bool) -> None:
        self.bridge.poke(stirs=stirs)

    def _row(self, pulse: Pulse) -> ServerRow:
        connection = pulse.connection
        error = pulse.error or (connection.error if connection else None)
        return ServerRow(
            name=pulse.name,
            address=pulse.address,
            connection=connection,
            generation=pulse.generation,
            counts=pulse.counts,
            at_least=pulse.at_least,
            rates=pulse.rates,
            read_only=pulse.read_only or bool(pulse.session and pulse.session.read_only),
            production=pulse.production,
            is_here=pulse.session is self.session,
            error=str(error or ""),
        )

    # -- commands --------------------------------------------------------------------------

    @on(ServerTable.RowHighlighted)
    def _highlighted(self) -> None:
        self.changed()

    def refusal(self, command: Command) -> str | None:
        """Why a command does not apply to the server under the cursor."""
        if command.action in {"open", "copy_address"} and self.pulse is None:
            return "There is no server here."
        return super().refusal(command)

    def action_open(self) -> None:
        """Go to the runs of the server, or to where they were left."""
        if self.pulse is not None:
            self.lead(partial(self._open, self.pulse))

    async def _open(self, pulse: Pulse) -> None:
        if pulse.session is None:
            await pulse.begin()
        if pulse.session is None:
            self.say(str(pulse.error), severity="error")
            return
        self.monitor.alarm_of(pulse.session)
        navigator = self.monitor.navigator
        await navigator.go(navigator.last_place(pulse.session), session=pulse.session)

    def action_copy_address(self) -> None:
        """Copy the address by OSC 52; what may be credentials is not in it."""
        if self.pulse is not None:
            self.app.copy_to_clipboard(self.pulse.address)
            self.say(f"Copied {safe(self.pulse.address, limit=80)}.")

    async def refresh_state(self) -> None:
        """Ask every server again."""
        await asyncio.gather(*(pulse.begin() for pulse in self._pulses.values()))


def _has_told(pulse: Pulse) -> bool:
    """Whether a server has told of itself, be it that it has no runs, or cannot."""
    fails = pulse.error or (pulse.connection is not None and pulse.connection.error)
    return pulse.counts is not None or bool(fails)
