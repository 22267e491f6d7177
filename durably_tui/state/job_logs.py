"""``JobLogs``: the log lines of one run (useJobLogs)."""

from __future__ import annotations

from durably_tui.protocol import LogEntry

from .hub import Hub
from .job_run_state import JobRunState
from .run_hook import RunHook
from .trail import Trail


class JobLogs(RunHook[Trail[LogEntry]]):
    """The lines of one run, those included that the feed saw before it was opened.

    ``max_logs`` 0 is no limit of its own; what is kept is still bounded by
    ``HistoryLimits.lines``.
    """

    def __init__(self, hub: Hub, run_id: str | None, job_name: str, *, max_logs: int = 0) -> None:
        if max_logs < 0:
            raise ValueError(f"max_logs must be at least 0, not {max_logs}.")
        super().__init__(hub, run_id, job_name, Trail())
        self.max_logs = max_logs
        self._cleared = 0
        self._all: Trail[LogEntry] = Trail()

    @property
    def logs(self) -> Trail[LogEntry]:
        """The lines, oldest first. ``logs.dropped`` of them are not kept any more."""
        return self.store.state

    def clear_logs(self) -> None:
        """Forget the lines up to now; new ones appear as they come."""
        self._cleared = self._all.total
        self._show()

    def _take(self, state: JobRunState) -> None:
        if state.logs is not self._all:
            self._all = state.logs
            self._show()

    def _show(self) -> None:
        logs = self._all.forget(self._cleared - self._all.dropped)
        self.store.set(logs.last(self.max_logs) if self.max_logs else logs)
