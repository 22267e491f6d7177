"""The line that a filter is typed in: completes what was seen, keeps what was used."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Static

from durably_tui.filters import KEYS, parse
from durably_tui.text import safe
from durably_tui.tui.seen import Seen, parted

from .asking_line import AskingLine
from .offers import Offers, in_a_line

MAX_HISTORY = 50


class _Completing(Suggester):
    """Offers the first completion of the last word."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._seen = seen

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last word completed, once there is something of that."""
        found = [] if value[-1:].isspace() else self._seen.lines(value)
        return found[0] if found else None


class Choices(Static):
    """Under the line: what the word at its end can become, or what its key takes."""

    DEFAULT_CSS = """
    Choices { display: none; height: 1; padding: 0 1; color: $text-muted; background: $panel; }
    """


class FilterLine(AskingLine):
    """Asks for a filter; hidden until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab", "complete(1)", "complete", key_display="Tab", tooltip="Take what is offered"
        ),
        Binding("shift+tab", "complete(-1)", "Complete", show=False),
        Binding("up", "recall(-1)", "Before", show=False),
        Binding("down", "recall(1)", "After", show=False),
    ]

    class Left(Message):
        """The line was left without a new filter."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(
            placeholder="status:failed job:import* label:env=prod error:timeout age:<1h words",
            suggester=_Completing(seen),
            id="filter",
        )
        self.choices = Choices()
        """What stands under the line; it comes and goes with it."""
        self._offers = Offers(seen.lines)
        self._history: list[str] = []
        self._at = 0

    def open(self, text: str) -> None:
        """Show the line with the filter as it is."""
        self.value = text
        self.cursor_position = len(text)
        self._at = len(self._history)
        self.appear("filter")
        self.choices.display = True
        self._offers.forget()
        self._tell()

    def close(self, then: Widget) -> None:
        """Hide the line and what it can become."""
        self.choices.display = False
        super().close(then)

    @on(AskingLine.Changed)
    def _tell(self) -> None:
        found, at = self._offers.of(self.value)
        word = parted(self.value, " ")[1]
        key, colon, _ = word.removeprefix("-").lower().partition(":")
        problems = parse(self.value).problems
        if found:
            self.choices.update(in_a_line([*map(_end, found)], at, self.app.size.width - 2))
        elif colon and key in KEYS and (word.endswith(":") or not problems):
            self.choices.update(Content(KEYS[key]))
        elif problems:
            self.choices.update(Content.styled(safe(problems[0], limit=200), "$text-warning"))
        else:
            self.choices.update("")

    def remember(self, text: str) -> None:
        """Keep a filter that was used, for Up."""
        if text and text not in self._history[-1:]:
            self._history = [*self._history, text][-MAX_HISTORY:]

    def action_leave(self) -> None:
        """Leave it as it was."""
        self.post_message(self.Left())

    def action_complete(self, by: int) -> None:
        """Take what is offered, or is about to be: Tab may come at once with what is before it.
        Again: the next of it (1), or the one before (-1)."""
        taken = self._offers.take(self.value, by) if self.cursor_at_end else None
        if taken is not None:
            self.value = taken
            self.cursor_position = len(taken)
        elif by > 0:
            self.action_cursor_right()

    def action_recall(self, by: int) -> None:
        """Go through the filters that were used."""
        if not self._history:
            return
        self._at = max(0, min(len(self._history), self._at + by))
        self.value = self._history[self._at] if self._at < len(self._history) else ""
        self.cursor_position = len(self.value)


def _end(line: str) -> str:
    """Of a line that is completed the value at its end, or the key."""
    word = parted(line, " ")[1]
    return safe(parted(word.partition(":")[2], ",")[1] or word, limit=40)
