"""The streams of ``/runs/subscribe``, shared by everybody who listens."""

from __future__ import annotations

import msgspec

from durably_tui.protocol import Connection

from .store import Listener, Unsubscribe


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """How the server's streams of runs are doing."""

    connection: Connection = Connection()
    """Of the widest stream that is open."""
    is_open: bool = False
    """Whether any stream is wanted now."""
    events: int = 0
    """How many events came in all."""
    last_event_at: float | None = None
    """When the last one came, in seconds since the epoch."""


class FeedInfo:
    """What a bar on top shows: connection, events, events per second."""

    state: FeedState
    connection: Connection

    def subscribe(self, listener: Listener[FeedState]) -> Unsubscribe:
        """Call ``listener(state)`` after each change, events included."""
        raise NotImplementedError

    def per_second(self, seconds: int = 30) -> tuple[int, ...]:
        """Events in each of the last whole seconds, the newest last; at most 120."""
        raise NotImplementedError

    def open(self) -> None:
        """Keep the stream of all runs open until the hooks are closed, whatever the filters are:
        then every run is recorded in the history, and a change of filter opens no stream."""
        raise NotImplementedError
