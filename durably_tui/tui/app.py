"""The app: one server on the screen.

The first picture waits for nothing but Textual: what draws the places, and what speaks HTTP, is
imported once there is something to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.app import ComposeResult, SystemCommand
from textual.screen import Screen
from textual.widgets import Static

from durably_tui import logfile
from durably_tui.letters import takes_glyphs

from .drawing import DrawingApp
from .places import PLACE, Start
from .readable import readable

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.driver import Driver
    from textual.filter import LineFilter
    from textual.notifications import SeverityLevel

    from .garbage_collection import Reminder
    from .navigator import Navigator
    from .seeker import Seeker
    from .session import Session
    from .verbs import Verb
    from .world import World

log = logging.getLogger(__name__)


def _place_commands() -> type[Provider]:
    """The palette is imported when it is opened."""
    from .palette import PlaceCommands

    return PlaceCommands


def _things_to_go_to() -> type[Provider]:
    from .palette import ThingsToGoTo

    return ThingsToGoTo


class MonitorApp(DrawingApp):
    """Watches one server; leaves the terminal usable whatever happens."""

    TITLE = "durably-tui"
    COMMANDS = {_place_commands, _things_to_go_to}  # noqa: RUF012 - as Textual declares it
    DEFAULT_CSS = """
    MonitorApp {
        #first { background: $panel; height: 1; padding: 0 1; text-style: bold; }
        #second { color: $text-muted; height: 1; padding: 0 1; }
        &.-compact KeyFooter { display: none; }
        /* No taller than what is said, as there may be 15 lines; over no question or form. */
        Toast { width: auto; max-width: 80%; padding: 0 1; }
        ModalScreen Toast { display: none; }
    }
    """

    def __init__(
        self,
        session: Session | Callable[[], Session],
        *,
        where: str = "",
        ascii_only: bool = False,
        start: Start | None = None,
        world: Callable[[], World] | None = None,
    ) -> None:
        """Watch a server.

        Args:
            session: the opened server, or what opens it: that is called after the first paint.
            where: its name or address, for the first picture.
            ascii_only: draw with ASCII characters.
            start: the place to begin in.
            world: what gives the configuration and the way to other servers; called after the
                first paint, in a thread.
        """
        super().__init__()
        self._open_session: Callable[[], Session] = (
            session if callable(session) else lambda: session
        )
        self._where = where
        self._start = start or Start()
        self._make_world = world
        self.navigator: Navigator
        """What goes to places, once the first of them is there."""
        self.seeker: Seeker
        """What moves the replay, where what is watched is one; there as soon as places are."""
        self.world: World | None = None
        """The configuration and the servers, once they are known."""
        self.user_keys: dict[str, str] = {}
        """The user's own keys, per name of a command."""
        self.command_history: list[str] = []
        """What was typed after ``:``."""
        self.plain = ascii_only or not takes_glyphs(
            getattr(sys.__stdout__, "encoding", None), os.environ
        )
        self._ascii: LineFilter | None = None
        self._reminder: Reminder | None = None
        self._unsaid: list[Callable[[], None]] = []

    def get_driver_class(self) -> type[Driver]:
        """Textual's choice, but where that reads a terminal of Unix one that sleeps."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from .keyboard import QuietDriver

        return QuietDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters; where ASCII is drawn, the one for that after them."""
        filters = super().get_line_filters()
        if not self.plain:
            return filters
        if self._ascii is None:
            from .ascii import AsciiFilter

            self._ascii = AsciiFilter()
        return [*filters, self._ascii]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Textual's own in the palette, but not those that this monitor does in its own way."""
        own = {"Keys", "Maximize", "Minimize"}
        return (each for each in super().get_system_commands(screen) if each.title not in own)

    def compose(self) -> ComposeResult:
        """What is seen until the first place is there, in the places where it will be."""
        yield Static(Text(f"{self._where or 'durably-tui'}  connecting"), id="first")
        yield Static("all runs", id="second")

    def on_mount(self) -> None:
        """Take the signals that end a terminal, and go on once the first picture is out."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            with contextlib.suppress(AttributeError, NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(getattr(signal, name), self.exit)
        self.call_after_refresh(self._open_first_place)

    async def _open_first_place(self) -> None:
        from durably_tui.protocol.errors import DurablyError

        # In a thread, so that a key (q, for one) does not wait for the imports.
        navigator, dress = await asyncio.to_thread(_import_first_place, self._start.place)
        try:
            self.world = await asyncio.to_thread(self._know)
            self.world.give_way = self.attention.give_way
            session = self.world.take(await asyncio.to_thread(self._open_session))
        except DurablyError as error:
            self.exit(return_code=2, message=Text(str(error)))
            return
        self.world.view.plain = self.plain
        dress(self, self.world)
        self.alarm_of(session)
        self.navigator = navigator(self, session)
        if session.replaying is not None:
            await self._begin_replay(session)
        await self.navigator.begin(self._start)
        if not self.is_headless:
            self._pace_garbage_collection()

    def _pace_garbage_collection(self) -> None:
        from . import garbage_collection

        garbage_collection.begin()
        tidier = garbage_collection.Tidier()
        self._reminder = garbage_collection.Reminder(
            lambda: tidier.tidy(self.attention.quiet_seconds)
        )

    async def _begin_replay(self, session: Session) -> None:
        from .seeker import Seeker, begin

        self.seeker = Seeker(self)
        await begin(session)
        if session.replaying is not None and session.replaying.notice:
            self.notify(session.replaying.notice, severity="warning", markup=False, timeout=12)

    async def exchange(self, old: Session, new: Session) -> None:
        """Go on with another session in the place of one that is closed then."""
        assert self.world is not None
        self.world.take(new)
        await self.navigator.exchange(old, new)
        await old.aclose()

    def alarm_of(self, session: Session) -> None:
        """Tell of what fails there, as the user wishes, wherever they look."""
        if self.world is not None and self._driver is not None:
            complain = partial(self.notify, severity="warning", markup=False)
            self.world.watch(session, self._driver.write, complain)

    def _know(self) -> World:
        from .world import World

        return self._make_world() if self._make_world is not None else World()

    async def action_place(self, name: str) -> None:
        """Go to a place."""
        await self.navigator.go(name)

    async def go_to_server(self, name: str) -> None:
        """Go to another server, to the place that is in front here."""
        from durably_tui.protocol.errors import DurablyError

        assert self.world is not None
        try:
            session = await asyncio.to_thread(self.world.open, name)
        except DurablyError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.alarm_of(session)
        await self.navigator.go(self.navigator.place, session=session)

    async def remember(self, setting: str, value: str) -> None:
        """Keep a choice in the user's file; where that cannot be, it holds until they leave."""
        from .app_verbs import kept

        if self.world is not None:
            await kept(self, partial(self.world.remember, setting, value))

    def get_css_variables(self) -> dict[str, str]:
        """The colours of the theme, with text that can be read."""
        high = self.current_theme.name.startswith("high-contrast")
        self.theme_variables = readable(super().get_css_variables(), high=high)
        return self.theme_variables

    def action_help_quit(self) -> None:
        """Whoever presses ctrl+c by habit is told what leaves from everywhere: ``q``, which Textual
        would name, leads to the place before."""
        self.notify("ctrl+q leaves the monitor.", severity="warning", timeout=4, markup=False)

    def verbs(self) -> list[Verb]:
        """What can be typed after ``:`` everywhere."""
        from .app_verbs import app_verbs

        return app_verbs(self)

    async def on_unmount(self) -> None:
        """Let the server go, whatever state it is in."""
        if self._reminder is not None:
            self._reminder.close()
        if self.world is None:
            return
        try:
            await asyncio.wait_for(self.world.aclose(), timeout=5)
        except Exception:
            log.exception("closing the servers failed")

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast, in the place of one that says the same: a key pressed again and again
        must not fill the screen. While a question or a form is in front it waits: it would cover
        that, or be gone before anybody sees it."""
        if self._has_dialog():
            self._unsaid.append(
                partial(
                    self.notify,
                    message,
                    title=title,
                    severity=severity,
                    timeout=timeout,
                    markup=markup,
                )
            )
            return
        for before in list(self._notifications):
            if (before.message, before.title) == (message, title):
                self._unnotify(before, refresh=False)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def _has_dialog(self) -> bool:
        return bool(self.screen_stack) and self.screen_stack[-1].is_modal

    def tell_unsaid(self) -> None:
        """Show the toasts that waited for a dialog to close."""
        if not self._has_dialog():
            unsaid, self._unsaid = self._unsaid, []
            for say in unsaid:
                say()

    def _fatal_error(self) -> None:
        """The traceback goes to the log file; the person gets one sentence."""
        logfile.start()
        log.error("the monitor failed", exc_info=sys.exc_info())
        self.panic(
            Text(f"durably-tui failed unexpectedly: please report it with {logfile.path()}.")
        )


def _import_first_place(name: str) -> tuple[type[Navigator], Callable[[MonitorApp, World], None]]:
    from .dressing import dress
    from .navigator import Navigator

    PLACE[name].load()
    return Navigator, dress
