"""``?``: the keys of this place, made from the same declarations as the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Static

from durably_tui.tui.commands import Command


class HelpScreen(ModalScreen[None]):
    """A list of keys by group; any of Esc, q, ? and Enter closes it."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,question_mark,enter", "dismiss", "Close"),
        ("j", "scroll(1)", "Down"),
        ("k", "scroll(-1)", "Up"),
        ("space", "page", "Next page"),
        ("g", "end(0)", "First"),
        ("G", "end(1)", "Last"),
    ]

    box = query_one("#help", VerticalScroll)

    def __init__(self, place: str, commands: Sequence[Command]) -> None:
        super().__init__()
        self._place = place
        self._commands = commands

    def compose(self) -> ComposeResult:
        """One table, a heading for each group."""
        with VerticalScroll(id="help") as box:
            box.border_title = f"Keys · {self._place}"
            box.border_subtitle = "j k Space g G move · Esc closes"
            yield Static(self._table())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="bold", no_wrap=True)
        table.add_column()
        for group in dict.fromkeys(command.group for command in self._commands):
            if table.row_count:
                table.add_row("", "")
            table.add_row("", Text(group, style="bold underline"))
            for command in self._commands:
                if command.group == group:
                    table.add_row(Text(command.key_labels), Text(command.help))
        return table

    def action_scroll(self, lines: int) -> None:
        """Scroll the list by some lines."""
        self.box.scroll_relative(y=lines, animate=False)

    def action_page(self) -> None:
        """Scroll the list by a page."""
        self.box.scroll_page_down(animate=False)

    def action_end(self, end: int) -> None:
        """Go to the first line (0) or the last (1)."""
        self.box.scroll_to(y=end * self.box.max_scroll_y, animate=False)
