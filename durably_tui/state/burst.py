"""Events of one run that came together, as they are kept."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from durably_tui.protocol import Decoder, Event

from .weigh import weigh_data, weigh_events


class Burst(msgspec.Struct, frozen=True, gc=False):
    """Events of one run that came together.

    Where it is known how they came they are kept as that, in one piece: it takes a fifth of the
    memory, most are never looked at, and what is not scattered over the memory does not slow down
    what comes after it.
    """

    at: float
    """When they came, in seconds since the epoch by the monitor's clock."""
    weight: int
    """Bytes, estimated."""
    count: int
    """How many they are."""
    data: bytes = b""
    """The data of each, a line each; empty where that is not known."""
    decoded: tuple[Event, ...] = ()
    """Else the events themselves."""

    @property
    def frames(self) -> list[bytes]:
        """The data of each; empty where that is not known."""
        return self.data.split(_LINE_END) if self.data else []

    @property
    def events(self) -> Sequence[Event]:
        """The events, in the order in which they came."""
        (events,) = read((self,))
        return events


def put_away(events: Sequence[Event], frames: Sequence[bytes], at: float) -> Burst:
    """A burst of events that came ``at`` a time.

    Args:
        frames: the data of each as it came; empty where that is not known.
    """
    count = len(events)
    if frames:
        data = _LINE_END.join(frames)
        if data.count(_LINE_END) == count - 1:  # else somebody writes JSON in several lines
            return Burst(at, weigh_data(data), count, data)
    return Burst(at, weigh_events(events), count, decoded=tuple(events))


def read(bursts: Sequence[Burst]) -> list[Sequence[Event]]:
    """The events of each burst. To read many at once costs less than one by one."""
    data = _LINE_END.join([burst.data for burst in bursts if burst.data])
    events = _reader.events(data.split(_LINE_END)) if data else []
    found: list[Sequence[Event]] = []
    at = 0
    for burst in bursts:
        if burst.decoded:
            found.append(burst.decoded)
        else:
            end = at + burst.count
            found.append(events[at:end])
            at = end
    return found


_LINE_END = b"\n"
_reader = Decoder()  # what was unknown in them was counted when they came


@functools.lru_cache(maxsize=16)  # every run of a batch asks for the same moment
def as_datetime(seconds: float) -> datetime:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
