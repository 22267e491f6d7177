"""How the connection of a stream is doing, told to whoever listens as it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from durably_tui.protocol import Connection, DurablyError, Event, Phase

from .inbox import Inbox
from .lag import Lag


class StreamState:
    """The ``Connection`` of one stream, through all its attempts. It goes into the inbox before
    and with the events that came over it.

    Args:
        inbox: where changes go, and events with them.
        clock: the time, in seconds since the epoch.
        turned: is told the connection at once when it has changed by more than the times of what
            was last heard.
    """

    def __init__(
        self, inbox: Inbox, clock: Callable[[], float], turned: Callable[[Connection], None]
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._turned = turned
        self._lag = Lag()
        self.connection = Connection(since=clock())

    @property
    def is_live(self) -> bool:
        """Whether the stream counts as open."""
        return self.connection.phase is Phase.LIVE

    # -- attempts --------------------------------------------------------------------------

    def live(self, took_ms: float | None = None, *, resumed: bool) -> None:
        """The stream is open.

        Args:
            took_ms: how long an answer took, if the server was asked.
            resumed: whether the stream goes on after the last event.
        """
        now = self._clock()
        self._lag.opened(now)
        self._tell(
            self._changed(
                Phase.LIVE,
                epoch=self.connection.epoch + 1,
                resumed=resumed,
                attempt=0,
                error=None,
                last_seen=now,
                told_until=now,
                latency_ms=took_ms,
            )
        )

    def lost(self, phase: Phase, error: DurablyError, retry_in: float) -> None:
        """The stream broke, or could not be opened; another attempt is made in so many seconds."""
        attempt = 0 if self.is_live else self.connection.attempt + 1
        retry_at = self._clock() + retry_in
        self._tell(self._changed(phase, attempt=attempt, error=error, retry_at=retry_at))

    def tries_again(self) -> None:
        """The next attempt is being made."""
        self._tell(replace(self.connection, retry_at=None))

    def ended(self, error: DurablyError | None) -> None:
        """The subject of the stream is over."""
        self._tell(self._changed(Phase.ENDED, error=error))

    def closed(self) -> None:
        """Nobody listens any more, so nobody is told."""
        if self.connection.phase is not Phase.ENDED:
            self.connection = self._changed(Phase.ENDED)

    # -- while it is live ------------------------------------------------------------------

    def answered(self, took_ms: float) -> None:
        """The server answered a question beside the stream in so many ms."""
        self._tell(replace(self.connection, last_seen=self._clock(), latency_ms=took_ms))

    def heard(self, at: float, events: Sequence[Event], *, whole: bool = False) -> None:
        """The stream brought something; the arguments are those of ``Lag.brought``."""
        self._lag.brought(at, events, whole=whole)
        self.connection = replace(
            self.connection, last_seen=at, told_until=self._lag.told_until(at)
        )

    def put(self, events: Sequence[Event], frames: Sequence[bytes], size: int) -> None:
        """Hand over events of this connection, with their data and how many bytes they were."""
        self._inbox.put(self.connection, events, frames, size=size, joins=True)

    def missed(self, *, resumed: bool) -> None:
        """Events are missing here, unless it goes on after the last (``resumed``): what comes now
        is as after a new connection."""
        self.connection = replace(self.connection, epoch=self.connection.epoch + 1, resumed=resumed)
        self._inbox.put(self.connection)
        self._turned(self.connection)

    def opened_late(self, at: float, *, resumed: bool) -> None:
        """The stream was opened only then, after it had begun to count as open."""
        self.missed(resumed=resumed)
        self._lag.opened(at)

    # -- telling ---------------------------------------------------------------------------

    def _changed(self, phase: Phase, **fields: Any) -> Connection:
        same = phase is self.connection.phase
        fields.setdefault("retry_at", None)
        if not same and self.is_live:
            fields.setdefault("told_until", self._lag.told_until(self._clock()))
        return replace(
            self.connection,
            phase=phase,
            since=self.connection.since if same else self._clock(),
            **fields,
        )

    def _tell(self, connection: Connection) -> None:
        same_phase = connection.phase is self.connection.phase
        self.connection = connection
        self._inbox.put(connection, joins=same_phase and self.is_live)
        self._turned(connection)
