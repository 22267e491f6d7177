"""``:``: a command by its name, completed as it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from durably_tui.text import safe
from durably_tui.tui.drawing import ahead_of
from durably_tui.tui.verbs import Verb, completions
from durably_tui.tui.widgets.asking_line import AskingLine
from durably_tui.tui.widgets.offers import Offers, in_a_line


async def type_into(line: Input, event: events.Key) -> None:
    """Type a key into a line that did not have the focus yet when it was pressed."""
    if isinstance(line, AskingLine) and not line.takes(event):
        return
    if event.character is not None and event.is_printable:
        line.replace(event.character, *line.selection)
    elif event.key == "enter":
        await line.action_submit()
    elif event.key == "backspace":
        line.action_delete_left()


class _Completing(Suggester):
    def __init__(self, verbs: Sequence[Verb]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._verbs = verbs

    async def get_suggestion(self, value: str) -> str | None:
        """The first completion of the line."""
        found = completions(self._verbs, value) if value else []
        return found[0] if found else None


class _Line(Input):
    """Tells its screen of Enter at once; what was typed behind that is not its."""

    async def action_submit(self) -> None:
        """The command is typed."""
        if isinstance(self.screen, CommandLineScreen):
            self.screen.take_command(self.value)

    async def _on_key(self, event: events.Key) -> None:
        if self.screen.is_current:
            return  # Textual goes on with what an Input does
        event.stop()
        event.prevent_default()
        ahead_of(self.app).comes_again(event)


class CommandLineScreen(ModalScreen[str | None]):
    """One line at the bottom; answers with what was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("tab", "complete(1)", "Complete", show=False, priority=True),
        Binding("shift+tab", "complete(-1)", "Complete", show=False, priority=True),
        Binding("up", "recall(-1)", "Before", show=False, priority=True),
        Binding("down", "recall(1)", "After", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    CommandLineScreen {
        background: transparent;
        align: left bottom;

        #line { height: auto; background: $panel; }
        #choices { height: 1; padding: 0 1; color: $text-muted; }
        Input { border: none; height: 1; padding: 0 1; background: $boost; }
        Input:focus { border: none; }
    }
    """

    def __init__(self, verbs: Sequence[Verb], before: Sequence[str] = ()) -> None:
        """Ask for one of ``verbs``; ``before`` is what was typed the last times, for Up."""
        super().__init__()
        self._verbs = verbs
        self._before = list(before)
        self._at = len(self._before)
        self._ahead: list[events.Key] = []
        self._offers = Offers(lambda text: completions(verbs, text))

    def compose(self) -> ComposeResult:
        """What it can be, and the line."""
        with Vertical(id="line"):
            yield Static(id="choices")
            yield _Line(
                placeholder="a command; Tab completes",
                suggester=_Completing(self._verbs),
                select_on_focus=False,  # what was typed ahead of it stays
            )

    async def on_mount(self) -> None:
        """Tell what there is, and take what was typed before there was a line."""
        self.query_one(Input).focus()
        self._tell("")
        ahead, self._ahead = self._ahead, []
        for event in ahead:
            await self.take(event)

    async def take(self, event: events.Key) -> None:
        """A key that was typed for this line before it was there."""
        if not self.is_mounted:
            self._ahead.append(event)
        elif not self.is_current:
            ahead_of(self.app).comes_again(event)
        elif event.key == "tab":
            self.action_complete(1)
        else:
            await type_into(self.query_one(Input), event)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what the line can become."""
        self._tell(event.value)

    def _tell(self, text: str) -> None:
        found, at = self._offers.of(text)
        verb = next((v for v in self._verbs if v.word == text.strip().partition(" ")[0]), None)
        is_whole = at < 0 and all(line.startswith(f"{text} ") for line in found)
        if verb is not None and is_whole:
            words = Content(verb.help)
        else:
            ends = [safe(line.rpartition(" ")[2], limit=40) for line in found]
            words = in_a_line(ends, at, self.size.width - 2)
        self.query_one("#choices", Static).update(words)

    def take_command(self, text: str) -> None:
        """Answer with the line, once: Enter may have been pressed again meanwhile."""
        if self.is_current:
            if command := text.strip():
                ahead_of(self.app).command_begins()
            self.dismiss(command or None)

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    def action_complete(self, by: int) -> None:
        """Take what is offered; again: the next of it, or the one before, round the end."""
        line = self.query_one(Input)
        taken = self._offers.take(line.value, by)
        if taken is not None:
            line.value = taken
            line.cursor_position = len(taken)

    def action_recall(self, by: int) -> None:
        """Go through what was typed before."""
        if self._before:
            self._at = max(0, min(len(self._before), self._at + by))
            line = self.query_one(Input)
            line.value = self._before[self._at] if self._at < len(self._before) else ""
            line.cursor_position = len(line.value)
