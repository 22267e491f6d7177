"""What the five places have in common: a digit leads there, Esc and q lead back."""

from __future__ import annotations

from functools import partial

from durably_tui.tui.commands import Command
from durably_tui.tui.widgets.line_table import LineTable

from .live import LiveScreen

LEAVE = (
    Command(
        "back",
        "escape",
        "back",
        "Leave what is open, clear the filter, then the place before",
        "General",
        footer=False,
        shown="Esc",
    ),
    Command("quit", "q", "quit", "The place before; from the first, leave the monitor", "General"),
)


class PlaceScreen(LiveScreen):
    """One of the places. Its commands end with ``GENERAL`` and ``LEAVE``."""

    def begin_painting(self) -> None:
        """Paint now, and from now on; the footer tells what Enter does in the table."""
        for command in self.KEYS:
            if command.action == "open":
                table = self.query("#runs, #table").only_one(LineTable)
                table.tell_enter(command.name, command.label, command.help)
                table.opens = self.action_open
        super().begin_painting()

    @property
    def place_name(self) -> str:
        """The name of this place."""
        return self.PLACE.lower()

    @property
    def filter_text(self) -> str:
        """The filter of this place, as it would be typed; empty where there is none."""
        return ""

    def show_only(self, filter: str) -> None:
        """Show what of this place a filter wants."""

    def return_to(self, run_id: str) -> None:
        """Put the cursor on a run again, once it is there."""

    def action_open(self) -> object:
        """Open what is under the cursor of the table, where there is one."""
        return None

    def clear(self) -> bool:
        """Leave what is open and clear the filter; False where there is nothing to clear."""
        return False

    def open_run_by_id(self, run_id: str, *, pane: str = "overview") -> None:
        """Open a run in full of which only the id is known."""
        none = f"The server has no run {run_id}."
        self.lead(partial(self.open_once_found, run_id, pane=pane, none=none))

    def action_back(self) -> None:
        """Clear what can be cleared, then go back."""
        if not self.clear() and self.monitor.navigator.history:
            self.action_place_before()

    def action_place_before(self) -> None:
        """Go to the place before."""
        self.lead(self._go_back)

    async def _go_back(self) -> None:
        if not await self.monitor.navigator.back():
            self.say("This is where you began: there is no place before it.")

    def action_quit(self) -> None:
        """The place before; from the first, leave the monitor."""
        self.lead(self._quit)

    async def _quit(self) -> None:
        navigator = self.monitor.navigator
        if navigator.at_root or not await navigator.back():
            self.app.exit()
