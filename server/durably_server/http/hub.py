"""Spreads the engine's events over open streams: encoded once, queued per client, never waiting.

Each client has a bounded list and one future; what is pending goes out in one write. A client
that is too slow loses progress first (only the newest of each run is kept); when its list is full
all the same, its stream is ended, so that it connects again and fetches what it missed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from durably_server.engine.engine import Engine
from durably_server.engine.events import ENDS_A_RUN, Event
from durably_server.http import wire

KEEP_ALIVE_INTERVAL = 15.0
"""Seconds of silence after which a comment is sent, so that a dead line can be told."""
PROGRESS_INTERVAL = 0.1
"""Seconds between two progress events of one run; the last one is always delivered."""
MAX_FRAMES = 4096
MAX_BYTES = 8 * 1024 * 1024
_KEEP_ALIVE = b": keep-alive\n\n"


class Subscriber:
    """One open stream."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._bytes = 0
        self._progress_at: dict[str, int] = {}
        self._waiter: asyncio.Future[None] | None = None
        self.ended = False
        self.quiet = True

    def push(self, frame: bytes, progress_of: str | None = None) -> None:
        """Queue a frame; progress of a run replaces its progress that was not sent yet."""
        if self.ended:
            return
        if progress_of is not None:
            at = self._progress_at.get(progress_of)
            if at is not None:
                self._bytes += len(frame) - len(self._frames[at])
                self._frames[at] = frame
                return
            self._progress_at[progress_of] = len(self._frames)
        self._frames.append(frame)
        self._bytes += len(frame)
        self.quiet = False
        if len(self._frames) > MAX_FRAMES or self._bytes > MAX_BYTES:
            self._drop()
            self.end()
        else:
            self._wake()

    def prepend(self, frames: Iterable[bytes]) -> None:
        """Put frames before what has come since the stream was opened."""
        self._frames[:0] = frames
        self._progress_at.clear()
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
        chunk = b"".join(self._frames)
        self._drop()
        return chunk

    def _drop(self) -> None:
        self._frames.clear()
        self._progress_at.clear()
        self._bytes = 0

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class _RunsSubscriber(Subscriber):
    def __init__(self, job_names: Collection[str], labels: Mapping[str, str]) -> None:
        super().__init__()
        self._job_names = frozenset(job_names)
        self._labels = dict(labels)

    def wants(self, event: Event) -> bool:
        if self._job_names and event.job_name not in self._job_names:
            return False
        return all(event.labels.get(key) == value for key, value in self._labels.items())


class _Throttle:
    """When the last progress of a run went out, and the one that waits."""

    __slots__ = ("sent_at", "timer", "waiting")

    def __init__(self) -> None:
        self.sent_at = float("-inf")
        self.waiting: Event | None = None
        self.timer: asyncio.TimerHandle | None = None


class Hub:
    """All open streams of one handler. Everything happens on the event loop's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of_run: dict[str, set[Subscriber]] = defaultdict(set)
        self._of_runs: set[_RunsSubscriber] = set()
        self._throttles: dict[str, _Throttle] = {}
        self._keep_alive: asyncio.TimerHandle | None = None
        self._unsubscribe = engine.on(None, self._publish)
        self.closed = False

    def subscribe_run(self, run_id: str) -> Subscriber:
        """A stream about one run; it ends with the run."""
        subscriber = Subscriber()
        self._of_run[run_id].add(subscriber)
        self._begin_keep_alive()
        return subscriber

    def subscribe_runs(self, job_names: Collection[str], labels: Mapping[str, str]) -> Subscriber:
        """A stream about all runs of any of the jobs with all of the labels; it never ends."""
        subscriber = _RunsSubscriber(job_names, labels)
        self._of_runs.add(subscriber)
        self._begin_keep_alive()
        return subscriber

    def remove(self, subscriber: Subscriber, run_id: str | None = None) -> None:
        """A stream is over."""
        if isinstance(subscriber, _RunsSubscriber):
            self._of_runs.discard(subscriber)
        elif run_id is not None and run_id in self._of_run:
            self._of_run[run_id].discard(subscriber)
            if not self._of_run[run_id]:
                del self._of_run[run_id]

    @property
    def size(self) -> int:
        """Open streams."""
        return len(self._of_runs) + sum(len(each) for each in self._of_run.values())

    def close(self) -> None:
        """End all streams, for a server that stops; new ones are refused by the handler."""
        self.closed = True
        self._unsubscribe()
        if self._keep_alive is not None:
            self._keep_alive.cancel()
            self._keep_alive = None
        for throttle in self._throttles.values():
            if throttle.timer is not None:
                throttle.timer.cancel()
        self._throttles.clear()
        for subscriber in self._all():
            subscriber.end()

    def _all(self) -> list[Subscriber]:
        found: list[Subscriber] = list(self._of_runs)
        for subscribers in self._of_run.values():
            found.extend(subscribers)
        return found

    # --- events ---

    def _publish(self, event: Event) -> None:
        if not self._of_runs and event.run_id not in self._of_run:
            if event.type in ENDS_A_RUN:
                self._forget(event.run_id)
            return
        if event.type == "run:progress":
            self._throttled(event)
            return
        if event.type in ENDS_A_RUN:
            self._forget(event.run_id)
        self._spread(event)

    def _throttled(self, event: Event) -> None:
        loop = asyncio.get_running_loop()
        throttle = self._throttles.setdefault(event.run_id, _Throttle())
        due = throttle.sent_at + PROGRESS_INTERVAL
        if throttle.timer is None and loop.time() >= due:
            throttle.sent_at = loop.time()
            self._spread(event)
            return
        throttle.waiting = event
        if throttle.timer is None:
            throttle.timer = loop.call_at(due, self._progress_due, throttle)

    def _progress_due(self, throttle: _Throttle) -> None:
        throttle.timer = None
        event, throttle.waiting = throttle.waiting, None
        if event is not None:
            throttle.sent_at = asyncio.get_running_loop().time()
            self._spread(event)

    def _forget(self, run_id: str) -> None:
        """A run ends: its last progress goes out before the end does."""
        throttle = self._throttles.pop(run_id, None)
        if throttle is not None and throttle.timer is not None:
            throttle.timer.cancel()
            self._progress_due(throttle)

    def _spread(self, event: Event) -> None:
        if event.type in wire.NOT_SENT:
            return
        progress_of = event.run_id if event.type == "run:progress" else None
        encoded: bytes | None = None
        for watcher in self._of_runs:
            if watcher.wants(event):
                if encoded is None:
                    encoded = wire.frame(wire.runs_event(event))
                watcher.push(encoded, progress_of)
        of_run = self._of_run.get(event.run_id)
        if not of_run or event.type in wire.ONLY_ON_RUNS_SUBSCRIBE:
            return
        encoded = wire.frame(wire.run_event(event))
        for subscriber in of_run:
            subscriber.push(encoded, progress_of)
            if event.type in ENDS_A_RUN:
                subscriber.end()

    # --- keep-alive ---

    def _begin_keep_alive(self) -> None:
        if self._keep_alive is None:
            loop = asyncio.get_running_loop()
            self._keep_alive = loop.call_later(KEEP_ALIVE_INTERVAL, self._send_keep_alive)

    def _send_keep_alive(self) -> None:
        self._keep_alive = None
        subscribers = self._all()
        for subscriber in subscribers:
            if subscriber.quiet:
                subscriber.push(_KEEP_ALIVE)
            subscriber.quiet = True
        if subscribers:
            self._begin_keep_alive()
