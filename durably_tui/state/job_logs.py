"""``JobLogs``: the log lines of one run (useJobLogs)."""

from __future__ import annotations

from typing import Self

from durably_tui.protocol import LogEntry

from .hook import Hook
from .hub import Hub
from .job_run_state import JobRunState
from .run_watch import RunWatch
from .store import Store, Unsubscribe
from .trail import Trail


class JobLogs(Hook[Trail[LogEntry]]):
    """The lines of one run, those included that the feed saw before it was opened.

    ``max_logs`` 0 is no limit of its own; what is kept is still bounded by
    ``HistoryLimits.lines``.
    """

    def __init__(self, hub: Hub, run_id: str | None, job_name: str, *, max_logs: int = 0) -> None:
        if max_logs < 0:
            raise ValueError(f"max_logs must be at least 0, not {max_logs}.")
        self.run_id = run_id
        self.job_name = job_name
        self.max_logs = max_logs
        self.store = Store(Trail())
        self._hub = hub
        self._cleared = 0
        self._all: Trail[LogEntry] = Trail()
        self._watch: RunWatch | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._closed = False

    @property
    def logs(self) -> Trail[LogEntry]:
        """The lines, oldest first. ``logs.dropped`` of them are not kept any more."""
        return self.store.state

    def clear_logs(self) -> None:
        """Forget the lines up to now; new ones appear as they come."""
        self._cleared = self._all.total
        self._show()

    def start(self) -> Self:
        """Begin to watch; harmless when already begun. Needs a running event loop."""
        if self.run_id is not None and self._watch is None and not self._closed:
            self._hub.open.add(self)
            self._watch = self._hub.watch(self.run_id, self.job_name)
            self._unsubscribe = self._watch.store.subscribe(self._take)
            self._take(self._watch.store.state)
        return self

    async def aclose(self) -> None:
        """Let the run go. The lines stay readable."""
        self._closed = True
        self._hub.open.discard(self)
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._watch is not None:
            watch, self._watch = self._watch, None
            self._hub.unwatch(watch)
        await self._hub.closed()

    def _take(self, state: JobRunState) -> None:
        if state.logs is not self._all:
            self._all = state.logs
            self._show()

    def _show(self) -> None:
        logs = self._all.forget(self._cleared - self._all.dropped)
        self.store.set(logs.last(self.max_logs) if self.max_logs else logs)
