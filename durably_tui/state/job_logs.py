"""``JobLogs``: the log lines of one run (useJobLogs)."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from durably_tui.protocol import LogEntry

from .store import Listener, Unsubscribe
from .trail import Trail


class JobLogs:
    """The lines of one run, those included that the feed saw before it was opened.

    ``max_logs`` 0 is no limit of its own; what is kept is still bounded by
    ``HistoryLimits.lines``.
    """

    run_id: str | None
    max_logs: int
    logs: Sequence[LogEntry]

    def clear_logs(self) -> None:
        """Forget the lines up to now; new ones appear as they come."""
        raise NotImplementedError

    def subscribe(self, listener: Listener[Trail[LogEntry]]) -> Unsubscribe:
        """Call ``listener(logs)`` when lines came or were cleared."""
        raise NotImplementedError

    def start(self) -> Self:
        """Begin to watch; harmless when already begun. Needs a running event loop."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Let the run go."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError
