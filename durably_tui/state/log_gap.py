"""The lines that were written while a stream was not there, where the server has stored them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from durably_tui.protocol import LogEntry, NotFound

from .log_past import key_of, newest_keys, without
from .log_store import LogStore
from .ports import DurablyPort

_PAGE = 5_000
_MOST = 50_000
"""Lines: with more than these the gap is told, not filled."""
_SLACK = 5.0
"""Seconds by which lines may have been stored later than they were written."""
_KNOWN = 10_000
"""Newest lines before the gap that a stored one may be the same as."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def first_id_at(seconds: float) -> str:
    """The smallest ULID of a time (seconds since the epoch): the ids of stored lines are ULIDs.

    See https://github.com/ulid/spec: ten characters of Crockford's base 32 for the milliseconds.
    """
    milliseconds = max(0, int(seconds * 1000))
    return (
        "".join(_ALPHABET[(milliseconds >> shift) & 31] for shift in range(45, -1, -5)) + 16 * "0"
    )


async def missed_lines(
    port: DurablyPort, store: LogStore, since: float, held: Sequence[LogEntry]
) -> list[LogEntry] | None:
    """The stored lines that are neither in the store nor among those that came meanwhile.

    Args:
        port: the server.
        store: what was seen before the gap.
        since: after when they are missing, in seconds since the epoch, by the server's clock where
            that is known.
        held: what came after the gap, not in the store yet; it may grow while this waits.

    Returns:
        The lines, oldest first; None where the server stores none, or too many to fetch.

    Raises:
        DurablyError: they could not be fetched.
    """
    known = newest_keys(store, _KNOWN)
    missed: list[LogEntry] = []
    async for page in _pages(port, None, since):
        if page is None or len(missed) > _MOST:
            return None
        missed += without(known, page)
    return without(Counter(map(key_of, held)), missed)


async def stored_lines(port: DurablyPort, run_id: str, since: float) -> list[LogEntry] | None:
    """What the server has stored of a run since a time, perhaps with some from before.

    Args:
        port: the server.
        run_id: whose lines.
        since: in seconds since the epoch, by the server's clock.

    Returns:
        The lines, oldest first; None where the server stores none, or too many to fetch.

    Raises:
        DurablyError: they could not be fetched.
    """
    stored: list[LogEntry] = []
    try:
        async for page in _pages(port, run_id, since):
            if page is None or len(stored) > _MOST:
                return None
            stored += page
    except NotFound:
        return []  # the run was deleted, and its lines with it
    return stored


async def _pages(
    port: DurablyPort, run_id: str | None, since: float
) -> AsyncIterator[list[LogEntry] | None]:
    after = first_id_at(since - _SLACK)
    while True:
        page = await port.get_logs(run_id, after=after, limit=_PAGE)
        yield page
        if page is None or len(page) < _PAGE or page[-1].id is None:
            return
        after = page[-1].id
