"""When a stream was not there, and whether anything is lost of that time. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import Connection, Phase


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A time without the stream. Times: seconds since the epoch, by the clock here."""

    since: float
    """By when all that was published before it is here: see ``Connection.told_until``."""
    until: float | None = None
    """When the stream was there again; None while it is not."""
    lossless: bool = False
    """Whether all that happened in between was told afterwards. Otherwise runs and steps are
    fetched again, but log lines from that time may be lost."""


def outage_after(
    outage: Outage | None, before: Connection, now: Connection, at: float
) -> Outage | None:
    """What is known of the last outage once the connection became ``now``.

    Args:
        outage: what was known before.
        before: the connection before.
        now: the connection now; of another stream where the widest one changed.
        at: the time, in seconds since the epoch.
    """
    if before.phase is Phase.LIVE and now.phase in {Phase.RECONNECTING, Phase.OFFLINE}:
        return Outage(since=_told_until(before, now, at))
    if now.phase is Phase.LIVE and outage is not None and outage.until is None:
        return replace(outage, until=at, lossless=now.resumed)
    told_of_gap = now.epoch == before.epoch + 1 and not now.resumed
    if before.phase is now.phase is Phase.LIVE and before.since == now.since and told_of_gap:
        return Outage(since=_told_until(before, now, at), until=at)
    return outage


def _told_until(before: Connection, now: Connection, at: float) -> float:
    return now.told_until or before.told_until or before.last_seen or at
