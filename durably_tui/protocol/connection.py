"""How a stream is doing, as frozen data, and what it delivers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Protocol

import msgspec

from .errors import DurablyError
from .events import Event


class Phase(StrEnum):
    """Where a stream stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    OFFLINE = "offline"
    """It cannot work as things are (wrong address, no authorisation); still tried, rarely."""
    ENDED = "ended"
    """The run is over, or the stream was closed by us."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one stream. All times are seconds since the epoch, by the client's clock."""

    phase: Phase = Phase.CONNECTING
    epoch: int = 0
    """How often the stream was opened with success, or told of a gap. A higher number than before
    means that what was published in between is lost: fetch, then merge."""
    resumed: bool = False
    """Whether the stream went on after the last event that was taken, by its id, so that nothing
    is lost; false again once the server tells of a gap."""
    attempt: int = 0
    """Failed attempts since the stream was last live."""
    since: float | None = None
    """When this phase began."""
    last_seen: float | None = None
    """When the server was last heard on this stream or by its liveness probe."""
    told_until: float | None = None
    """What was published before that is here; what was published after it may be lost if the stream
    breaks, however well a probe went. It is when something last came on the stream itself, or it
    was opened; earlier where that may have been long on its way."""
    retry_at: float | None = None
    """When the next attempt is due."""
    error: DurablyError | None = None
    """Why it is not live."""
    latency_ms: float | None = None
    """How long the last probe or request took, in ms."""


class StreamBatch(msgspec.Struct, frozen=True):
    """What one read of a stream brought: the events that came together, perhaps none.

    The connection is told with each batch; a batch without events is told whenever it changes.
    """

    connection: Connection
    events: tuple[Event, ...] = ()
    frames: tuple[bytes, ...] = ()
    """The data of each of the events as it came; empty where that is not known."""


class EventStream(Protocol):
    """A stream of events that reconnects by itself, for ever, until its subject is over."""

    @property
    def connection(self) -> Connection:
        """How the stream is doing."""

    def batches(self) -> AsyncGenerator[StreamBatch, None]:
        """Events as they come together, and changes of the connection; ends when closed."""

    async def aclose(self) -> None:
        """Close the stream. ``batches`` ends."""
