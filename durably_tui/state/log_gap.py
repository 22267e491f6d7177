"""The lines that were written while a stream was not there, where the server has stored them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from durably_tui.protocol import LogEntry

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
    after = first_id_at(since - _SLACK)
    known = newest_keys(store, _KNOWN)
    missed: list[LogEntry] = []
    while True:
        page = await port.get_logs(after=after, limit=_PAGE)
        if page is None or len(missed) > _MOST:
            return None
        missed += without(known, page)
        if len(page) < _PAGE or page[-1].id is None:
            return without(Counter(map(key_of, held)), missed)
        after = page[-1].id
