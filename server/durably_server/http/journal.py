"""The newest events, as they went out, for clients that lost their connection and come back."""

import secrets
from collections import deque
from collections.abc import Iterator

from durably_server.http.subscriber import Published

MAX_ENTRIES = 10_000
MAX_BYTES = 16 * 1024 * 1024
_ID_DIGITS = 15
_OVERHEAD = 400
"""Bytes that an entry takes beside its frames, about."""


class Journal:
    """A bounded memory of events in the order in which they went out.

    An id is the process life and the event's number in it. So an id of before a restart, or of
    another server, is told from one that is only old.

    Attributes:
        life: a word that no other process life has.
        last: the number of the newest event, 0 at the beginning.
        forgotten: the number of the newest event that is not kept any more.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.life = secrets.token_hex(4)
        self.last = 0
        self.forgotten = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: deque[Published] = deque()
        self._bytes = 0

    def id_of(self, number: int) -> str:
        """The id of an event."""
        return f"{self.life}-{number}"

    def number_of(self, event_id: str) -> int | None:
        """The number in an id of this process life; None for any other text."""
        life, _, digits = event_id.partition("-")
        if life != self.life or not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits[:_ID_DIGITS])
        return number if number <= self.last else None

    def next_number(self) -> int:
        """The number of the next event, which need not be kept."""
        self.last += 1
        return self.last

    def keep(self, event: Published) -> None:
        """Remember an event; the oldest ones make room."""
        self._entries.append(event)
        self._bytes += _weight(event)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            oldest = self._entries.popleft()
            self._bytes -= _weight(oldest)
            self.forgotten = oldest.number

    def since(self, number: int) -> Iterator[Published]:
        """What came after an event."""
        return (entry for entry in self._entries if entry.number > number)


def _weight(event: Published) -> int:
    return len(event.for_runs or b"") + len(event.for_run or b"") + _OVERHEAD
