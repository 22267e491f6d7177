"""``Job``: trigger a job and follow its runs (useJob)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Generic, Self

from durably_tui.protocol import LogEntry, Progress, Run, RunStatus, Step, Triggered

from .job_run_state import JobRunState
from .jobs import I, O
from .store import Listener, Unsubscribe


class Job(Generic[I, O]):
    """One job: trigger it, and follow its current run.

    Use as ``async with``, or ``start()`` and ``await aclose()``.
    """

    job_name: str
    current_run_id: str | None
    run: Run[I, O] | None
    status: RunStatus | None
    output: O | None
    error: str | None
    progress: Progress | None
    steps: Sequence[Step]
    logs: Sequence[LogEntry]
    is_pending: bool
    is_running: bool
    is_leased: bool
    is_completed: bool
    is_failed: bool
    is_cancelled: bool
    is_terminal: bool
    is_active: bool

    async def trigger(
        self,
        input: I,
        *,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        coalesce: str | None = None,
    ) -> Triggered:
        """Ask for a new run and make it the current one. Raises a ``DurablyError``."""
        raise NotImplementedError

    async def trigger_and_wait(
        self,
        input: I,
        *,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        coalesce: str | None = None,
    ) -> O:
        """Ask for a new run and wait for its output.

        Raises:
            JobFailed: the run failed; ``reason`` is its error.
            JobCancelled: the run was cancelled or deleted.
            DurablyError: the server did not take the trigger.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget the current run; the run itself goes on."""
        raise NotImplementedError

    def subscribe(self, listener: Listener[JobRunState[I, O] | None]) -> Unsubscribe:
        """Call ``listener(state)`` after each change; None while there is no current run."""
        raise NotImplementedError

    def start(self) -> Self:
        """Begin; harmless when already begun. Needs a running event loop."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Let everything go."""
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
