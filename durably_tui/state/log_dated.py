"""The lines of one run where the server dates each of them: by its date a line is the same line,
whichever stream brings it, and what none brought is found among those that are stored.

Durably's Python server does so. What others tell is joined by what it says (``log_join``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import LogEntry
from durably_tui.protocol.times import DAWN

from .trail import Trail

_KNOWN = 10_000
"""Newest lines that a stored one may be the same as."""

Key = tuple[datetime, str, str | None, str]


class Reader(msgspec.Struct, frozen=True):
    """How far one stream is: each brings a line once at most, and all in their order."""

    upto: int = 0
    """Lines with a lower lasting number were held against what it brought."""
    owed: tuple[LogEntry, ...] = ()
    """Those of them that it may still bring."""


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of lines besides the lines themselves."""

    limit: int
    """How many are kept."""
    feed: Reader = Reader()
    own: Reader = Reader()
    since: float | None = None
    """From when on some may be missing, in seconds since the epoch by the server's clock; None:
    none are."""
    losses: int = 0
    """How often a stream was lost."""
    held: tuple[tuple[bool, tuple[LogEntry, ...]], ...] | None = None
    """What streams brought, and whether it was the own one, while those that are missing before it
    are fetched; None: nothing is waited for."""


def brought(
    logs: Trail[LogEntry], dated: Dated, fresh: Iterable[LogEntry], *, by_own: bool
) -> tuple[Trail[LogEntry], Dated]:
    """A stream brought more lines."""
    lines = tuple(fresh)
    if not lines:
        return logs, dated
    if dated.held is not None:
        return logs, replace(dated, held=(*dated.held, (by_own, lines)))
    logs, reader = _put(logs, dated.own if by_own else dated.feed, lines)
    dated = replace(dated, own=reader) if by_own else replace(dated, feed=reader)
    return logs.last(dated.limit), dated


def lost(logs: Trail[LogEntry], dated: Dated, *, earlier: bool = False) -> Dated:
    """A stream was lost: from the last line on some may be missing, or all where there is none.

    With ``earlier`` that was nobody knows when.
    """
    since = dated.since
    if earlier or not len(logs):
        since = 0.0
    elif since is None:
        since = _at(logs[-1]).timestamp()
    return replace(dated, since=since, losses=dated.losses + 1)


def waiting(dated: Dated) -> Dated:
    """The streams are there, and what is missing is about to be fetched."""
    held = () if dated.held is None else dated.held
    return dated if dated.since is None else replace(dated, held=held)


def mended(
    logs: Trail[LogEntry], dated: Dated, stored: Sequence[LogEntry] | None, losses: int
) -> tuple[Trail[LogEntry], Dated]:
    """The answer came.

    Args:
        logs: the lines that are here.
        dated: what is known of them.
        stored: what the server has stored since ``dated.since``; None where it could not be had.
        losses: how many there were when it was asked: after another one it is asked again.
    """
    held, dated = dated.held or (), replace(dated, held=None)
    if stored is not None:
        known = Counter(map(key_of, logs[max(0, len(logs) - _KNOWN) :]))
        logs = logs.extended([line for line in stored if not _take(known, line)])
        if losses == dated.losses:
            dated = replace(dated, since=None)
    for by_own, lines in held:
        logs, dated = brought(logs, dated, lines, by_own=by_own)
    return logs.last(dated.limit), dated


def key_of(line: LogEntry) -> Key:
    """What a line is known by."""
    return _at(line), line.message, line.step_name, line.level


def _put(
    logs: Trail[LogEntry], reader: Reader, lines: tuple[LogEntry, ...]
) -> tuple[Trail[LogEntry], Reader]:
    """The lines with those that are new at their end, so that each keeps its number."""
    if reader.upto < logs.dropped and len(logs):
        # It is so far behind that some of what it brings is not kept any more.
        lines = tuple(line for line in lines if _at(line) >= _at(logs[0]))
        if not lines:
            return logs, reader
    start = max(0, reader.upto - logs.dropped)
    ahead = logs[start : start + len(lines)]
    if not reader.owed and ahead == list(lines[: len(ahead)]):
        # The other stream brought the same before, or this one is ahead of it.
        logs = logs.extended(lines[len(ahead) :]) if len(ahead) < len(lines) else logs
        return logs, Reader(max(reader.upto, logs.dropped) + len(lines))
    known = [*reader.owed, *logs[start:]]
    left = Counter(map(key_of, known))
    logs = logs.extended([line for line in lines if not _take(left, line)])
    last = _at(lines[-1])
    # What it has not brought by the time of its last line it brings no more.
    owed = tuple(line for line in known if _at(line) >= last and _take(left, line))
    return logs, Reader(logs.total, owed)


def _take(counted: Counter[Key], line: LogEntry) -> bool:
    """Whether a line is among those that are counted; then it is one less."""
    key = key_of(line)
    if counted[key] <= 0:
        return False
    counted[key] -= 1
    return True


def _at(line: LogEntry) -> datetime:
    return line.timestamp or DAWN
