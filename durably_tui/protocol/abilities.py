"""What a server can do, each thing decided by itself from what was seen.

A generation is only a name for people; nothing above asks for it to decide anything.
"""

from __future__ import annotations

import msgspec


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one server can do. None means: not found out yet."""

    generation: str = ""
    """For people: ``0.8``, ``0.15``, ``python``, or empty while unknown."""
    retry: bool | None = None
    """``POST /retry``: the same run resumes after its last finished step."""
    retrigger: bool | None = None
    """``POST /retrigger``: a new run with the same input and labels."""
    labels: bool | None = None
    """Runs have labels, and ``label.KEY`` filters by them."""
    many: bool | None = None
    """``jobName`` and ``status`` may be repeated in one request."""
    leased: bool | None = None
    """The wire word for a running run is ``leased``, not ``running``."""
    features: frozenset[str] | None = None
    """What a server says of itself that Durably's own does not have, such as ``jobs`` for
    ``GET /jobs``; empty for servers that say nothing."""

    def has(self, feature: str) -> bool | None:
        """Whether the server has one of its own features; None while that is not found out."""
        return None if self.features is None else feature in self.features


_NONE = frozenset[str]()
_OUR_OWN = frozenset(
    ("retry", "retrigger", "labels", "cursor", "search", "total", "jobs", "logs", "stats")
) | frozenset(("health", "metrics", "openapi", "event-ids", "gap", "events"))

ABILITIES: dict[str, Abilities] = {
    "0.8": Abilities(
        generation="0.8",
        retry=True,
        retrigger=False,
        labels=False,
        many=False,
        leased=False,
        features=_NONE,
    ),
    "0.15": Abilities(
        generation="0.15",
        retry=False,
        retrigger=True,
        labels=True,
        many=True,
        leased=True,
        features=_NONE,
    ),
    "python": Abilities(
        generation="python",
        retry=True,
        retrigger=True,
        labels=True,
        many=True,
        leased=True,
        features=_OUR_OWN,
    ),
}
"""What each named generation can do, for a client that is told instead of looking."""
