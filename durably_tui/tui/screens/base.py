"""What every place shares: commands that can be refused, and that say why."""

from __future__ import annotations

import logging
from typing import ClassVar

from textual import events
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from durably_tui import logfile
from durably_tui.tui.commands import Command

log = logging.getLogger(__name__)


class CommandScreen(Screen[None]):
    """A screen whose keys come from one list of commands."""

    KEYS: ClassVar[tuple[Command, ...]] = ()
    """The commands of this place."""
    PLACE: ClassVar[str] = ""
    """What this place is called in ``?``."""

    _dimmed: frozenset[str] | None = None

    def refusal(self, command: Command) -> str | None:
        """Why ``command`` does not apply now, as a sentence; None where it does."""
        return None

    @property
    def read_only(self) -> bool:
        """Whether this monitor may change nothing."""
        return bool(getattr(self.app, "read_only", False))

    @property
    def in_sight(self) -> bool:
        """Whether the user sees this place: in front, or with only a question before it."""
        # While the app leaves, its places are taken apart before they are told.
        if not (self.is_mounted and self.app.is_running):
            return False
        for screen in reversed(self.app.screen_stack):
            if screen is self:
                return True
            if not screen.is_modal:
                return False
        return False

    def offered(self) -> list[Command]:
        """The commands that exist here: none that mutates where the monitor is read-only."""
        return [command for command in self.KEYS if not (command.mutates and self.read_only)]

    def refresh_keys(self) -> None:
        """Dim and light the keys in the footer, which is made anew only where one changed."""
        dimmed = frozenset(c.action for c in self.offered() if self.refusal(c) is not None)
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """False hides a command, None dims it."""
        command = next(
            (each for each in self.KEYS if each.action.partition("(")[0] == action), None
        )
        if command is None:
            return True
        if command.mutates and self.read_only:
            return False
        return True if self.refusal(command) is None else None

    def on_key(self, event: events.Key) -> None:
        """Say why the command of a dimmed key does nothing.

        The app acts on a key when it has come up to it, and those typed before are still on their
        way there: so this one is judged behind them, where it is acted on as well.
        """
        for command in self.offered():
            if event.key in command.key_names:
                self.app.call_later(self._say_why, command)
                return

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A command that fails in a way that nobody foresaw ends alone, and is told of."""
        if event.state is WorkerState.ERROR:
            logfile.start()
            log.error("%s failed", event.worker.name, exc_info=event.worker.error)
            self.notify(
                f"That failed in an unforeseen way; please report it with {logfile.path()}.",
                severity="error",
                markup=False,
            )

    def _say_why(self, command: Command) -> None:
        if reason := self.refusal(command):
            self.notify(reason, severity="warning", markup=False, timeout=4)
