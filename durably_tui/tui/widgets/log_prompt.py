"""The line in which one types what to search for, what to show, or where to save."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from .asking_line import AskingLine


class Asked(StrEnum):
    """What is typed."""

    SEARCH = "search"
    ONLY = "show only"
    SAVE = "save to"


class LogPrompt(AskingLine):
    """Hidden until it is opened; what was given to each question is kept for Up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Before", show=False),
        Binding("down", "recall(1)", "After", show=False),
    ]

    class Answered(Message):
        """Something was typed: ``final`` with Enter, else a part of it; None where it was left."""

        def __init__(self, asked: Asked, text: str | None, *, final: bool) -> None:
            super().__init__()
            self.asked = asked
            self.text = text
            self.final = final

    def __init__(self) -> None:
        super().__init__()
        self.asked = Asked.SEARCH
        self._kept: dict[Asked, list[str]] = {asked: [] for asked in Asked}
        self._at = 0

    def ask(self, asked: Asked, text: str, hint: str) -> None:
        """Open the line.

        Args:
            asked: What for.
            text: What stands there at first.
            hint: What is said where nothing stands there.
        """
        self.asked = asked
        self._at = len(self._kept[asked])
        with self.prevent(Input.Changed):
            self.value = text
        self.placeholder = hint
        self.cursor_position = len(text)
        self.appear(asked.value)

    @property
    def closes_with_enter(self) -> bool:
        """A file can be there already: then it is asked again."""
        return self.asked is not Asked.SAVE

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what stands there by now."""
        event.stop()
        self.post_message(self.Answered(self.asked, event.value, final=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell what was given."""
        event.stop()
        kept = self._kept[self.asked]
        if event.value and event.value not in kept[-1:]:
            kept.append(event.value)
        self.post_message(self.Answered(self.asked, event.value, final=True))

    def action_leave(self) -> None:
        """Leave it as it was."""
        self.post_message(self.Answered(self.asked, None, final=True))

    def action_recall(self, by: int) -> None:
        """Go through what was given before."""
        kept = self._kept[self.asked]
        self._at = max(0, min(len(kept), self._at + by))
        self.value = kept[self._at] if self._at < len(kept) else ""
        self.cursor_position = len(self.value)
