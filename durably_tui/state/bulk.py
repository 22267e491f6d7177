"""``Bulk``: one action on many runs, a few at a time, that can be watched and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import Run, Unauthorised

from .actions import Action, ActionResult, refusal
from .clock import Clock, SystemClock
from .fault import as_fault
from .store import Listener, Store, Unsubscribe

AT_ONCE = 4
"""Requests under way together: enough to hide a round trip, too few to be a load."""
PER_SECOND = 40.0
"""The most requests begun in a second."""


class Outcome(StrEnum):
    """What became of one run of a bulk."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Its status does not allow the action, so nobody was asked."""
    STOPPED = "stopped"
    """The bulk was stopped before it."""


class BulkItem(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a bulk."""

    run: Run
    """As it was when the bulk was made."""
    outcome: Outcome = Outcome.WAITING
    message: str = ""
    """What was done, or why not, as one sentence."""
    next_run_id: str | None = None
    """The run that goes on, where one was retried."""


class BulkState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a bulk is."""

    action: Action
    items: tuple[BulkItem, ...] = ()
    """In the order in which the runs were given."""
    is_running: bool = False
    is_over: bool = False

    def count(self, outcome: Outcome) -> int:
        """How many runs came out so."""
        return sum(item.outcome is outcome for item in self.items)

    @property
    def failures(self) -> tuple[BulkItem, ...]:
        """Those that the server refused, each with its reason."""
        return tuple(item for item in self.items if item.outcome is Outcome.FAILED)

    @property
    def finished(self) -> int:
        """How many are no longer waited for."""
        return len(self.items) - self.count(Outcome.WAITING)


class Bulk:
    """Does one action to many runs. Those whose status does not allow it are skipped from the
    start; a failure of one does not stop the others, only the lack of a right to do it does."""

    def __init__(
        self,
        action: Action,
        act: Callable[[str], Awaitable[ActionResult]],
        runs: Iterable[Run],
        *,
        at_once: int = AT_ONCE,
        per_second: float = PER_SECOND,
        clock: Clock | None = None,
    ) -> None:
        """Prepare; nothing is sent before ``start``.

        Args:
            action: what is done.
            act: does it to one run, by its id.
            runs: each of them once.
            at_once: requests under way together.
            per_second: the most requests begun in a second.
            clock: where time comes from.
        """
        items = []
        for run in {run.id: run for run in runs}.values():
            reason = refusal(action, run.status)
            outcome = Outcome.WAITING if reason is None else Outcome.SKIPPED
            items.append(BulkItem(run=run, outcome=outcome, message=reason or ""))
        self.store = Store(BulkState(action=action, items=tuple(items)))
        self._act = act
        self._at_once = at_once
        self._interval = 1 / per_second
        self._clock = clock or SystemClock()
        self._next_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._left = [at for at, item in enumerate(items) if item.outcome is Outcome.WAITING]
        self._left.reverse()

    @property
    def state(self) -> BulkState:
        """Everything, frozen."""
        return self.store.state

    @property
    def applicable(self) -> tuple[Run, ...]:
        """The runs that this can be done to, by their status."""
        return tuple(i.run for i in self.state.items if i.outcome is not Outcome.SKIPPED)

    def subscribe(self, listener: Listener[BulkState]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        return self.store.subscribe(listener)

    def start(self) -> None:
        """Begin; harmless when already begun. Needs a running event loop."""
        if self._task is None:
            self.store.update(lambda state: replace(state, is_running=True))
            self._task = asyncio.create_task(self._run(), name="durably:bulk")

    def stop(self) -> None:
        """Begin no more requests; those under way come to their end."""
        left, self._left = set(self._left), []
        if not left:
            return

        def change(state: BulkState) -> BulkState:
            items = tuple(
                replace(item, outcome=Outcome.STOPPED, message="Stopped before this run.")
                if at in left
                else item
                for at, item in enumerate(state.items)
            )
            return replace(state, items=items)

        self.store.update(change)  # at once for all: there may be a hundred thousand

    async def finished(self) -> BulkState:
        """Wait for the end."""
        return await self.store.wait_for(lambda state: state.is_over)

    async def aclose(self) -> None:
        """Stop, and wait for what is under way."""
        self.stop()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._at_once, len(self._left))):
                    group.create_task(self._work(), name="durably:bulk-worker")
        finally:
            self.store.update(lambda state: replace(state, is_running=False, is_over=True))

    async def _work(self) -> None:
        while self._left:
            now = self._clock.monotonic()
            due = max(now, self._next_at)
            self._next_at = due + self._interval
            if due > now:
                await self._clock.sleep(due - now)
            if self._left:  # taken only now: it may have been stopped meanwhile
                await self._do(self._left.pop())

    async def _do(self, at: int) -> None:
        try:
            result = await self._act(self.state.items[at].run.id)
        except Unauthorised as error:
            self._end(at, Outcome.FAILED, str(error))
            self.stop()
        except Exception as error:  # what is no refusal is a fault of ours, and harms no other run
            self._end(at, Outcome.FAILED, str(as_fault(error)))
        else:
            self._end(at, Outcome.DONE, result.message, result.next_run_id)

    def _end(self, at: int, outcome: Outcome, message: str, next_run_id: str | None = None) -> None:
        def change(state: BulkState) -> BulkState:
            item = replace(
                state.items[at], outcome=outcome, message=message, next_run_id=next_run_id
            )
            return replace(state, items=(*state.items[:at], item, *state.items[at + 1 :]))

        self.store.update(change)
