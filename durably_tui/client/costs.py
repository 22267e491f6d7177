"""What the questions of a stream cost its server, and so which of them is asked next.

The latency is told by what is cheapest, and by the newest run as well where it costs no more: one
question then does for both.
"""

from __future__ import annotations

from .questions import Newest

_SURE, _ALONE_FOR = 2, 5
"""So often in a row the newest run must have come as quickly as what is cheapest, for so many
questions to be for it alone: a server may have been busy with something else."""
_NOISE_MS = 5.0
"""By which two answers that cost the same may differ, beside their double."""
_HEAVY_EVERY = 6
"""A newest run that is large is asked for with every sixth question only."""


class Costs:
    """What is known of the costs, over all connections of one stream."""

    def __init__(self) -> None:
        self._quick_ms = 0.0
        """How long what is cheapest took when it was asked last."""
        self._alike = 0
        """How often in a row the two were seen to cost the same."""
        self._alone = 0
        """With how many questions more to ask for the newest run only."""
        self._spared = 0
        """With how many questions more not to ask for the newest run."""

    def opens(self) -> None:
        """Another connection: that the two cost the same is to be seen again."""
        self._alone = self._alike = 0

    def took(self, quick_ms: float) -> float:
        """What is cheapest took so long, in ms; answers the same."""
        self._quick_ms = quick_ms
        return quick_ms

    @property
    def newest_will_do(self) -> bool:
        """Whether to ask for the newest run alone."""
        return self._alone > 0

    @property
    def spares_newest(self) -> bool:
        """Whether not to ask for the newest run: it was large the last time, or did not come."""
        return self._spared > 0

    def spared(self) -> None:
        """A question went without one for the newest run."""
        self._spared -= 1

    def brought(self, newest: Newest) -> None:
        """The newest run came."""
        self._spared = _HEAVY_EVERY - 1 if newest.is_heavy else 0

    def brought_both(self, newest: Newest) -> None:
        """The newest run came right after what is cheapest."""
        self._alike = self._alike + 1 if self._tells_latency(newest) else 0
        self._alone = _ALONE_FOR if self._alike >= _SURE else 0

    def brought_alone(self, newest: Newest) -> Newest:
        """The newest run came, and nothing else was asked for; answers it without the time that it
        took where that tells no latency."""
        self._alone -= 1
        if self._tells_latency(newest):
            return newest
        self.opens()
        return newest._replace(took_ms=None)

    def failed(self) -> None:
        """The newest run did not come, though the server is well: it is seldom asked for."""
        self._alike, self._spared = 0, _HEAVY_EVERY - 1

    def _tells_latency(self, newest: Newest) -> bool:
        """Whether the newest run came about as quickly as what is cheapest. A server without an
        index takes 20 times as long to find it among many."""
        quick = 2 * self._quick_ms + _NOISE_MS
        return newest.took_ms is not None and newest.took_ms <= quick and not newest.is_heavy
