"""The line that a filter is typed in: completes what was seen, keeps what was used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester

from durably_tui.filters import KEYS
from durably_tui.protocol import Run, RunStatus

from .asking_line import AskingLine

MAX_HISTORY = 50


class Seen:
    """Words that a filter can be completed with."""

    def __init__(self) -> None:
        self.jobs: dict[str, None] = {}
        self.labels: dict[str, None] = {}

    def take(self, runs: Iterable[Run]) -> None:
        """Remember the jobs and labels of these runs."""
        for run in runs:
            self.jobs.setdefault(run.job_name)
            for key, value in run.labels.items():
                self.labels.setdefault(f"{key}={value}")

    def completions(self, word: str) -> list[str]:
        """What the last word of a filter can become, itself first where it is whole."""
        minus, body = ("-", word[1:]) if word.startswith("-") else ("", word)
        key, colon, value = body.partition(":")
        if not colon:
            return [f"{minus}{name}:" for name in KEYS if name.startswith(body) and body]
        before, comma, last = value.rpartition(",")
        choices: Iterable[str] = {
            "status": [status for status in RunStatus if status is not RunStatus.UNKNOWN],
            "job": self.jobs,
            "label": self.labels,
        }.get(key.lower(), ())
        quoted = (f'"{choice}"' if set(choice) & set(' ,:"') else choice for choice in choices)
        return [
            f"{minus}{key}:{before}{comma}{choice}"
            for choice in quoted
            if choice.startswith(last) and choice != last
        ]

    def completed(self, line: str) -> str | None:
        """A whole line with its last word completed; None where nothing is known for it."""
        head, blank, word = line.rpartition(" ")
        found = self.completions(word)
        return f"{head}{blank}{found[0]}" if found else None


class _Completing(Suggester):
    """Offers the first completion of the last word."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._seen = seen

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last word completed."""
        return self._seen.completed(value)


class FilterLine(AskingLine):
    """Asks for a filter; hidden until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", key_display="Tab", tooltip="Take what is offered"),
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
        self._seen = seen
        self._history: list[str] = []
        self._at = 0

    def open(self, text: str) -> None:
        """Show the line with the filter as it is."""
        self.value = text
        self.cursor_position = len(text)
        self._at = len(self._history)
        self.appear("filter")

    def remember(self, text: str) -> None:
        """Keep a filter that was used, for Up."""
        if text and text not in self._history[-1:]:
            self._history = [*self._history, text][-MAX_HISTORY:]

    def action_leave(self) -> None:
        """Leave it as it was."""
        self.post_message(self.Left())

    def action_complete(self) -> None:
        """Take what is offered, or is about to be: Tab may come at once with what is before it."""
        completed = self._seen.completed(self.value) if self.cursor_at_end else None
        if completed is None:
            self.action_cursor_right()
        else:
            self.value = completed
            self.cursor_position = len(completed)

    def action_recall(self, by: int) -> None:
        """Go through the filters that were used."""
        if not self._history:
            return
        self._at = max(0, min(len(self._history), self._at + by))
        self.value = self._history[self._at] if self._at < len(self._history) else ""
        self.cursor_position = len(self.value)
