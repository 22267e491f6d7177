"""The field for the name of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widgets import Input

from durably_tui.text import safe


class JobName(Input):
    """Lists the jobs while it is empty, and completes what is typed with Tab."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Take what is offered", show=False),
    ]

    def __init__(self, name: str, jobs: Sequence[str]) -> None:
        """Begin with ``name``; ``jobs`` are known."""
        super().__init__(name, id="job")
        self.offer(jobs)

    def offer(self, jobs: Sequence[str]) -> None:
        """Complete with these."""
        self.suggester = SuggestFromList(jobs, case_sensitive=False)
        self.placeholder = safe(": ".join(filter(None, ("the job's name", ", ".join(jobs)))))

    def action_complete(self) -> None:
        """Take what is offered; where nothing is, Tab goes to the next field."""
        if not (self.cursor_at_end and len(self._suggestion) > len(self.value)):
            raise SkipAction
        self.action_cursor_right()
