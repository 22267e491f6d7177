"""How long a stream may be silent whose server keeps it alive: a comment now and then says no more
than that the connection is there, and its absence that it is not."""

from __future__ import annotations

KEEP_ALIVE = 15.0
"""Seconds after which Durably's Python server looks whether a stream was quiet, and tells it so."""
_BEATS = 3
"""With so many times the time between two keep-alives a stream is dead. That server leaves one out
where it had something else to say since the one before, and the network may be slow."""
_LATE = 1.2
"""A keep-alive that has not come after so many times the time between two is worth a question."""
_LONGEST = 60.0
"""Seconds: what is longer between two keep-alives was no rhythm, but a machine that slept."""


class Heartbeat:
    """The rhythm of one stream, over all its connections. Times: seconds since the epoch."""

    def __init__(self) -> None:
        self._silent_since = float("inf")
        self._beat_at: float | None = None
        """When a keep-alive came, as long as nothing else came after it."""
        self._every: float | None = None
        """How often they came, in seconds."""

    def opened(self, at: float) -> None:
        """The head of the stream's answer came."""
        self._silent_since = at
        self._beat_at = None

    def hears(self, at: float, *, is_beat: bool) -> None:
        """The stream brought something; ``is_beat``: nothing but a keep-alive."""
        if is_beat and self._beat_at is not None:
            self._every = max(self._every or 0.0, min(at - self._beat_at, _LONGEST))
        self._beat_at = at if is_beat else None
        self._silent_since = at

    def missed(self, at: float, known: float | None) -> float | None:
        """For how many seconds it was silent, if that is too long.

        Args:
            at: the time.
            known: how often the server is known to send one, in seconds; None: it is not known.
        """
        every = known or self._every
        silent = at - self._silent_since
        return silent if every and silent > _BEATS * every else None

    def vouches_until(self, known: float | None) -> float:
        """Until when the last keep-alive says that the server is there, if nothing came after it;
        else it says nothing, and this is long past. ``known`` as above."""
        every = known or self._every
        return self._beat_at + _LATE * every if every and self._beat_at is not None else 0.0
