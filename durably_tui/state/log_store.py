"""Up to a million log lines that grow at both ends, bounded in number and in bytes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from durably_tui.protocol import LogEntry

from .log_block import MOST_LINES, Line, LogBlock, blocks_of

CAPACITY = 1_000_000
"""How many lines a store keeps unless it is told otherwise."""
BYTES = 256 * 1024 * 1024
"""How many bytes they take at most, by estimate."""


class LogStore:
    """Lines in the order in which they came, each with a number that stays its own.

    Numbers rise by one from line to line; lines that are put before the first have negative ones.
    ``[first, end)`` are there. The oldest go in lots, to make going cheap.
    """

    def __init__(self, capacity: int = CAPACITY, most_bytes: int = BYTES) -> None:
        self.capacity = capacity
        self.most_bytes = most_bytes
        self.first = 0
        """The number of the oldest line that is kept."""
        self.end = 0
        """The number that the next line will have."""
        self.dropped = 0
        """How many lines went as there were too many."""
        self.blocks: list[LogBlock] = []
        self.firsts: list[int] = []
        """The number of the first line of each block."""
        self._sealed = 0
        self._grows = False
        self._block_lines = max(1, min(MOST_LINES, capacity // 16))

    def __len__(self) -> int:
        return self.end - self.first

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return self._sealed + (self.blocks[-1].size if self._grows else 0)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for older lines."""
        return len(self) >= self.capacity or self.size >= self.most_bytes

    def extend(self, entries: Iterable[LogEntry]) -> None:
        """Add lines at the end; the oldest go if there are too many."""
        rest = iter(entries)
        while taken := self._last().take(rest):
            self.end += taken
        self._bound()

    def extend_gap(self, since: float, until: float) -> None:
        """Say at the end that lines between two times (seconds since the epoch) may be missing."""
        self._last().add_gap(since, until)
        self.end += 1

    def extend_around(
        self, entries: Sequence[LogEntry], gaps: Iterable[tuple[float, float]]
    ) -> None:
        """Add lines, oldest first, at the end, with what ``extend_gap`` says between them: before
        the first line of after a gap; not before all, as nothing was lost of what was not heard.

        Args:
            entries: the lines.
            gaps: from when to when, in seconds since the epoch, oldest first.
        """
        at = 0
        for since, until in gaps:
            # In the middle of it, as the clocks of both sides are not quite the same.
            behind = bisect_left(entries, (since + until) / 2, lo=at, key=_time)
            if behind or len(self):
                self.extend(entries[at:behind])
                self.extend_gap(since, until)
                at = behind
        self.extend(entries[at:])

    def prepend(self, entries: Iterable[LogEntry]) -> None:
        """Put older lines, the oldest first, before the first."""
        blocks = blocks_of(entries)
        firsts: list[int] = []
        for block in reversed(blocks):
            self.first -= len(block)
            firsts.append(self.first)
            self._sealed += block.size
        self.blocks[:0] = blocks
        self.firsts[:0] = reversed(firsts)

    def clear(self) -> None:
        """Forget everything; numbers go on from where they are, downwards as well: what is put
        before the first has numbers that others had."""
        self.first = self.end
        self.dropped = self._sealed = 0
        self.blocks.clear()
        self.firsts.clear()
        self._grows = False

    def _last(self) -> LogBlock:
        """The block that the next line belongs in."""
        if self._grows and not self.blocks[-1].is_full:
            return self.blocks[-1]
        if self._grows:
            self.blocks[-1].seal()
            self._sealed += self.blocks[-1].size
        self.blocks.append(LogBlock(self._block_lines))
        self.firsts.append(self.end)
        self._grows = True
        return self.blocks[-1]

    def _bound(self) -> None:
        """Let the oldest blocks go as long as what is left is still enough."""
        gone = 0
        while gone < len(self.blocks) - 1:
            block = self.blocks[gone]
            too_many = len(self) - len(block) >= self.capacity
            if not too_many and self.size <= self.most_bytes:
                break
            self.first += len(block)
            self.dropped += len(block)
            self._sealed -= block.size
            gone += 1
        del self.blocks[:gone]
        del self.firsts[:gone]

    # -- looking ---------------------------------------------------------------------------

    def place(self, number: int) -> tuple[int, int]:
        """Which block a line is in, and where in it.

        Raises:
            IndexError: there is no such line.
        """
        if not self.first <= number < self.end:
            raise IndexError(f"no line {number}: there are {self.first} to {self.end}")
        at = bisect_right(self.firsts, number) - 1
        return at, number - self.firsts[at]

    def line(self, number: int, limit: int = 10_000) -> Line:
        """A line to show, message and data each at most about ``limit`` characters."""
        block, index = self.place(number)
        return self.blocks[block].line(index, limit)

    def entry(self, number: int) -> LogEntry:
        """A line as it came."""
        block, index = self.place(number)
        return self.blocks[block].entry(index)

    def __iter__(self) -> Iterator[LogEntry]:
        for block in self.blocks:
            yield from map(block.entry, range(len(block)))


def _time(line: LogEntry) -> float:
    return line.timestamp.timestamp() if line.timestamp is not None else 0.0
