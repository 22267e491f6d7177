"""The lines of one run from two streams, each line once.

The feed tells of a run before somebody opens it; from then on its own stream tells the same again,
with the server's times. Lines have no number on the wire, so the overlap is found by what they
say, and only among lines that the feed brought after the own stream was asked for: what came
before that cannot be on it. A stream that goes on where it was lost brings again what the feed
brought meanwhile. Where the server dates every line, that is known and not guessed (``log_dated``).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import LogEntry

from . import log_dated
from .log_dated import Dated
from .trail import Trail


class LogJoin(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the feed, then those of the own stream."""

    logs: Trail[LogEntry] = msgspec.field(default_factory=Trail)
    """Every line once, in order."""
    taken: int = 0
    """Lines of the feed with a lower lasting number are in ``logs`` or known to be."""
    asked: int = 0
    """Lines of the feed with a lower lasting number came before the own stream was asked for."""
    doubtful: int = 0
    """How many lines at the end of ``logs`` came by the feed and may come by the own stream."""
    own: int = 0
    """How many lines at the end of ``logs`` came by the own stream since it was opened."""
    first: LogEntry | None = None
    """The first of these."""
    joined: bool = False
    """The feed brought ``first`` as well: whatever it brings from now on comes twice."""
    lead: int = 0
    """How many lines more than the feed the own stream has brought since then, or fewer."""
    owed: tuple[LogEntry, ...] = ()
    """Lines of an own stream that was lost which the feed has still to bring."""
    early: bool = False
    """What the feed brings before these belongs before them."""
    dated: Dated | None = None
    """Set where the server dates every line: then all but ``logs`` and ``taken`` stays as it is."""

    @property
    def is_torn(self) -> bool:
        """Whether lines may be missing which the server may have stored."""
        return self.dated is not None and self.dated.since is not None


def dating(join: LogJoin, limit: int) -> LogJoin:
    """The server dates every line, as came to be known; at most ``limit`` lines are kept."""
    if join.dated is not None:
        return join
    return LogJoin(logs=join.logs, taken=join.taken, dated=Dated(limit=limit))


def lost_dated(join: LogJoin, *, earlier: bool = False) -> LogJoin:
    """A stream was lost, now or ``earlier``, so that lines may be missing; for dated lines."""
    if join.dated is None:
        return join
    return replace(join, dated=log_dated.lost(join.logs, join.dated, earlier=earlier))


def waiting(join: LogJoin) -> LogJoin:
    """What is missing is about to be fetched; for dated lines."""
    return join if join.dated is None else replace(join, dated=log_dated.waiting(join.dated))


def mended(join: LogJoin, stored: Sequence[LogEntry] | None, losses: int) -> LogJoin:
    """What was missing came, or could not be had (None); see ``log_dated.mended``."""
    if join.dated is None:
        return join
    logs, dated = log_dated.mended(join.logs, join.dated, stored, losses)
    return replace(join, logs=logs, dated=dated)


def asking(join: LogJoin, feed: Trail[LogEntry]) -> LogJoin:
    """The own stream is about to be asked for; ``feed`` is what the feed has brought by now."""
    join = from_feed(join, feed)
    return join if join.dated is not None else replace(join, asked=join.taken)


def opened(join: LogJoin, feed: Trail[LogEntry], *, resumed: bool = False) -> LogJoin:
    """The own stream was opened, perhaps again; ``feed`` is what the feed has brought by now.

    What the feed brought since it was asked for may be on it: the answer, or word of it, can be
    long on its way. With ``resumed`` it goes on where it was lost, so that all since then may be.
    """
    join = from_feed(join, feed)
    if join.dated is not None:
        return join
    doubtful = join.doubtful if join.first is None else 0
    if not resumed:
        doubtful = min(doubtful, join.taken - join.asked)
    return replace(_alone(join), doubtful=doubtful)


def lost(join: LogJoin, feed: Trail[LogEntry]) -> LogJoin:
    """The own stream was lost: until it is there again, lines come by the feed alone."""
    if join.dated is not None:
        return from_feed(join, feed)
    if join.first is None:
        return join
    join = from_feed(join, feed)
    if not join.joined:
        owed = (*join.owed, *join.logs[len(join.logs) - join.own :])
        return replace(_alone(join), owed=owed, early=join.early or not join.owed)
    ahead = join.lead
    logs, doubtful = join.logs, 0
    if ahead < 0:
        # These were left to the own stream, which did not bring them any more.
        late = feed.since(join.taken + ahead)
        logs, doubtful = logs.extended(late), len(late)
    owed = tuple(logs[-ahead:]) if ahead > 0 else ()
    return LogJoin(logs=logs, taken=join.taken, asked=join.asked, doubtful=doubtful, owed=owed)


