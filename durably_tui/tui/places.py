"""The places of the monitor, each declared once: its digit, its word after ``:``, its screen.

A place is imported when somebody goes there: the first picture waits for none of the others.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .screens.place import PlaceScreen


@dataclass(frozen=True, slots=True)
class Place:
    """One of the places that a digit leads to."""

    name: str
    """The word after ``:`` and on the command line."""
    key: str
    """The digit."""
    title: str
    help: str
    """One line for ``?`` and the palette."""
    screen: str
    """``module:class`` of its screen, a ``PlaceScreen``."""

    def load(self) -> type[PlaceScreen]:
        """Its screen."""
        module, _, name = self.screen.partition(":")
        found: type[PlaceScreen] = getattr(importlib.import_module(module), name)
        return found


PLACES: tuple[Place, ...] = (
    Place("runs", "1", "Runs", "Go to the runs", "durably_tui.tui.screens.runs:RunsScreen"),
    Place("jobs", "2", "Jobs", "Go to the jobs", "durably_tui.tui.screens.jobs:JobsScreen"),
    Place(
        "errors", "3", "Errors", "Go to the errors", "durably_tui.tui.screens.errors:ErrorsScreen"
    ),
    Place("logs", "4", "Logs", "Go to the logs", "durably_tui.tui.screens.logs:LogsScreen"),
    Place(
        "servers",
        "5",
        "Servers",
        "Go to the servers",
        "durably_tui.tui.screens.servers:ServersScreen",
    ),
)

PLACE: dict[str, Place] = {place.name: place for place in PLACES}
"""By name."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the monitor begins."""

    place: str = "runs"
    """A key of ``PLACE``."""
    filter: str = ""
    """What of it is to be shown, in the filter language."""
    run_id: str | None = None
    """A run to open in full over it."""
    pane: str = "overview"
    """The pane of that run that is in front."""
