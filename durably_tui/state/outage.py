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
    outage: Outage | None,
    before: Connection,
    now: Connection,
    at: float,
    *,
    is_same: bool = True,
) -> Outage | None:
    """What is known of the last outage once the connection became ``now``.

    Args:
        outage: what was known before.
        before: the connection before.
        now: the connection now.
        at: the time, in seconds since the epoch.
        is_same: whether both are of the same stream; the widest one may have changed.
    """
    if before.phase is Phase.LIVE and now.phase in {Phase.RECONNECTING, Phase.OFFLINE}:
        return Outage(since=_told_until(before, now, at))
    if now.phase is Phase.LIVE and outage is not None and outage.until is None:
        return replace(outage, until=at, lossless=now.resumed)
    is_another = is_same and before.phase is now.phase is Phase.LIVE and now.epoch > before.epoch
    if is_another and before.since != now.since:
        # It was lost and is there again: who is late is told only how it is by then.
        return Outage(since=_told_until(before, before, at), until=at, lossless=now.resumed)
    if is_another and not now.resumed:  # a gap was told
        return Outage(since=_told_until(before, now, at), until=at)
    return outage


def _told_until(before: Connection, now: Connection, at: float) -> float:
    return now.told_until or before.told_until or before.last_seen or at
