"""What the monitor watches: one server's hooks, and how to speak of it on the screen."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from durably_tui.state import AllRuns, DurablyHooks, RunCounts, Runs

from .replay import Replaying
from .seen import Seen
from .view import View


@dataclass(eq=False, slots=True)
class Session:
    """One server, opened. Several can live side by side: nothing here is global."""

    hooks: DurablyHooks
    url: str
    """The address for people, without credentials."""
    name: str = ""
    """What the user calls the server; the address where it has no name."""
    read_only: bool = False
    production: bool = False
    """Whether what cannot be undone asks for the server's name."""
    color: str = ""
    """The colour of its name, as CSS has it."""
    close: Callable[[], Awaitable[None]] | None = None
    """Closes what the hooks stand on, after them."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    replaying: Replaying | None = None
    """What it has besides where it is the replay of a recording."""
    view: View = field(default_factory=View)
    """How the user looks at it; shared by the servers of one monitor."""
    watched: frozenset[str] = frozenset()
    """Runs whose end the user wants to be told of, whatever it is: those that are marked."""
    seen: Seen = field(default_factory=Seen)
    """Its jobs and labels, as far as they were on the screen."""
    rows: Runs[Any, Any] | AllRuns | None = None
    """The runs in sight, in which a change is seen at once; None before there is one."""

    _counts: RunCounts | None = None

    @property
    def counts(self) -> RunCounts:
        """How many runs the server has in which status, whatever is in sight of them. Nothing is
        asked before it is started."""
        if self._counts is None:
            self._counts = self.hooks.use_run_counts()
        return self._counts

    @property
    def title(self) -> str:
        """The name, else the address."""
        return self.name or self.url

    async def aclose(self) -> None:
        """Close the hooks, then what they stand on."""
        await self.hooks.aclose()
        if self.close is not None:
            await self.close()
