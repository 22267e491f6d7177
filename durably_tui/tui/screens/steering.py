"""What can be done to the run that a place shows: the commands that Runs and Run share."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from textual import work

from durably_tui.protocol import DurablyError, Run, RunStatus, Trigger, Triggered
from durably_tui.state import Action, BulkState
from durably_tui.text import safe
from durably_tui.tui.commands import Command
from durably_tui.tui.session import Session

from .base import CommandScreen
from .bulk import BulkScreen, in_words, summary
from .confirm import ConfirmScreen
from .copy_run import CopyScreen
from .help import HelpScreen
from .trigger import TriggerScreen
from .trigger_desk import TriggerDesk

BULK_ACTIONS = {
    "retry": Action.RETRY,
    "retrigger": Action.RETRIGGER,
    "cancel": Action.CANCEL,
    "delete": Action.DELETE,
}


_AS_NEW = "each becomes a new run with the same input and labels."
_ASKS = {
    Action.RETRY: ("Retry", "Each goes again as the same run, after the steps that it finished."),
    Action.RETRIGGER: ("Start anew", f"E{_AS_NEW[1:]}"),
    Action.CANCEL: ("Cancel", "Each ends as cancelled."),
    Action.DELETE: ("Delete", "Their steps and logs go too. This cannot be undone."),
}


@dataclass(slots=True)
class _Turn:
    """What is done to one run is done in turn: what comes first decides what can follow."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


