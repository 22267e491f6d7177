"""Who listens to what, and when they are told: few at once, many together."""

import asyncio
import math
from collections.abc import Iterator

from durably_server.http.subscriber import Interest, Published, Subscriber

MIN_INTERVAL = 0.004
INTERVAL_PER_STREAM = 125e-6
MANY = 100
MAX_INTERVAL = 0.05
"""Seconds between two writes to one stream: so many at least, so many for each that is open, up to
so many streams; from there on they grow with the root of how many there are, to so many at most."""
AHEAD = 2 * MIN_INTERVAL
"""Seconds of these that a group may be told ahead of: the few events of a single run never wait."""


class Beat:
    """When groups of streams are told what has come for them.

    A write costs the same for one event as for twenty, about 50 µs, and wakes whoever reads it.
    So the events of one quick run after the other go together even to a single stream. With an
    interval that grows with the number of streams, writing to a hundred of them takes at most
    about half a core, at any rate of events; a group that was silent for that long is told at once.
    """

    def __init__(self) -> None:
        self.interval = 0.0
        """Seconds between two writes to one stream."""
        self._due: set[Group] = set()
        self._timer: asyncio.TimerHandle | None = None

    def set_streams(self, count: int) -> None:
        """There are so many now."""
        streams = min(count, math.sqrt(MANY * count))
        self.interval = min(max(streams * INTERVAL_PER_STREAM, MIN_INTERVAL), MAX_INTERVAL)

    def tell_soon(self, group: "Group") -> None:
        """Tell it with all others that are due."""
        self._due.add(group)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.interval, self._tell)

    def close(self) -> None:
        """Tell nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due.clear()

    def _tell(self) -> None:
        self._timer = None
        due, self._due = self._due, set()
        for group in due:
            group.tell()


class Group:
    """Streams that take the same events: what they are told is put together once for all."""

    __slots__ = ("_beat", "_frames", "_free_at", "interest", "members")

    def __init__(self, interest: Interest, beat: Beat) -> None:
        self.interest = interest
        self.members: set[Subscriber] = set()
        self._beat = beat
        self._frames: list[tuple[bytes, str | None]] = []
        self._free_at = float("-inf")

    def add(self, frame: bytes, progress_of: str | None) -> None:
        """Something to tell."""
        self._frames.append((frame, progress_of))
        if len(self._frames) > 1:
            return
        if asyncio.get_running_loop().time() < self._free_at - AHEAD:
            self._beat.tell_soon(self)
        else:
            self.tell()

    def tell(self) -> None:
        """Tell what has come, now."""
        if not self._frames:
            return
        frames, self._frames = self._frames, []
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + self._beat.interval
        whole = b"".join([frame for frame, _ in frames]) if len(frames) > 1 else frames[0][0]
        for subscriber in self.members:
            subscriber.take(whole, frames)


class Audience:
    """Who listens to one thing, and since when its events are kept.

    Attributes:
        since: the number of the last event before the first that is kept for them.
        until: when to stop keeping events though nobody listens, by the loop's clock.
    """

    __slots__ = ("_beat", "_groups", "since", "until")

    def __init__(self, since: int, beat: Beat) -> None:
        self.since = since
        self.until = float("inf")
        self._beat = beat
        self._groups: dict[Interest, Group] = {}

    def __iter__(self) -> Iterator[Subscriber]:
        """The open streams."""
        return (each for group in self._groups.values() for each in group.members)

    @property
    def is_attended(self) -> bool:
        """Whether somebody listens."""
        return bool(self._groups)

    def expects(self, now: float) -> bool:
        """Whether somebody listens, or may come back."""
        return bool(self._groups) or now < self.until

    def join(self, subscriber: Subscriber) -> None:
        """One more stream, which is told what comes from now on."""
        group = self._groups.get(subscriber.interest)
        if group is None:
            group = self._groups[subscriber.interest] = Group(subscriber.interest, self._beat)
        group.tell()
        group.members.add(subscriber)

    def leave(self, subscriber: Subscriber) -> bool:
        """One less; whether it was here."""
        group = self._groups.get(subscriber.interest)
        if group is None or subscriber not in group.members:
            return False
        group.members.discard(subscriber)
        if not group.members:
            del self._groups[subscriber.interest]
        return True

    def deliver(self, event: Published, frame: bytes, progress_of: str | None) -> int:
        """Tell all who want it; how many they are."""
        count = 0
        for group in self._groups.values():
            if group.interest.takes(event):
                group.add(frame, progress_of)
                count += len(group.members)
        return count

    def tell(self) -> None:
        """Tell what is due."""
        for group in self._groups.values():
            group.tell()

    def end(self) -> None:
        """Tell what is due, and no more."""
        self.tell()
        for group in self._groups.values():
            for subscriber in group.members:
                subscriber.end()
