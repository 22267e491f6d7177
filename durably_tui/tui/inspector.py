"""The one run that a screen shows in detail, changed as often as the cursor moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from durably_tui.protocol import Run, RunStatus
from durably_tui.state import DurablyHooks, JobRun, JobRunState

SETTLE_SECONDS = 0.15
"""How long the cursor must rest on a run before the server is asked about it: a key that is held
down must not open a stream a row."""


class Inspector:
    """Watches at most one run; ``show`` exchanges it."""

    def __init__(self, hooks: DurablyHooks, on_change: Callable[[], None]) -> None:
        self._hooks = hooks
        self._on_change = on_change
        self._hook: JobRun[Any, Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self.run_id: str | None = None

    @property
    def state(self) -> JobRunState | None:
        """What is known of the run; None until it is watched."""
        hook = self._hook
        return hook.state if hook is not None and hook.run_id == self.run_id else None

    def show(self, run: Run | None, *, settle: float = SETTLE_SECONDS) -> None:
        """Watch ``run`` instead of the one before, once the choice has rested for ``settle`` s."""
        run_id = run.id if run is not None else None
        if run_id == self.run_id:
            return
        self.run_id = run_id
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._let_go()
        if run is None:
            return
        if settle:
            self._task = asyncio.create_task(self._settled(run, settle), name="inspector")
        else:
            self._watch(run)

    async def _settled(self, run: Run, settle: float) -> None:
        await asyncio.sleep(settle)
        self._watch(run)

    def _watch(self, run: Run) -> None:
        hook = self._hooks.job(run.job_name).use_run(run.id)
        self._hook = hook
        hook.subscribe(lambda _state: self._on_change())
        hook.start()
        self._on_change()

    def optimistic(self, run: Run, status: RunStatus | None) -> AbstractContextManager[None]:
        """Show ``run`` as ``status`` while the block asks the server for it, where it is the one
        that is watched and not about to be gone (None)."""
        if self._hook is None or self._hook.run_id != run.id or status is None:
            return nullcontext()
        return self._hook.optimistic(status)

    async def refresh(self) -> None:
        """Ask the server about the run again."""
        if self._hook is not None:
            await self._hook.refresh()

    def _let_go(self) -> None:
        if self._hook is not None:
            self._hook.let_go()
            self._hook = None

    async def aclose(self) -> None:
        """Watch nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        hook, self._hook = self._hook, None
        if hook is not None:
            await hook.aclose()
