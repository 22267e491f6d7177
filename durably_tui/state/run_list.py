"""Many runs in order: by id, by place, changed one at a time.

This is the one part of the state that changes in place: a hundred thousand runs cannot be copied
for each event. Who reads takes a ``RunsView``, whose order stands still.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, overload

from msgspec.structs import replace

from durably_tui.protocol import Run, RunStatus

from .ordered import Ordered, Standing
from .run_placing import KEYS, QUIET, Born, Entry, NewOrder, Placing, born_of, put_place
from .runs_state import RunActivity, newest_first


class RunsView(Sequence[Run]):
    """Runs from the first that is shown to the last. Their order stands still, each run is as it
    is now. Every access costs the same, however many there are."""

    def __init__(self, items: Standing[Entry], by_id: dict[str, Entry], *, rising: bool) -> None:
        self._items = items
        self._by_id = by_id
        self._rising = rising

    def __len__(self) -> int:
        return len(self._items)

    def entry(self, index: int) -> Entry:
        """The run at an index of 0 or more, with what the stream told of it."""
        return self._items[index if self._rising else len(self._items) - 1 - index]

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        if isinstance(index, slice):
            return [self.entry(at).shown for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else len(self) + index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self.entry(at).shown

    def find(self, run_id: str) -> int | None:
        """Where a run is, or None where it is not shown."""
        entry = self._by_id.get(run_id)
        if entry is None:
            return None
        at = self._items.find(entry)
        if at is not None:
            return at if self._rising else len(self._items) - 1 - at
        # It has moved since the order was taken, or what is known of it was taken anew.
        found = (at for at, each in enumerate(self._items) if each.shown.id == run_id)
        at = next(found, None)
        return at if at is None or self._rising else len(self._items) - 1 - at


class RunList:
    """Runs by id and in two orders: all of them by their birth, and those that are shown.

    Adding at either end, changing and looking up cost the same however many runs there are;
    taking one out of the middle moves the pointers behind it.
    """

    def __init__(
        self,
        place: Callable[[Run], tuple[Any, ...]] | None = None,
        keep: Callable[[Run], bool] | None = None,
        *,
        rising: bool = False,
    ) -> None:
        self.by_id: dict[str, Entry] = {}
        self.counts: Counter[RunStatus] = Counter()
        """How many runs have each status."""
        self._all = Ordered[Entry](born_of)
        self._placing = Placing(place, keep, rising)
        self._shown = self._all
        self._slot = 0
        self._coming: NewOrder | None = None
        self._split()

    def __len__(self) -> int:
        return len(self.by_id)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self.by_id

    @property
    def newest(self) -> Entry | None:
        """The run that was made last."""
        return self._all.last

    @property
    def oldest(self) -> Entry | None:
        """The run that was made first."""
        return self._all.first

    def view(self) -> RunsView:
        """The runs that are shown, in their order."""
        return RunsView(self._shown.standing(), self.by_id, rising=self._placing.rising)

    def arrange(
        self,
        place: Callable[[Run], tuple[Any, ...]] | None,
        keep: Callable[[Run], bool] | None,
        *,
        rising: bool = False,
    ) -> None:
        """Show those that ``keep`` wants, the largest ``place`` first (or the smallest), at once.
        Of many that takes time: see ``Arranging``."""
        self._placing = Placing(place, keep, rising)
        self._coming = None
        for entry in self.by_id.values():
            if place is None:
                entry.place = entry.aside = entry.born
            else:
                self._set_place(entry)
        self._split()

    def _split(self) -> None:
        if self._placing.is_plain and not any(entry.hidden for entry in self.by_id.values()):
            self._shown = self._all
        else:
            self._shown = Ordered(
                KEYS[self._slot], filter(self._placing.shows, self.by_id.values())
            )

    # -- another order, worked out elsewhere -----------------------------------------------

    def begin_order(self, placing: Placing) -> NewOrder:
        """Begin with another order; one that was begun before is given up."""
        self._coming = NewOrder(placing, 1 - self._slot, list(self._all))
        return self._coming

    def drop_order(self, order: NewOrder) -> None:
        """Give an order up that was begun."""
        if self._coming is order:
            self._coming = None

    def end_order(self, order: NewOrder) -> None:
        """Go over to an order that was worked out. What changed since is looked at now."""
        self.drop_order(order)
        self._placing, self._slot = order.placing, order.slot
        self._shown = Ordered.of_blocks(order.key, order.blocks)
        for entry in order.touched.values():
            if order.has(entry):
                self._shown.remove(entry)
            if self.by_id.get(entry.run.id) is entry:
                self._set_place(entry)
                if self._placing.shows(entry):
                    self._shown.add(entry)

    def _touch(self, entry: Entry) -> None:
        if self._coming is not None:
            self._coming.touched[id(entry)] = entry

    # -- changing --------------------------------------------------------------------------

    def put(self, run: Run, activity: RunActivity | None = None) -> bool:
        """Take a run as it is now; whether it is new here."""
        entry = self.by_id.get(run.id)
        if entry is not None and entry.born != newest_first(run):
            self.remove(run.id)
            entry = None
        if entry is None:
            entry = self.by_id[run.id] = Entry.of(run)
            entry.activity = activity or QUIET
            self._touch(entry)
            self._all.add(entry)
            self._set_place(entry)
            self.counts[run.status] += 1
            if self._shown is not self._all and self._placing.shows(entry):
                self._shown.add(entry)
            return True
        if activity is not None:
            entry.activity = activity
        if entry.run is not run:
            self._become(entry, run)
        return False

    def put_older(self, runs: Sequence[Run]) -> None:
        """Take runs that are all older than those that are here, and not here."""
        entries = [Entry.of(run) for run in runs]
        self.by_id |= {entry.run.id: entry for entry in entries}
        self.counts.update(run.status for run in runs)
        self._all.add_first(entries)
        for entry in entries:
            self._touch(entry)
            self._set_place(entry)
        if self._shown is not self._all:
            for entry in filter(self._placing.shows, entries):
                self._shown.add(entry)

    def remove(self, run_id: str) -> bool:
        """Forget a run; whether it was here."""
        entry = self.by_id.pop(run_id, None)
        if entry is None:
            return False
        self._touch(entry)
        self.counts[entry.shown.status] -= 1
        self._all.remove(entry)
        if self._shown is not self._all:
            self._shown.remove(entry)
        return True

    def cut(self, most: int) -> int:
        """Forget the oldest beyond ``most``; how many there were."""
        gone = [entry.run.id for entry in islice(self._all, max(0, len(self) - most))]
        for run_id in gone:
            self.remove(run_id)
        return len(gone)

    def between(self, newer: Born | None, older: Born | None) -> list[Entry]:
        """Those made before ``newer`` and not before ``older``; None is no bound."""
        return self._all.between(older, newer)

    def overlay(self, run_id: str, status: RunStatus | None, *, on: bool) -> bool:
        """Show a run as ``status`` (None: deleted), or as it is; whether it is here."""
        entry = self.by_id.get(run_id)
        if entry is None:
            return False
        if on and status is None and self._shown is self._all:
            self._shown = Ordered(KEYS[self._slot], self._all)
        entry.hidden = on and status is None
        entry.overlay = status if on else None
        self._become(entry, entry.run)
        return True

    def overlay_as(self, other: RunList) -> None:
        """Show what another list shows otherwise than it is."""
        for run_id, entry in other.by_id.items():
            if entry.hidden or entry.overlay is not None:
                self.overlay(run_id, None if entry.hidden else entry.overlay, on=True)

    def _become(self, entry: Entry, run: Run) -> None:
        self._touch(entry)
        before = entry.shown
        if entry.overlay is not None and run.status is not entry.run.status:
            entry.overlay = None  # an event told of it first
        entry.run = entry.shown = run
        if entry.overlay is not None:
            entry.shown = replace(run, status=entry.overlay)
        if entry.shown.status is not before.status:
            self.counts[before.status] -= 1
            self.counts[entry.shown.status] += 1
        if self._shown is self._all:
            return
        # Taken out by its old place before it gets a new one.
        was_in = entry in self._shown
        old, new = KEYS[self._slot](entry), self._placing.place(entry)
        is_in = self._placing.shows(entry)
        if was_in and (new != old or not is_in):
            self._shown.remove(entry)
        put_place(entry, self._slot, new)
        if is_in and (new != old or not was_in):
            self._shown.add(entry)

    def _set_place(self, entry: Entry) -> None:
        put_place(entry, self._slot, self._placing.place(entry))
