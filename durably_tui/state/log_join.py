"""The lines of one run from two streams, each line once.

The feed tells of a run before somebody opens it; from then on its own stream tells the same again,
with the server's times. Lines have no number on the wire, so the overlap is found by what they
say, and only among lines that the feed brought after the own stream was asked for: what came
before that cannot be on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import LogEntry

from .trail import Trail


class LogJoin(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the feed, then those of the own stream."""

    logs: Trail[LogEntry] = msgspec.field(default_factory=Trail)
    """Every line once, in order."""
    taken: int = 0
    """Lines of the feed with a lower lasting number are in ``logs`` or known to be."""
    doubtful: int = 0
    """How many lines at the end of ``logs`` came by the feed since the own stream was opened."""
    own: int = 0
    """How many lines at the end of ``logs`` came by the own stream since it was opened."""
    first: LogEntry | None = None
    """The first of these."""
    joined: bool = False
    """The feed brought ``first`` as well: whatever it brings from now on comes twice."""


def opened(join: LogJoin, feed: Trail[LogEntry]) -> LogJoin:
    """The own stream was opened, perhaps again; ``feed`` is what the feed has brought by now."""
    caught_up = from_feed(join, feed)
    return LogJoin(logs=caught_up.logs, taken=caught_up.taken)


def from_feed(join: LogJoin, feed: Trail[LogEntry]) -> LogJoin:
    """The feed may have brought more lines; ``feed`` is all that it brought."""
    if join.taken > feed.total:
        join = replace(join, taken=feed.dropped)  # the history began anew for this run
    if feed.total == join.taken:
        return join
    fresh = feed.since(join.taken)
    if join.joined:
        return replace(join, taken=feed.total)
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
    return replace(join, logs=logs, taken=feed.total, joined=late is not None)


def from_own(join: LogJoin, lines: Sequence[LogEntry], limit: int) -> LogJoin:
    """The own stream brought more lines."""
    if not lines:
        return join
    logs, first, joined = join.logs, join.first, join.joined
    if first is None:
        first = lines[0]
        doubtful = logs[max(0, len(logs) - join.doubtful) :]
        double = _overlap(doubtful, lines)
        if double:
            joined = True
            logs = Trail(logs[: len(logs) - double], logs.dropped)
    logs = logs.extended(lines).last(limit)
    return replace(
        join,
        logs=logs,
        first=first,
        joined=joined,
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
