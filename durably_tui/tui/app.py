"""The app: one server on the screen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import App

from durably_tui import logfile

from .screens.runs import RunsScreen
from .session import Session

if TYPE_CHECKING:
    from textual.command import Provider

log = logging.getLogger(__name__)


def _place_commands() -> type[Provider]:
    """The palette is imported when it is opened: the first picture does not wait for it."""
    from .palette import PlaceCommands

    return PlaceCommands


class MonitorApp(App[None]):
    """Watches one server; leaves the terminal usable whatever happens."""

    TITLE = "durably-tui"
    COMMANDS = App.COMMANDS | {_place_commands}
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(self, session: Session, *, ascii_only: bool = False) -> None:
        """Watch ``session``; with ``ascii_only``, draw with ASCII characters."""
        super().__init__()
        self.session = session
        self.read_only = session.read_only
        self._plain = ascii_only or not _can_write_glyphs()

    def on_mount(self) -> None:
        """Open the first place."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            with contextlib.suppress(AttributeError, NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(getattr(signal, name), self.exit)
        self.push_screen(RunsScreen(self.session, plain=self._plain))

    async def on_unmount(self) -> None:
        """Let the server go, whatever state it is in."""
        try:
            await asyncio.wait_for(self.session.aclose(), timeout=5)
        except Exception:
            log.exception("closing the session failed")

    def _fatal_error(self) -> None:
        """The traceback goes to the log file; the person gets one sentence."""
        log.error("the monitor failed", exc_info=sys.exc_info())
        self.panic(
            Text(
                "durably-tui failed in a way that nobody foresaw; "
                f"please report it with {logfile.path()}."
            )
        )


def _can_write_glyphs() -> bool:
    encoding = getattr(sys.__stdout__, "encoding", None) or ""
    return encoding.lower().replace("-", "").startswith("utf")
