"""``JobRun``: one run, watched (useJobRun)."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Generic, Self

from durably_tui.protocol import Connection, LogEntry, Progress, Run, RunStatus, Step

from .job_run_state import JobRunState
from .jobs import I, O
from .store import Listener, Unsubscribe


class JobRun(Generic[I, O]):
    """One run: its state, steps and logs, live. ``run_id`` None is a hook with nothing to watch.

    Use as ``async with``, or ``start()`` and ``await aclose()``.
    """

    run_id: str | None
    state: JobRunState[I, O] | None
    run: Run[I, O] | None
    status: RunStatus | None
    output: O | None
    error: str | None
    progress: Progress | None
    steps: Sequence[Step]
    logs: Sequence[LogEntry]
    connection: Connection
    is_pending: bool
    is_running: bool
    is_leased: bool
    is_completed: bool
    is_failed: bool
    is_cancelled: bool
    is_terminal: bool
    is_active: bool

    def subscribe(self, listener: Listener[JobRunState[I, O]]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        raise NotImplementedError

    def start(self) -> Self:
        """Begin to watch; harmless when already begun. Needs a running event loop."""
        raise NotImplementedError

    async def refresh(self) -> None:
        """Fetch the run and its steps now."""
        raise NotImplementedError

    async def wait(self) -> JobRunState[I, O]:
        """The state once the run has ended and the server has described its end."""
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
