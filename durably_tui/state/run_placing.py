"""One run of a list and where it stands: in the order that is shown, and in one that is coming."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from durably_tui.protocol import Run, RunStatus

from .runs_state import RunActivity, newest_first

Born = tuple[datetime, str]
"""When a run was created, and its id: the total order of all runs."""
QUIET = RunActivity()


class Entry(msgspec.Struct, eq=False, gc=False):
    """One run in a list, and what the stream told of it.

    The garbage collector passes it by: to look at each of a hundred thousand took a third of a
    second, and nothing refers to what refers to it.
    """

    run: Run
    """As the server and its events have it."""
    shown: Run
    """With the optimistic change over it."""
    born: Born
    place: tuple[Any, ...]
    """Where it stands in one of two orders: the one that is shown, and the one before it or that is
    being worked out. Larger is further up."""
    aside: tuple[Any, ...] = ()
    """Where it stands in the other of these."""
    hidden: bool = False
    """Whether the optimistic change is that it is deleted."""
    overlay: RunStatus | None = None
    activity: RunActivity = QUIET

    @classmethod
    def of(cls, run: Run) -> Entry:
        """A run as the server has it."""
        born = newest_first(run)
        return cls(run, run, born, born)


def born_of(entry: Entry) -> Born:
    """What all runs are ordered by, as a key."""
    return entry.born


class Placing(NamedTuple):
    """Which runs are shown, and in which order."""

    key: Callable[[Run], tuple[Any, ...]] | None = None
    """The largest first, or the smallest; by birth where it is None. Among equals the newest comes
    first."""
    keep: Callable[[Run], bool] | None = None
    rising: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is all of them, the newest first."""
        return self.key is None and self.keep is None and not self.rising

    def place(self, entry: Entry) -> tuple[Any, ...]:
        """Where a run stands as it is now."""
        if self.key is None:
            return entry.born
        at, run_id = entry.born
        last = at.timestamp() if at.year > 1 else 0.0
        return (*self.key(entry.shown), -last if self.rising else last, run_id)

    def shows(self, entry: Entry) -> bool:
        """Whether a run is shown as it is now."""
        return not entry.hidden and (self.keep is None or self.keep(entry.shown))


class NewOrder:
    """An order that is being worked out while another is shown."""

    def __init__(self, placing: Placing, slot: int, entries: list[Entry]) -> None:
        self.placing = placing
        self.slot = slot
        self.entries = entries
        """Every run that was there when it was begun, the oldest first."""
        self.blocks: list[list[Entry]] = []
        """Those that are shown, in their order, in blocks as ``Ordered`` has them."""
        self.touched: dict[int, Entry] = {}
        """Those that changed since, by ``id``."""
        self.key = KEYS[slot]

    def put(self, entry: Entry, place: tuple[Any, ...]) -> None:
        """Remember where a run stands in it."""
        put_place(entry, self.slot, place)

    def has(self, entry: Entry) -> bool:
        """Whether a run was there when it was begun."""
        at = bisect_left(self.entries, entry.born, key=born_of)
        return at < len(self.entries) and self.entries[at] is entry


def put_place(entry: Entry, slot: int, place: tuple[Any, ...]) -> None:
    """Say where a run stands in one of the two orders."""
    if slot:
        entry.aside = place
    else:
        entry.place = place


KEYS: tuple[Callable[[Entry], tuple[Any, ...]], ...] = (attrgetter("place"), attrgetter("aside"))
"""What is compared in each of the two orders."""
