"""The pulse of one server: its stream and its counts, for as long as somebody looks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from durably_tui.protocol import Connection, DurablyError, RunStatus
from durably_tui.state import FeedState
from durably_tui.state.store import Unsubscribe

from .session import Session
from .world import World


class Pulse:
    """One server of the place Servers, opened when that is shown for the first time."""

    def __init__(self, world: World, name: str, on_change: Callable[[bool], None]) -> None:
        """Make one.

        Args:
            world: The configuration and the servers.
            name: Of the server.
            on_change: Called after each change; told whether something happened, or the server
                was only heard.
        """
        self.name = name
        self.session: Session | None = world.sessions.get(name)
        self.error: DurablyError | None = None
        """Why it could not be opened."""
        server = next((each for each in world.config.servers if each.title == name), None)
        self.address = self.session.url if self.session else server.shown if server else name
        self.color = (server.color if server else "") or ""
        self.read_only = bool(server and server.read_only)
        self.production = bool(server and server.production)
        self._world = world
        self._on_change = on_change
        self._told = FeedState()
        self._leave: list[Unsubscribe] = []
        self._mine = False
        """Whether the stream is open only for this pulse."""

    @property
    def connection(self) -> Connection | None:
        """How its stream is doing; None before it is opened."""
        return self.session.hooks.feed.connection if self.session else None

    @property
    def generation(self) -> str:
        """The generation of its protocol, once it is known."""
        return self.session.hooks.port.abilities.generation if self.session else ""

    @property
    def rates(self) -> tuple[int, ...]:
        """Events in each of the last seconds."""
        return self.session.hooks.feed.per_second(20) if self.session else ()

    @property
    def counts(self) -> Mapping[RunStatus, int] | None:
        """How many runs are in which status, as the server counts them or as was seen; None where
        that is not known."""
        return self.session.counts.look().counts if self.session else None

    @property
    def at_least(self) -> frozenset[RunStatus]:
        """Of which statuses there are perhaps more."""
        return self.session.counts.state.at_least if self.session else frozenset()

    async def begin(self) -> None:
        """Open the server where it is not yet, and listen."""
        if self.session is None:
            try:
                self.session = await asyncio.to_thread(self._world.open, self.name)
            except DurablyError as error:
                self.error = error
                self._on_change(True)
                return
        self.error = None
        hooks = self.session.hooks
        self._mine = not hooks.feed.state.is_open
        hooks.feed.open()
        counts = self.session.counts.start()
        if not self._leave:
            self._leave = [
                hooks.feed.subscribe(self._fed),
                counts.subscribe(lambda _state: self._on_change(True)),
            ]
        with contextlib.suppress(DurablyError):
            await hooks.port.probe()
        self._on_change(True)

    def _fed(self, state: FeedState) -> None:
        before, self._told = self._told, state
        self._on_change(not state.is_quiet_since(before))

    def rest(self) -> None:
        """Nobody looks: let the stream go where none else needs it."""
        if self._mine and self.session is not None and self.session.rows is None:
            self.session.counts.rest()
            self.session.hooks.feed.close()

    async def aclose(self) -> None:
        """Let it go."""
        for leave in self._leave:
            leave()
