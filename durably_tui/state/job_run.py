"""``JobRun``: one run, watched (useJobRun)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, Self

from durably_tui.protocol import Run, RunStatus

from .hook import Hook
from .hub import Hub
from .job_run_state import JobRunState
from .jobs import I, O
from .run_view import RunView
from .run_watch import RunWatch
from .store import Store, Unsubscribe

_log = logging.getLogger(__name__)

Callback = Callable[[], object]


class JobRun(Hook[JobRunState | None], RunView[I, O], Generic[I, O]):
    """One run: its state, steps and logs, live. ``run_id`` None is a hook with nothing to watch.

    ``state`` is None before ``start`` and where there is no run. Each callback is called once for
    each time that the run starts (pending or running, after nothing or an end), completes or
    fails; for a run that is opened late, for the state that it is found in.
    """

    def __init__(
        self,
        hub: Hub,
        run_id: str | None,
        job_name: str,
        *,
        typed: Callable[[Run], Run[I, O]] | None = None,
        on_start: Callback | None = None,
        on_complete: Callback | None = None,
        on_fail: Callback | None = None,
    ) -> None:
        super().__init__(typed)
        self.run_id = run_id
        self.job_name = job_name
        self.store = Store[JobRunState | None](None)
        self._hub = hub
        self._on_start = on_start
        self._on_complete = on_complete
        self._on_fail = on_fail
        self._told: RunStatus | None = None
        self._watch: RunWatch | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._closed = False

    @property
    def status(self) -> RunStatus | None:
        """The status; a run that is not known yet counts as pending. None without a run."""
        if self.state is None:
            return None if self.run_id is None else RunStatus.PENDING
        return self.state.status

    def start(self) -> Self:
        """Begin to watch; harmless when already begun. Needs a running event loop."""
        if self.run_id is not None and self._watch is None and not self._closed:
            self._hub.open.add(self)
            self._watch = self._hub.watch(self.run_id, self.job_name)
            self._unsubscribe = self._watch.store.subscribe(self._take)
            self._take(self._watch.store.state)
        return self

    async def refresh(self) -> None:
        """Fetch the run and its steps now. Never raises for what a server says: see
        ``state.fault``."""
        self.start()
        if self._watch is not None:
            await self._watch.refresh()

    async def wait(self) -> JobRunState:
        """The state once the run has ended and the server has described its end, or once it is
        known that the server has no such run (``is_gone``).

        Raises:
            ValueError: there is no run to wait for.
        """
        self.start()
        if self._watch is None:
            raise ValueError("There is no run to wait for: give a run_id.")
        return await self._watch.store.wait_for(lambda state: state.settled or state.is_gone)

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
        self.store.set(state)
        before, now = self._told, state.status if state.is_known else None
        if now is before:
            return
        self._told = now
        if now is RunStatus.COMPLETED:
            _call(self._on_complete)
        elif now is RunStatus.FAILED:
            _call(self._on_fail)
        elif now is not None and now.is_active and (before is None or before.is_terminal):
            _call(self._on_start)


def _call(callback: Callback | None) -> None:
    if callback is not None:
        try:
            callback()
        except Exception:  # the caller's mistake must not stop the stream
            _log.exception("a callback of a run raised")
