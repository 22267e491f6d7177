"""What hooks of all runs share: they hear every event, and ask the server after some of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Self

from durably_tui.protocol import StreamBatch

from .feed import FeedLease
from .hook import Hook
from .hub import Hub
from .refresher import Refresher
from .runs_state import RunsFilter
from .store import S, Store


class Overview(Hook[S]):
    """Figures of all runs: from the stream of their events, and from requests.

    A request is made at the start, after a lost connection, and after news while somebody looks,
    at most every ``seconds_between_requests``.
    """

    def __init__(self, hub: Hub, state: S, *, seconds_between_requests: float) -> None:
        self.store = Store(state)
        self._hub = hub
        self._refreshers: list[Refresher] = []
        self._refresher = self._asking(self._fetch, seconds_between_requests)
        self._lease: FeedLease | None = None
        self._epoch = 0
        self._is_behind = False
        """Whether there was news since the last request began."""
        self._closed = False

    def start(self) -> Self:
        """Begin to fetch and to listen; harmless when already begun. Needs a running loop."""
        if self._lease is None and not self._closed:
            self._hub.open.add(self)
            self._recall()
            self._lease = self._hub.pool.acquire(RunsFilter(), self._take)
            self._epoch = self._lease.connection.epoch
            self._refresher.at_once()
        return self

    async def refresh(self) -> None:
        """Fetch everything now; returns when the answers are in. Never raises: see ``error``."""
        self.start()
        await self._refresher.finished()

    async def aclose(self) -> None:
        """End every request and let the stream go."""
        self._closed = True
        self._hub.open.discard(self)
        self._release()
        for refresher in self._refreshers:
            refresher.let_go()
        for refresher in self._refreshers:
            await refresher.aclose()
        await self._hub.closed()

    # -- what each does in its own way -----------------------------------------------------

    def _recall(self) -> None:
        """Take in what was seen before the start."""

    def _take(self, batch: StreamBatch) -> None:
        """Take in events, and say what they ask for."""
        raise NotImplementedError

    async def _fetch(self) -> bool:
        """Ask the server; whether to try again by itself."""
        raise NotImplementedError

    def _is_watched(self) -> bool:
        """Whether somebody looks."""
        raise NotImplementedError

    # -- what all do alike -----------------------------------------------------------------

    def _asking(self, fetch: Callable[[], Awaitable[bool]], interval: float = 0.3) -> Refresher:
        """Makes requests by ``fetch`` until the hook is closed."""
        refresher = Refresher(fetch, self._hub.clock, min_interval=interval)
        self._refreshers.append(refresher)
        return refresher

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _is_another(self, batch: StreamBatch) -> bool:
        """Whether the connection is another than that of the batch before: what happened between
        the two is gone, and it may be another server now."""
        is_another = batch.connection.epoch > self._epoch
        if is_another:
            self._epoch = batch.connection.epoch
        return is_another

    def _fall_behind(self) -> None:
        """Something happened that the server knows more of."""
        self._is_behind = True
        if self._is_watched():
            self._refresher.wish()

    def _catch_up(self) -> None:
        """Somebody looks now."""
        if self._is_behind and self._lease is not None:
            self._refresher.wish()


class WatchedOverview(Overview[S]):
    """Figures that ask the server after news only while they are ``watched``, and for everything
    at the start, after a lost connection and when told to."""

    def __init__(self, hub: Hub, state: S, *, seconds_between_requests: float) -> None:
        super().__init__(hub, state, seconds_between_requests=seconds_between_requests)
        self.watched = True
        """Whether somebody looks. Events are taken in all the same."""
        self._wants_all = True
        """Whether the next request is for everything, not only for what is new."""

    def watch(self, watched: bool) -> None:
        """Say whether somebody looks; what was missed meanwhile is fetched."""
        self.watched = watched
        if watched:
            self._catch_up()

    async def refresh(self) -> None:
        """Fetch everything now; returns when the answers are in. Never raises: see ``error``."""
        self._wants_all = True
        await super().refresh()

    def _is_watched(self) -> bool:
        return self.watched
