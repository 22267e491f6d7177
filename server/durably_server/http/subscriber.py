"""One open stream: what it wants, and a bounded queue that never makes anybody wait."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

MAX_FRAMES = 4096
MAX_BYTES = 8 * 1024 * 1024
"""Of frames that wait for one client; frames are shared between clients."""
_GAP = -1
"""The key of a waiting gap; events count up from 0, and what is put before them down from here."""


class Published(msgspec.Struct, frozen=True):
    """An event as it went out, kept for those who come back.

    Attributes:
        number: counts up over all events of one process life.
        job_name: None where the event names no job.
        for_runs: its frame on ``/runs/subscribe``; empty where it is not sent there, None where
            nobody was there for whom to encode it.
        for_run: the same for a stream about its run.
        ends: whether a stream about its run ends with it.
    """

    number: int
    type: str
    run_id: str
    job_name: str | None
    labels: Mapping[str, str]
    for_runs: bytes | None
    for_run: bytes | None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Interest:
    """Which events a stream takes. What is empty, or None, takes all."""

    job_names: frozenset[str] = frozenset()
    labels: frozenset[tuple[str, str]] = frozenset()
    types: frozenset[str] | None = None

    def takes(self, event: Published) -> bool:
        """Whether the event is wanted."""
        if self.types is not None and event.type not in self.types:
            return False
        if self.job_names and event.job_name not in self.job_names:
            return False
        return not self.labels or self.labels <= event.labels.items()


class Subscriber:
    """One open stream.

    Frames wait in the order in which they came. Of a run's progress only the newest waits: a slow
    client loses progress first. When there is no room all the same, everything that waits is
    dropped for one ``gap`` frame.

    Attributes:
        interest: which events it takes.
        ended: whether nothing more is queued.
        quiet: whether nothing was queued since the last keep-alive.
        gaps: how often it was told of a gap.

    Args:
        gap: makes the frame that says so.
    """

    __slots__ = (
        *("_bytes", "_frames", "_gap", "_next", "_waiter"),
        *("ended", "gaps", "interest", "quiet"),
    )

    def __init__(self, interest: Interest, gap: Callable[[], bytes]) -> None:
        self.interest = interest
        self.ended = False
        self.quiet = True
        self.gaps = 0
        self._gap = gap
        self._frames: dict[int | str, bytes] = {}
        self._bytes = 0
        self._next = 0
        self._waiter: asyncio.Future[None] | None = None

    def push(self, frame: bytes, progress_of: str | None = None) -> None:
        """Queue a frame; progress of a run replaces its progress that was not sent yet."""
        if self.ended:
            return
        key: int | str = self._next
        self._next += 1
        if progress_of is not None:
            key = progress_of
            before = self._frames.pop(progress_of, None)
            if before is not None:
                self._bytes -= len(before)
        if self._frames and (
            len(self._frames) >= MAX_FRAMES or self._bytes + len(frame) > MAX_BYTES
        ):
            self._drop()
            self.tell_gap(self._gap())
        self._frames[key] = frame
        self._bytes += len(frame)
        self.quiet = False
        self._wake()

    def take(self, whole: bytes, frames: Sequence[tuple[bytes, str | None]]) -> None:
        """Queue frames that came together: as one if nothing waits here, else each as itself."""
        if self._waiter is None or self._frames or self.ended:
            for frame, progress_of in frames:
                self.push(frame, progress_of)
            return
        self._frames[self._next] = whole
        self._next += 1
        self._bytes += len(whole)
        self.quiet = False
        self._wake()

    def tell_gap(self, frame: bytes) -> None:
        """Queue what says that events are missing here."""
        self.gaps += 1
        self._frames[_GAP] = frame
        self._wake()

    def prepend(self, frames: Iterable[bytes]) -> None:
        """Put frames before what has come since the stream was opened, but after a gap."""
        since = self._frames
        self._frames = {_GAP: since.pop(_GAP)} if _GAP in since else {}
        for at, frame in enumerate(frames, 1):
            self._frames[_GAP - at] = frame
            self._bytes += len(frame)
        self._frames.update(since)
        self._wake()

    def end(self) -> None:
        """Send what is queued, and no more."""
        self.ended = True
        self._wake()

    def abandon(self) -> None:
        """The client has gone."""
        self._drop()
        self.end()

    async def next(self) -> bytes | None:
        """All that is pending as one chunk, or None at the end."""
        while not self._frames:
            if self.ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        chunk = b"".join(self._frames.values())
        self._drop()
        return chunk

    def _drop(self) -> None:
        self._frames = {}
        self._bytes = 0

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
