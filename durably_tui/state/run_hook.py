"""What hooks of one run share: they look at what is watched of it once for all of them."""

from __future__ import annotations

from typing import Self

from .hook import Hook
from .hub import Hub
from .job_run_state import JobRunState
from .run_watch import RunWatch
from .store import S, Store, Unsubscribe


class RunHook(Hook[S]):
    """Something of one run, live. ``run_id`` None is a hook with nothing to watch."""

    def __init__(self, hub: Hub, run_id: str | None, job_name: str, state: S) -> None:
        self.run_id = run_id
        self.job_name = job_name
        self.store = Store(state)
        self._hub = hub
        self._watch: RunWatch | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._closed = False

    def start(self) -> Self:
        """Begin to watch; harmless when already begun. Needs a running event loop."""
        if self.run_id is not None and self._watch is None and not self._closed:
            self._hub.open.add(self)
            self._watch = self._hub.watch(self.run_id, self.job_name)
            self._unsubscribe = self._watch.store.subscribe(self._take)
            self._take(self._watch.store.state)
        return self

    def let_go(self) -> None:
        """Stop watching now; what is to be closed closes by itself."""
        self._closed = True
        self._hub.open.discard(self)
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._watch is not None:
            watch, self._watch = self._watch, None
            self._hub.unwatch(watch)

    async def aclose(self) -> None:
        """Let the run go. What is known of it stays readable."""
        self.let_go()
        await self._hub.closed()

    def _take(self, state: JobRunState) -> None:
        """Take in what is known of the run."""
        raise NotImplementedError
