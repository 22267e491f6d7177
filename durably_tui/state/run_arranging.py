"""Another order of a long list of runs, worked out a slice at a time: a key never waits for it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from durably_tui.protocol import Run

from .ordered import BLOCK
from .run_list import RunList
from .run_placing import Entry, Placing

SLICE = 500
"""Runs that are looked at in one go: to search so many of them for a word takes a few
milliseconds."""
_LOT = 4_000
"""Runs that are sorted in one go, before the lots are merged."""


class Arranging:
    """The work on one order. The list changes meanwhile as it may, and shows what it did.

    ``work`` goes on by one slice each time; when it is done, ``finish`` has the list show the new
    order. Whoever stops before calls ``give_up``.
    """

    def __init__(
        self,
        runs: RunList,
        place: Callable[[Run], tuple[Any, ...]] | None,
        keep: Callable[[Run], bool] | None,
        *,
        rising: bool = False,
    ) -> None:
        self.runs = runs
        self._order = runs.begin_order(Placing(place, keep, rising))

    def work(self) -> Iterator[None]:
        """A slice of the work each time."""
        order = self._order
        entries, placing = order.entries, order.placing
        lots: list[list[Entry]] = [[]]
        for at in range(0, len(entries), SLICE):
            part = entries[at : at + SLICE]
            for entry in part:
                order.put(entry, placing.place(entry))
            lots[-1] += filter(placing.shows, part)
            yield
            if len(lots[-1]) >= _LOT:
                lots[-1].sort(key=order.key)
                lots.append([])
                yield
        lots[-1].sort(key=order.key)
        merged = heapq.merge(*lots, key=order.key)
        while block := list(islice(merged, BLOCK)):
            order.blocks.append(block)
            yield

    def finish(self) -> None:
        """Show the new order. What changed meanwhile is placed now."""
        self.runs.end_order(self._order)

    def give_up(self) -> None:
        """Leave the list as it is; harmless once it is finished."""
        self.runs.drop_order(self._order)
