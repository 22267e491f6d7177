"""How a hook reads the run that it watches: the same words for ``JobRun`` and ``Job``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, cast

from durably_tui.protocol import Connection, LogEntry, Progress, Run, RunStatus, Step

from .job_run_state import JobRunState
from .jobs import I, O


class RunView(Generic[I, O]):
    """Reads a ``JobRunState``, and gives input and output their types."""

    def __init__(self, typed: Callable[[Run], Run[I, O]] | None) -> None:
        self._typed = typed
        self._raw: Run | None = None
        self._read: Run[I, O] | None = None

    @property
    def state(self) -> JobRunState | None:
        """Everything, frozen; None where there is no run."""
        raise NotImplementedError

    @property
    def status(self) -> RunStatus | None:
        """The status; a run that is not known yet counts as pending. None without a run."""
        raise NotImplementedError

    @property
    def run(self) -> Run[I, O] | None:
        """The whole run, or None until the server has described it."""
        run = None if self.state is None else self.state.run
        return None if run is None else self._as_typed(run)

    @property
    def output(self) -> O | None:
        """What the run gave; None until it completed."""
        state = self.state
        return None if state is None else self._as_typed(state.current).output

    @property
    def error(self) -> str | None:
        """Why the run failed, in the job's words."""
        return None if self.state is None else self.state.error

    @property
    def progress(self) -> Progress | None:
        """How far the run says it is."""
        return None if self.state is None else self.state.progress

    @property
    def steps(self) -> Sequence[Step]:
        """Every step that the server told of or that was seen, in the order of their start."""
        return () if self.state is None else self.state.steps

    @property
    def logs(self) -> Sequence[LogEntry]:
        """Every line that was seen, those included that passed before the run was opened."""
        return () if self.state is None else self.state.logs

    @property
    def connection(self) -> Connection:
        """How the run's own stream is doing."""
        return Connection() if self.state is None else self.state.connection

    @property
    def is_pending(self) -> bool:
        """The run waits, or is not known yet."""
        return self.status is RunStatus.PENDING

    @property
    def is_running(self) -> bool:
        """A worker has the run."""
        return self.status is RunStatus.RUNNING

    @property
    def is_leased(self) -> bool:
        """The same, in the word of the wire."""
        return self.is_running

    @property
    def is_completed(self) -> bool:
        """The run ended well."""
        return self.status is RunStatus.COMPLETED

    @property
    def is_failed(self) -> bool:
        """The run ended with an error."""
        return self.status is RunStatus.FAILED

    @property
    def is_cancelled(self) -> bool:
        """Somebody cancelled the run."""
        return self.status is RunStatus.CANCELLED

    @property
    def is_terminal(self) -> bool:
        """The run has ended."""
        return self.status is not None and self.status.is_terminal

    @property
    def is_active(self) -> bool:
        """The run is pending or running."""
        return self.status is not None and self.status.is_active

    def _as_typed(self, run: Run) -> Run[I, O]:
        if self._typed is None:
            return cast("Run[I, O]", run)
        if self._read is None or self._raw is not run:
            self._raw, self._read = run, self._typed(run)
        return self._read
