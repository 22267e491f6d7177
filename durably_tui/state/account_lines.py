"""The lines of a run as its account keeps them: read, or, until somebody asks, as they came."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import msgspec

from durably_tui.protocol import Event, LogEntry, LogWrite

from .burst import Burst, as_datetime, put_away, read
from .trail import Trail, shortened
from .weigh import weigh_line


class Lines(msgspec.Struct, frozen=True):
    """Most lines are forgotten before anybody has looked at them, so most are never read: in one
    piece they take a third of the memory, and to add them costs next to nothing."""

    told: Trail[LogEntry] = Trail()
    """Those that were read; they came first."""
    apart: Trail[Burst] = Trail()
    """The others, as they came."""
    waiting: int = 0
    """How many lines the others are."""
    size: int = 0
    """Bytes, estimated."""

    def __len__(self) -> int:
        return len(self.told) + self.waiting

    def more(self, bursts: Sequence[Burst], limit: int) -> Lines:
        """These and those of ``bursts``: the last ``limit`` of them, and of what came together
        with the oldest of these perhaps some more."""
        lines = Lines(
            self.told,
            self.apart.extended(bursts),
            self.waiting + sum(burst.count for burst in bursts),
            self.size + sum(burst.weight for burst in bursts),
        )
        excess = len(lines) - limit
        if excess > 0 and (len(lines.told) or excess >= lines.apart[0].count):
            return lines.shortened(excess)
        return lines

    def shortened(self, count: int) -> Lines:
        """Without the ``count`` oldest, or some fewer, but at least one."""
        told, freed = shortened(self.told, count, weigh_line)
        count -= len(self.told) - len(told)
        gone = lost = 0
        if not len(told):
            for burst in self.apart:
                if lost + burst.count > count:
                    break
                gone += 1
                lost += burst.count
                freed += burst.weight
            if not gone and count and not len(self.told):
                return self.read().shortened(count)
        if gone:
            told = Trail((), told.dropped + lost)
        return Lines(told, self.apart.forget(gone), self.waiting - lost, self.size - freed)

    def read(self, limit: int | None = None) -> Lines:
        """The same, all of them read, and not more than ``limit``."""
        told, size = self.told, self.size
        if self.waiting:
            entries = [
                event.entry(as_datetime(burst.at))
                for burst, events in zip(self.apart, read(self.apart[:]), strict=True)
                for event in events
                if isinstance(event, LogWrite)
            ]
            size -= sum(burst.weight for burst in self.apart)
            size += sum(map(weigh_line, entries))
            told = told.extended(entries)
        if limit is not None and len(told) > limit:
            told, freed = shortened(told, len(told) - limit, weigh_line)
            size -= freed
        return Lines(told, Trail(), 0, size)


def lines_of(events: Sequence[Event], frames: Sequence[bytes], at: float) -> Burst | None:
    """The lines among the events of a burst; None where there are none."""
    which = [type(event) is LogWrite for event in events]
    if True not in which:
        return None
    return put_away(list(compress(events, which)), list(compress(frames, which)), at)
