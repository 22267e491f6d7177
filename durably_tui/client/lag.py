"""By when what a server had published is here: what a stream brings may have been long on its way.

A slow network, or a reader that has much else to do, makes a queue between the server and here.
Breaks the stream, the queue is lost with it, and all of it was published before the last byte came.
"""

from __future__ import annotations

from collections.abc import Sequence

from durably_tui.protocol import Event, RunTrigger

_LULL = 0.25
"""Seconds of silence after a whole event that only a stream has which brings things as they are
published: a queue goes on, and stops within an event."""
_IN_A_ROW = 8
"""So many reads of a busy stream that each end with a whole event are no accident: a queue is cut
anywhere."""
_MOST = 30.0
"""Seconds by which a stream counts as late at most."""
_ULID = 26
_DIGITS = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789abcdefghijklmnopqrstuv")


class Lag:
    """How late one stream is, as far as it can be known; one connection after the other.

    All times are seconds since the epoch, by the clock here.
    """

    def __init__(self) -> None:
        self._known = float("-inf")
        """What was published by then is here."""
        self._came = float("-inf")
        """When something last came."""
        self._in_a_row = 1
        """How many reads without a lull between them have ended with a whole event."""
        self._skew = float("inf")
        """How far the clock here is ahead of the server's, with the shortest way of an event."""

    def opened(self, at: float) -> None:
        """The stream was opened: what was published before is not on it."""
        self._known = self._came = at
        self._in_a_row = 1

    def brought(self, at: float, events: Sequence[Event], *, whole: bool) -> None:
        """Something came.

        Args:
            at: when.
            events: those that were whole with it, perhaps none.
            whole: whether nothing is left of it that is a part of an event.
        """
        self._settle(at)
        is_first = at - self._came >= _LULL
        self._came = at
        self._in_a_row = (1 if is_first else self._in_a_row + 1) if whole else 0
        if self._in_a_row >= _IN_A_ROW:
            self._known = at
        published = _published(events)
        if published is not None:
            self._skew = min(self._skew, at - published)
            self._known = max(self._known, published + self._skew)

    def told_until(self, at: float) -> float:
        """What was published by then is here, as far as can be known ``at`` this time."""
        self._settle(at)
        return min(self._came, max(self._known, self._came - _MOST))

    def _settle(self, at: float) -> None:
        if at < self._came:  # the clock was set back
            self._known = min(self._known, at)
        elif self._in_a_row and at - self._came >= _LULL:
            self._known = max(self._known, self._came)


def _published(events: Sequence[Event]) -> float | None:
    """When the last event that tells of it was published, by the server's clock.

    A server that dates nothing on a stream of many runs makes ids of runs that have a date in them.
    """
    for event in reversed(events):
        if event.timestamp is not None:
            return event.timestamp.timestamp()
        if type(event) is RunTrigger and (made := _made_at(event.run_id)) is not None:
            return made
    return None


def _made_at(run_id: str) -> float | None:
    """When a ULID was made; None for any other text. See https://github.com/ulid/spec."""
    if len(run_id) != _ULID:
        return None
    try:
        return int(run_id[:10].translate(_DIGITS), 32) / 1000
    except ValueError:
        return None
