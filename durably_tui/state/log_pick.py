"""Which lines of a store are shown, or found: looked up bit by bit, newest first, and kept up."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from durably_tui.protocol import LogLevel

from .log_block import GAP_CODE, LEVELS, LogBlock
from .log_pattern import LogPattern
from .log_store import LogStore


@dataclass(frozen=True)
class LogWants:
    """What a line must be like. Lines that tell of a gap are wanted whatever is found in them."""

    level: LogLevel | None = None
    """At least as grave."""
    only: LogPattern | None = None
    """This must be found in it."""

    def __bool__(self) -> bool:
        return self.level is not None or self.only is not None

    def chosen(self, block: LogBlock, first: int) -> Sequence[int]:
        """The indices of such lines from ``first`` on, in order."""
        levels = block.levels
        least = 0 if self.level is None else LEVELS.index(self.level)
        if self.only is None:
            return [at for at in range(first, len(block)) if levels[at] >= least]
        found = self.only.found(block, first)
        if GAP_CODE in levels:
            gaps = (at for at in range(first, len(block)) if levels[at] == GAP_CODE)
            found = sorted({*found, *gaps})
        return [at for at in found if levels[at] >= least] if least else found


@dataclass(frozen=True)
class LogFinds:
    """What is searched for among the lines that are shown."""

    pattern: LogPattern
    among: LogWants = LogWants()

    def chosen(self, block: LogBlock, first: int) -> Sequence[int]:
        """The indices of such lines from ``first`` on, in order."""
        found = self.pattern.found(block, first)
        levels = block.levels
        if GAP_CODE in levels:
            found = [at for at in found if levels[at] != GAP_CODE]
        if self.among and found:
            shown = frozenset(self.among.chosen(block, first))
            return [at for at in found if at in shown]
        return found


class Chooser(Protocol):
    """What says which lines of a block are picked."""

    def chosen(self, block: LogBlock, first: int) -> Sequence[int]:
        """Indices from ``first`` on, in order."""


class Shown(Protocol):
    """A choice of the lines of a store, in order, by index."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> int:
        """The number of the line at an index."""

    def index(self, number: int) -> int:
        """The index of a line, or of the next that is chosen; the length where none is."""

    @property
    def is_complete(self) -> bool:
        """Whether every line of the store was looked at."""

    def step(self, seconds: float) -> bool:
        """Look at more lines for about so long; answers ``is_complete``."""


class AllLines:
    """Every line of a store."""

    is_complete = True

    def __init__(self, store: LogStore) -> None:
        self._store = store

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, index: int) -> int:
        return self._store.first + index

    def index(self, number: int) -> int:
        """The index of a line, or of the next that is there."""
        return min(max(0, number - self._store.first), len(self._store))

    def step(self, seconds: float) -> bool:
        """There is nothing to look up."""
        return True


class LogPick:
    """The lines of a store that a chooser picks.

    New lines are looked at first, then the others from the newest to the oldest, as long as
    ``step`` is given time. It keeps up with what the store takes in at both ends and lets go.
    """

    def __init__(
        self, store: LogStore, chooser: Chooser, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._store = store
        self._chooser = chooser
        self._clock = clock
        self._low = self._high = store.end  # [low, high) was looked at
        self._older = array("q")  # downwards from where the looking began
        self._newer = array("q")
        self._gone = 0  # how many of ``_newer`` the store has let go

    def __len__(self) -> int:
        self._trim()
        return len(self._older) + len(self._newer) - self._gone

    def __getitem__(self, index: int) -> int:
        older = len(self._older)
        return (
            self._older[older - 1 - index]
            if index < older
            else self._newer[self._gone + index - older]
        )

    def index(self, number: int) -> int:
        """The index of a line, or of the next that is picked; the length where none is."""
        length = len(self)
        older = len(self._older)
        if older and number <= self._older[0]:
            return older - bisect_right(self._older, -number, key=_minus)
        return min(length, older + bisect_left(self._newer, number, self._gone) - self._gone)

    @property
    def is_complete(self) -> bool:
        """Whether every line of the store was looked at."""
        return self._high == self._store.end and self._low <= self._store.first

    def step(self, seconds: float) -> bool:
        """Look at more lines for about ``seconds``; answers ``is_complete``."""
        self._trim()
        store = self._store
        until = self._clock() + seconds
        while self._high < store.end:
            at, first = store.place(self._high)
            block = store.blocks[at]
            base = store.firsts[at]
            self._newer.extend([base + found for found in self._chooser.chosen(block, first)])
            self._high = base + len(block)
            if self._clock() >= until:
                return self.is_complete
        while self._low > store.first:
            at, _ = store.place(self._low - 1)
            block, base = store.blocks[at], store.firsts[at]
            low = self._low
            chosen = self._chooser.chosen(block, 0)
            self._older.extend([base + found for found in reversed(chosen) if base + found < low])
            self._low = base
            if self._clock() >= until:
                break
        return self.is_complete

    def _trim(self) -> None:
        """Let go what the store has let go."""
        first = self._store.first
        if self._low >= first:
            return
        older, newer = self._older, self._newer
        while older and older[-1] < first:
            older.pop()
        if not older:
            self._gone = bisect_left(newer, first, self._gone)
            if 2 * self._gone > len(newer):
                del newer[: self._gone]
                self._gone = 0
        self._low = first
        self._high = max(self._high, first)


def _minus(number: int) -> int:
    return -number
