"""What every place shares: commands that can be refused, and that say why."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual import events, work
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from durably_tui import logfile
from durably_tui.text import safe
from durably_tui.tui.commands import Command
from durably_tui.tui.drawing import ahead_of
from durably_tui.tui.keymap import key_of, remapped, user_keys
from durably_tui.tui.verbs import Verb, find

from .command_line import CommandLineScreen, type_into

log = logging.getLogger(__name__)


READ_ONLY = "Nothing can be changed from here: it is read-only."
"""Said where a key would change something."""
UNFORESEEN = "That failed unexpectedly"
"""How it begins what is said of a fault of the monitor itself."""


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
        """Whether nothing may be changed from here."""
        return False

    @property
    def is_replay(self) -> bool:
        """Whether what is shown is the replay of a recording."""
        return False

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
        """The commands that exist here: none that mutates where the monitor is read-only, and none
        that moves a replay where there is none."""
        return self.own_keys(c for c in self.KEYS if self._exists(c))

    def _exists(self, command: Command) -> bool:
        if command.mutates and self.read_only:
            return False
        return self.is_replay or not command.replays

    def own_keys(self, commands: Iterable[Command]) -> list[Command]:
        """Commands with the user's keys."""
        keys = user_keys(self.app)
        return [remapped(command, keys) for command in commands]

    def key_of(self, action: str) -> str:
        """The key of a command of this place, as people write it."""
        return key_of(self.app, self.KEYS, action)

    def verbs(self) -> list[Verb]:
        """What can be typed after ``:`` here, the commands of this place first; a word that means
        something everywhere, as a place's name does, means the same here."""
        everywhere: list[Verb] = getattr(self.app, "verbs", list)()
        taken = {verb.word for verb in everywhere}
        own = [
            Verb(command.name, command.help, partial(self._do, command))
            for command in self.offered()
            if command.name not in taken
            and command.group not in {"Move", "Places"}
            and command.action != "command_line"
        ]
        return [*own, *everywhere]

    def _do(self, command: Command, rest: str) -> object:
        del rest
        if (reason := self.refusal(command)) is not None:
            self.notify(reason, severity="warning", markup=False, timeout=4)
            return None
        return self.run_action(command.action)

    def action_command_line(self) -> None:
        """Ask for a command by its name, and do it."""
        # Asked at once rather than in a worker: what is typed behind it must find the line.
        verbs = self.verbs()
        before: list[str] = getattr(self.app, "command_history", [])

        def typed(text: str | None) -> None:
            if text is not None:
                if text not in before[-1:]:
                    before.append(text)
                self._obey(verbs, text)

        self.app.push_screen(CommandLineScreen(verbs, before), typed)

    @work(group="command-line", exit_on_error=False)
    async def _obey(self, verbs: Sequence[Verb], text: str) -> None:
        try:
            found = find(verbs, text, help_key=self.key_of("help"))
            if isinstance(found, str):
                kept_back = {c.name for c in self.KEYS if c.mutates} if self.read_only else set()
                reason = READ_ONLY if text.partition(" ")[0] in kept_back else safe(found)
                self.notify(reason, severity="warning", markup=False)
                return
            verb, rest = found
            result = verb.run(rest)
            if inspect.isawaitable(result):
                await result
        finally:
            ahead_of(self.app).command_ends()

    def lead(self, go: Callable[[], Awaitable[object]]) -> None:
        """Go elsewhere. A key that follows closely is meant for where that leads."""
        ahead_of(self.app).command_begins()
        self._lead(go)

    @work(group="navigation", exit_on_error=False)
    async def _lead(self, go: Callable[[], Awaitable[object]]) -> None:
        try:
            await go()
        finally:
            ahead_of(self.app).command_ends()

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
        if not self._exists(command):
            return False
        # A key that was typed ahead of a line comes up here, and is a letter of that line.
        if isinstance(self.focused, Input):
            return False
        return True if self.refusal(command) is None else None

    def on_key(self, event: events.Key) -> None:
        """Say why the command of a dimmed key does nothing; hand on what was typed ahead.

        The app acts on a key when it has come up to it, and those typed before are still on their
        way there: so this one is judged behind them, where it is acted on as well. Over a slow
        line the bytes of ``:runs`` come at once, and the letters are here before their line is.
        """
        self.app.call_later(self._judge, event)

    async def _judge(self, event: events.Key) -> None:
        front = self.app.screen
        if isinstance(front, CommandLineScreen):
            ahead_of(self.app).is_spent(event)
            await front.take(event)
        elif front is self and isinstance(self.focused, Input):
            await type_into(self.focused, event)
        elif front is self and not ahead_of(self.app).waits_for_command:
            for command in self.own_keys(self.KEYS):
                if event.key in command.key_names:
                    self._say_why(command)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A command that fails in a way that nobody foresaw ends alone, and is told of."""
        if event.state is WorkerState.ERROR:
            logfile.start()
            log.error("%s failed", event.worker.name, exc_info=event.worker.error)
            self.notify(
                f"{UNFORESEEN}: please report it with {logfile.path()}.",
                severity="error",
                markup=False,
            )

    def _say_why(self, command: Command) -> None:
        reason = self.refusal(command) if self._exists(command) else None
        if command.mutates and self.read_only:
            taken = self.active_bindings  # a pane's own key comes up to here as well
            reason = None if taken.keys() & set(command.key_names) else READ_ONLY
        if reason:
            self.notify(reason, severity="warning", markup=False, timeout=4)
