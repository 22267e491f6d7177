"""``RunActions``: what can be done to a run (useRunActions), and when it is allowed."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from durably_tui.protocol import DurablyError, Run, RunStatus, Step, Trigger, Triggered

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
    """Why the last one failed; None once one succeeded or began."""


def refusal(action: Action | str, status: RunStatus) -> str | None:
    """Why a run in this state cannot have this done to it, as one sentence; None: it can.

    A state that is not known here is left to the server to judge.
    """
    raise NotImplementedError


class RunActions:
    """Acts on runs of one server. Every method raises a ``DurablyError`` on failure."""

    store: Store[ActionsState]

    def __init__(self, port: DurablyPort) -> None:
        raise NotImplementedError

    @property
    def is_loading(self) -> bool:
        """Whether an action is under way."""
        raise NotImplementedError

    @property
    def error(self) -> DurablyError | None:
        """Why the last action failed, or None."""
        raise NotImplementedError

    def subscribe(self, listener: Listener[ActionsState]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        raise NotImplementedError

    def allowed(self, action: Action | str, status: RunStatus) -> str | None:
        """None where a run of this status can have this done, else the sentence why not."""
        return refusal(action, status)

    async def retry(self, run_id: str) -> ActionResult:
        """Make a failed or cancelled run go again: the same run where the server can, else a
        new one; the result says which."""
        raise NotImplementedError

    async def retrigger(self, run_id: str) -> ActionResult:
        """A new run with the same input and labels."""
        raise NotImplementedError

    async def cancel(self, run_id: str) -> ActionResult:
        """Cancel a pending or running run."""
        raise NotImplementedError

    async def delete_run(self, run_id: str) -> ActionResult:
        """Delete a run that has ended."""
        raise NotImplementedError

    async def get_run(self, run_id: str) -> Run | None:
        """One run, or None where the server has none of that id."""
        raise NotImplementedError

    async def get_steps(self, run_id: str) -> list[Step]:
        """The steps that the server still has of a run."""
        raise NotImplementedError

    async def trigger(self, trigger: Trigger) -> Triggered:
        """Ask for a new run of any job."""
        raise NotImplementedError
