"""When the head of a stream's answer came: some servers send it with the first event only."""

from __future__ import annotations

_ALONE = 0.1
"""Seconds for which a head has to be there before the first event, to have come without it."""


class Head:
    """The heads of one stream, one connection after the other."""

    def __init__(self) -> None:
        self.comes_alone = False
        """Whether the server was seen to send one before any event."""
        self._came_at: float | None = None
        """When it came, as long as nothing came after it."""
        self._was_believed = False
        """Whether the stream counted as open before it came."""

    def opens(self) -> None:
        """Another connection is about to be made."""
        self._came_at = None
        self._was_believed = False

    def came(self, at: float, *, was_believed: bool) -> None:
        """It came; ``was_believed``: the stream counted as open before."""
        self._came_at = at
        self._was_believed = was_believed

    def followed(self) -> None:
        """Something came after it."""
        self._came_at = None

    def opened_late(self, at: float) -> float | None:
        """When the stream was opened, if that was after it had begun to count as open: what was
        published between the two is not on it. Told once; looked for at the first thing that comes
        and when the server was asked.

        A head that comes with the first event was held back, and the stream was open before.
        """
        if self._came_at is None or at - self._came_at < _ALONE:
            return None
        self.comes_alone = True
        was_believed, self._was_believed = self._was_believed, False
        return self._came_at if was_believed else None