def from_feed(join: LogJoin, feed: Trail[LogEntry]) -> LogJoin:
    """The feed may have brought more lines; ``feed`` is all that it brought."""
    if join.taken > feed.total:
        # The history began anew for this run.
        join = replace(join, taken=feed.dropped, asked=min(join.asked, feed.dropped))
    if feed.total == join.taken:
        return join
    fresh = feed.since(join.taken)
    if join.dated is not None:
        logs, dated = log_dated.brought(join.logs, join.dated, fresh, by_own=False)
        return replace(join, logs=logs, dated=dated, taken=feed.total)
    if join.joined:
        return replace(join, taken=feed.total, lead=join.lead - len(fresh))
    if join.owed:
        join, fresh = _settled(join, fresh)
    if join.first is None:
        whole = feed if not len(join.logs) and not join.taken else join.logs.extended(fresh)
        return replace(join, logs=whole, taken=feed.total, doubtful=join.doubtful + len(fresh))
    # The own stream was quicker: what the feed brings before its first line belongs before it.
    late = next((at for at, line in enumerate(fresh) if same(line, join.first)), None)
    missed = fresh if late is None else fresh[:late]
    logs = join.logs
    if missed:
        cut = len(logs) - join.own
        logs = Trail([*logs[:cut], *missed, *logs[cut:]], logs.dropped)
    lead = 0 if late is None else join.own - (len(fresh) - late)
    return replace(join, logs=logs, taken=feed.total, joined=late is not None, lead=lead)


def from_own(join: LogJoin, lines: Sequence[LogEntry], limit: int) -> LogJoin:
    """The own stream brought more lines."""
    if not lines:
        return join
    if join.dated is not None:
        logs, dated = log_dated.brought(join.logs, join.dated, lines, by_own=True)
        return replace(join, logs=logs, dated=dated)
    logs, first, joined, lead = join.logs, join.first, join.joined, join.lead
    if first is None:
        first = lines[0]
        doubtful = logs[max(0, len(logs) - join.doubtful) :]
        double = _overlap(doubtful, lines)
        if double:
            joined, lead = True, -double
            logs = Trail(logs[: len(logs) - double], logs.dropped)
    logs = logs.extended(lines).last(limit)
    return replace(
        join,
        logs=logs,
        first=first,
        joined=joined,
        lead=lead + len(lines) if joined else 0,
        doubtful=0,
        own=min(join.own + len(lines), len(logs)),
    )


def same(one: LogEntry, other: LogEntry) -> bool:
    """Whether two lines say the same; their times are of different clocks."""
    return (
        one.message == other.message
        and one.step_name == other.step_name
        and one.level is other.level
        and one.data == other.data
    )


def _overlap(feed: Sequence[LogEntry], own: Sequence[LogEntry]) -> int:
    """How many lines at the end of ``feed`` are the first of ``own``, perhaps with more to come."""
    for start in range(len(feed)):
        tail = feed[start:]
        if all(same(one, other) for one, other in zip(tail, own, strict=False)):
            return len(tail)
    return 0


def _alone(join: LogJoin) -> LogJoin:
    """The lines, and what the feed has still to bring, without an own stream."""
    return LogJoin(
        logs=join.logs, taken=join.taken, asked=join.asked, owed=join.owed, early=join.early
    )


def _settled(join: LogJoin, fresh: list[LogEntry]) -> tuple[LogJoin, list[LogEntry]]:
    """What the feed owed comes, perhaps after what belongs before it; and the rest of ``fresh``."""
    owed = join.owed
    if join.early:
        at = next((at for at, line in enumerate(fresh) if same(line, owed[0])), None)
        missed = fresh if at is None else fresh[:at]
        if missed:
            cut = len(join.logs) - join.own - join.doubtful - len(owed)
            logs = Trail([*join.logs[:cut], *missed, *join.logs[cut:]], join.logs.dropped)
            join = replace(join, logs=logs)
        if at is None:
            return join, []
        fresh = fresh[at:]
    taken = 0
    for line in fresh:
        at = next((at for at, other in enumerate(owed) if same(line, other)), None)
        if at is None:
            owed = ()  # the feed has lost the others
            break
        taken, owed = taken + 1, owed[at + 1 :]
    return replace(join, owed=owed, early=False), fresh[taken:]
