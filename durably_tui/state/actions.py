"""``RunActions``: what can be done to a run (useRunActions), and when it is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import (
    DurablyError,
    NotADurablyServer,
    NotFound,
    Run,
    RunStatus,
    Step,
    Trigger,
    Triggered,
)

from .ports import DurablyPort
from .store import Listener, Store, Unsubscribe


class Action(StrEnum):
    """What can be done to a run."""

    RETRY = "retry"
    RETRIGGER = "retrigger"
    CANCEL = "cancel"
    DELETE = "delete"


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an action."""

    action: Action
    """What was done: a retry is a retrigger where the server cannot resume a run."""
    run_id: str
    """The run that was acted on."""
    next_run_id: str
    """The run that goes on: the new one of a retrigger, else the same."""
    message: str
    """One sentence for a person."""

    @property
    def is_new_run(self) -> bool:
        """Whether a new run was made."""
        return self.next_run_id != self.run_id


class ActionsState(msgspec.Struct, frozen=True):
    """How the actions are doing."""

    in_flight: int = 0
    error: DurablyError | None = None
    """Why the last one failed; None once another began."""


_ALLOWED = {
    Action.RETRY: {RunStatus.FAILED, RunStatus.CANCELLED},
    Action.RETRIGGER: {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED},
    Action.CANCEL: {RunStatus.PENDING, RunStatus.RUNNING},
    Action.DELETE: {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED},
}


def refusal(action: Action | str, status: RunStatus) -> str | None:
    """Why a run in this state cannot have this done to it, as one sentence; None: it can.

    A state that is not known here is left to the server to judge. The rules are those of
    ``POST /retry``, ``/retrigger``, ``/cancel`` and ``DELETE /run``.

    Raises:
        ValueError: no such action.
    """
    action = Action(action)
    if status is RunStatus.UNKNOWN or status in _ALLOWED[action]:
        return None
    match action:
        case Action.CANCEL:
            return f"run is {status}: nothing to cancel"
        case Action.RETRY if status is RunStatus.COMPLETED:
            return "run is completed: nothing to retry, but it can be retriggered as a new run"
        case Action.DELETE:
            return f"run is {status}: cancel it before you delete it"
    return f"run is {status}: wait for its end, or cancel it, before you {action} it"


class RunActions:
    """Acts on runs of one server. Every method raises a ``DurablyError`` on failure."""

    def __init__(self, port: DurablyPort) -> None:
        self.store: Store[ActionsState] = Store(ActionsState())
        self._port = port

    @property
    def is_loading(self) -> bool:
        """Whether an action or a request of these is under way."""
        return self.store.state.in_flight > 0

    @property
    def error(self) -> DurablyError | None:
        """Why the last one failed, or None."""
        return self.store.state.error

    def subscribe(self, listener: Listener[ActionsState]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        return self.store.subscribe(listener)

    def allowed(self, action: Action | str, status: RunStatus) -> str | None:
        """None where a run of this status can have this done, else the sentence why not."""
        return refusal(action, status)

    async def do(self, action: Action, run_id: str) -> ActionResult:
        """Do what ``action`` names."""
        match action:
            case Action.RETRY:
                return await self.retry(run_id)
            case Action.RETRIGGER:
                return await self.retrigger(run_id)
            case Action.CANCEL:
                return await self.cancel(run_id)
            case Action.DELETE:
                return await self.delete_run(run_id)

    async def retry(self, run_id: str) -> ActionResult:
        """Make a failed or cancelled run go again: the same run where the server can, else a
        new one; the result says which."""
        with self._doing():
            abilities = self._port.abilities
            if abilities.retry is None:
                abilities = await self._port.probe()
            if abilities.retry is False:
                return await self._retrigger(run_id)
            try:
                await self._port.retry(run_id)
            except (NotFound, NotADurablyServer):
                # A server that has no such route says the same as one that has no such run.
                if abilities.retry or abilities.retrigger is False:
                    raise
                return await self._retrigger(run_id)
            return ActionResult(
                action=Action.RETRY,
                run_id=run_id,
                next_run_id=run_id,
                message="The same run resumes after its last finished step.",
            )

    async def retrigger(self, run_id: str) -> ActionResult:
        """A new run with the same input and labels, from the first step."""
        with self._doing():
            return await self._retrigger(run_id)

    async def cancel(self, run_id: str) -> ActionResult:
        """Cancel a pending or running run."""
        with self._doing():
            await self._port.cancel(run_id)
            return ActionResult(
                action=Action.CANCEL, run_id=run_id, next_run_id=run_id, message="Cancelled."
            )

    async def delete_run(self, run_id: str) -> ActionResult:
        """Delete a run that has ended."""
        with self._doing():
            await self._port.delete_run(run_id)
            return ActionResult(
                action=Action.DELETE, run_id=run_id, next_run_id=run_id, message="Deleted."
            )

    async def get_run(self, run_id: str) -> Run | None:
        """One run, or None if the server has no run with that id."""
        with self._doing():
            return await self._port.get_run(run_id)

    async def get_steps(self, run_id: str) -> list[Step]:
        """The steps that the server still has of a run."""
        with self._doing():
            return await self._port.get_steps(run_id)

    async def trigger(self, trigger: Trigger) -> Triggered:
        """Ask for a new run of any job."""
        with self._doing():
            return await self._port.trigger(trigger)

    async def _retrigger(self, run_id: str) -> ActionResult:
        new_id = await self._port.retrigger(run_id)
        return ActionResult(
            action=Action.RETRIGGER,
            run_id=run_id,
            next_run_id=new_id,
            message=f"A new run with the same input was made: {new_id}.",
        )

    @contextmanager
    def _doing(self) -> Iterator[None]:
        self.store.update(lambda state: ActionsState(state.in_flight + 1))
        error: DurablyError | None = None
        try:
            yield
        except DurablyError as failure:
            error = failure
            raise
        finally:
            self.store.update(
                lambda state: replace(
                    state, in_flight=state.in_flight - 1, error=error or state.error
                )
            )
