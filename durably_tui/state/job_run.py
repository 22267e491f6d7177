"""``JobRun``: one run, watched (useJobRun)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Generic

from durably_tui.protocol import Run, RunStatus

from .hub import Hub
from .job_run_state import JobRunState
from .jobs import I, O
from .run_hook import RunHook
from .run_view import RunView

_log = logging.getLogger(__name__)

Callback = Callable[[], object]


class JobRun(RunHook[JobRunState | None], RunView[I, O], Generic[I, O]):
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
        RunHook.__init__(self, hub, run_id, job_name, None)
        RunView.__init__(self, typed)
        self._on_start = on_start
        self._on_complete = on_complete
        self._on_fail = on_fail
        self._told: RunStatus | None = None

    @property
    def status(self) -> RunStatus | None:
        """The status; a run that is not known yet counts as pending. None without a run."""
        if self.state is None:
            return None if self.run_id is None else RunStatus.PENDING
        return self.state.status

    async def refresh(self) -> None:
        """Fetch the run and its steps now. Never raises for what a server says: see
        ``state.fault``."""
        self.start()
        if self._watch is not None:
            await self._watch.refresh()

    def optimistic(self, status: RunStatus) -> contextlib.AbstractContextManager[None]:
        """Show the run as ``status`` while the block asks the server for it::

            with run.optimistic(RunStatus.CANCELLED):
                await actions.cancel(run.run_id)

        Where the block raises, it changes back and the error goes on to the caller. What is
        called at an end or a start waits for the server.
        """
        return contextlib.nullcontext() if self._watch is None else self._watch.optimistic(status)

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

    def _take(self, state: JobRunState) -> None:
        self.store.set(state)
        before, now = self._told, state.current.status if state.is_known else None
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