def _as_it_is(run: Run, status: RunStatus | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


class SteeringScreen(CommandScreen):
    """A place with a run in it that can be acted on. A refused action changes nothing."""

    def __init__(self, session: Session) -> None:
        """Act on runs of ``session``."""
        super().__init__()
        self.session = session
        self.actions = session.hooks.use_run_actions()
        self._new_run: str | None = None
        self._turns: dict[str, _Turn] = {}
        """Of the runs to which something is being done."""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed on this server."""
        return self.session.read_only

    @property
    def is_replay(self) -> bool:
        """Whether this is the replay of a recording."""
        return self.session.replaying is not None

    def current_run(self) -> Run | None:
        """The run that the commands mean; None in a place that has none."""
        return None

    def by_now(self, run: Run) -> Run | None:
        """A run as it is by now; None where that is not known here."""
        here = self.current_run()
        return here if here is not None and here.id == run.id else None

    def seen_jobs(self) -> list[str]:
        """Names of jobs that were seen, for completion."""
        told = {run.job_name for run in self.session.hooks.history.runs.values() if run.job_name}
        return sorted({*told, *self.session.seen.jobs})

    def open_run(self, run: Run, *, pane: str = "overview") -> None:
        """Go to a run in full, with one of its panes in front."""
        raise NotImplementedError

    def gone(self, run: Run) -> None:
        """A run was deleted by this screen."""

    # -- what applies ----------------------------------------------------------------------

    def refusal(self, command: Command) -> str | None:
        """Why a command does not apply to the run under the cursor."""
        if command.action == "open_new":
            return None if self._new_run else "No run has been started from here yet."
        if command.action in {"trigger_like", "copy_run"} and self.current_run() is None:
            return "There is no run here."
        needed = BULK_ACTIONS.get(command.action)
        if needed is None:
            return None
        run = self.current_run()
        if run is None:
            return "There is no run here."
        if run.id in self._turns and needed is not Action.DELETE:
            return None  # judged once what is under way is over
        return self.actions.allowed(needed, (self.by_now(run) or run).status)

    # -- commands --------------------------------------------------------------------------

    def action_retry(self) -> None:
        """Make the run go again."""
        if run := self.current_run():
            self._act(run, Action.RETRY)

    def action_retrigger(self) -> None:
        """Start a new run like it."""
        if run := self.current_run():
            self._act(run, Action.RETRIGGER)

    def action_cancel(self) -> None:
        """Cancel it."""
        if run := self.current_run():
            self._act(run, Action.CANCEL)

    # Questions are asked at once rather than in a worker: a key that is typed behind the one that
    # asks is then none of this place's commands.

    def action_delete(self) -> None:
        """Delete it, once the user has said so."""
        run = self.current_run()
        if run is None:
            return
        question = ConfirmScreen(
            f"Delete this {run.status} run of {safe(run.job_name, limit=60)}?",
            f"{safe(run.id, limit=60)} with its steps and logs goes from "
            f"{safe(self.session.title, limit=80)}. This cannot be undone.",
            "Delete",
            typed=self.session.title if self.session.production else None,
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(run, Action.DELETE)

        self.app.push_screen(question, answered)

    def ask_bulk(self, action: Action, runs: Sequence[Run]) -> None:
        """Do one action to many runs, once the user has said so."""
        bulk = self.session.hooks.use_bulk(action, runs)
        word, effect = _ASKS[action]
        if action is Action.RETRY and not self.session.hooks.port.abilities.retry:
            effect = f"This server resumes no run: {_AS_NEW}"
        number = len(bulk.applicable)
        if not number:
            self.say(f"That cannot be done to any of the {len(runs):,} runs.", severity="warning")
            return
        others = Counter(run.status for run in runs) - Counter(r.status for r in bulk.applicable)
        left = ", ".join(f"{n:,} {status}" for status, n in others.items())
        question = ConfirmScreen(
            f"{in_words(action, number)} on {safe(self.session.title, limit=80)}?",
            f"{effect}{f' Left alone: {left}.' if left else ''}",
            word,
            typed=self.session.title if self.session.production else None,
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.app.push_screen(BulkScreen(bulk), self._bulk_ended)

        self.app.push_screen(question, answered)

    def _bulk_ended(self, state: BulkState | None) -> None:
        if state is not None:
            self.say(summary(state), severity="warning" if state.failures else "information")
            self.bulk_done(state)

    def bulk_done(self, state: BulkState) -> None:
        """A bulk came to its end."""

    def optimistic(
        self, run: Run, status: RunStatus | None
    ) -> contextlib.AbstractContextManager[None]:
        """Show a run as ``status`` (None: deleted) while the block asks the server for it."""
        rows = self.session.rows
        return rows.optimistic(run.id, status) if rows else contextlib.nullcontext()

    def _act(self, run: Run, action: Action) -> None:
        # At once: a key right behind this one is not to be judged by what the run was before it.
        self._turns.setdefault(run.id, _Turn()).users += 1
        self._in_turn(run, action)

    @work(group="steers", exit_on_error=False)
    async def _in_turn(self, run: Run, action: Action) -> None:
        turn = self._turns[run.id]
        waited = turn.lock.locked()
        try:
            async with turn.lock:
                shown = self.optimistic
                if waited and (by_now := self.by_now(run)) is not None:
                    run = by_now
                    if (reason := self.actions.allowed(action, run.status)) is not None:
                        self.say(reason, severity="warning")
                        return
                elif waited:
                    shown = _as_it_is  # nobody knows here what became of it meanwhile
                with shown(run, self._seen_as(action, run)):
                    result = await self.actions.do(action, run.id)
        except DurablyError as error:
            self.say(str(error), severity="error")
            return
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[run.id]
        if result.is_new_run:
            self.made(result.next_run_id, result.message)
        else:
            self.say(result.message)
        if result.action is Action.DELETE:
            self.gone(run)
        self.refresh_keys()

    def _seen_as(self, action: Action, run: Run) -> RunStatus | None:
        """What a run is shown as while the server is asked to do something to it."""
        match action:
            case Action.CANCEL:
                return RunStatus.CANCELLED
            case Action.DELETE:
                return None
            case Action.RETRY if self.session.hooks.port.abilities.retry:
                return RunStatus.PENDING
        return run.status

    def action_trigger(self) -> None:
        """Ask for a new run of any job."""
        run = self.current_run()
        self._ask_trigger(Trigger(job_name=run.job_name if run else ""))

    def action_trigger_like(self) -> None:
        """Ask for a new run, beginning as a copy of this one."""
        if run := self.current_run():
            self._ask_trigger(Trigger(job_name=run.job_name, input=run.input, labels=run.labels))

    def _ask_trigger(self, like: Trigger) -> None:
        dialog = TriggerScreen(
            self.actions.trigger,
            jobs=self.seen_jobs(),
            like=like,
            desk=TriggerDesk(self.session),
        )

        def sent(made: Triggered | None) -> None:
            if made is not None:
                words = {
                    "idempotent": "That run already existed",
                    "coalesced": "Joined pending run",
                }
                what = words.get(made.disposition, "Triggered run")
                self.made(made.run_id, f"{what} {made.run_id}")

        self.app.push_screen(dialog, sent)

    def made(self, run_id: str, message: str) -> None:
        """Tell of a new run and how to get there."""
        self._new_run = run_id
        self.say(f"{message.rstrip('.')} ({self.key_of('open_new')} opens it).")

    def action_open_new(self) -> None:
        """Go to the run that was started last."""
        if self._new_run is not None:
            none = "That run is gone from the server."
            self.lead(partial(self.open_once_found, self._new_run, none=none))

    async def open_once_found(self, run_id: str, *, pane: str = "overview", none: str) -> None:
        """Ask the server for a run and go to it, unless one has gone elsewhere meanwhile; say
        ``none`` where there is none."""
        try:
            run = await self.actions.get_run(run_id)
        except DurablyError as error:
            self.say(str(error), severity="error")
            return
        if run is None:
            self.say(none, severity="warning")
        elif self.in_sight:
            self.open_run(run, pane=pane)

    def action_copy_run(self) -> None:
        """Ask what of the run to copy, by OSC 52, which works over ssh and tmux."""
        if run := self.current_run():
            self.app.push_screen(CopyScreen(run, self.session.url), self._copy)

    def _copy(self, text: str | None) -> None:
        if text is not None:
            self.app.copy_to_clipboard(text)
            what = safe(text, limit=60) if "\n" not in text else f"{len(text):,} characters"
            self.say(f"Copied {what}.")

    def action_help(self) -> None:
        """Show the keys of this place."""
        self.app.push_screen(HelpScreen(self.PLACE, self.offered()))

    def say(self, text: str, *, severity: str = "information") -> None:
        """A toast; whatever a server said in it stays plain text."""
        self.notify(
            safe(text, keep_newlines=True, limit=600),
            severity=severity,  # type: ignore[arg-type]  # one of Textual's three words
            markup=False,
            timeout=8 if severity == "error" else 5,
        )
