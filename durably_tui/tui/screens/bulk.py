"""The dialog of a bulk: how far it is, a key to stop it, and what was refused with its reason."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import ProgressBar, Static

from durably_tui.state import Action, Bulk, BulkItem, BulkState, Outcome
from durably_tui.text import safe, short_id
from durably_tui.tui.bridge import PaintBridge

DONE = {
    Action.RETRY: "retried",
    Action.RETRIGGER: "started anew",
    Action.CANCEL: "cancelled",
    Action.DELETE: "deleted",
}
"""What was done, as a word."""
_VERBS = {
    Action.RETRY: "Retry {}",
    Action.RETRIGGER: "Start {} anew",
    Action.CANCEL: "Cancel {}",
    Action.DELETE: "Delete {}",
}
_MOST_SHOWN = 500
"""Refusals that are listed; they all say the same long before."""


def in_words(action: Action, number: int) -> str:
    """What is to be done to so many runs: ``Start 3 runs anew``."""
    return _VERBS[action].format(f"{number:,} {'run' if number == 1 else 'runs'}")


def summary(state: BulkState) -> str:
    """What became of a bulk, as one sentence."""
    others = (Outcome.FAILED, Outcome.SKIPPED, Outcome.STOPPED)
    left = [f"{number:,} {outcome}" for outcome in others if (number := state.count(outcome))]
    return ", ".join([f"{state.count(Outcome.DONE):,} {DONE[state.action]}", *left]) + "."


class BulkScreen(ModalScreen[BulkState]):
    """Runs a bulk; answers with what became of it. Closes by itself where nothing went wrong."""

    CSS_PATH = "bulk.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("s,escape,q", "leave", "Stop"),
        ("enter", "close", "Close"),
        ("j", "scroll(1)", "Down"),
        ("k", "scroll(-1)", "Up"),
    ]

    def __init__(self, bulk: Bulk) -> None:
        super().__init__()
        self._bulk = bulk

    def compose(self) -> ComposeResult:
        """A bar, the counts and the refusals."""
        with Vertical(id="dialog") as box:
            box.border_title = in_words(self._bulk.state.action, len(self._bulk.applicable))
            yield ProgressBar(total=max(1, len(self._bulk.state.items)), show_eta=False, id="done")
            yield Static(id="counts")
            with VerticalScroll(id="refusals"):
                yield Static(id="reasons")
            yield Static("s stops", id="hint")

    def on_mount(self) -> None:
        """Begin."""
        self._bridge = PaintBridge(self.app, self._paint)
        self._unsubscribe = self._bulk.subscribe(lambda _state: self._bridge.poke())
        self._bulk.start()
        self._paint()

    async def on_unmount(self) -> None:
        """Nothing of it goes on unseen."""
        self._unsubscribe()
        self._bridge.close()
        await self._bulk.aclose()

    def _paint(self) -> None:
        state = self._bulk.state
        if state.is_over and not state.failures:
            self.dismiss(state)
            return
        self.query_one(ProgressBar).update(progress=state.finished)
        self.query_one("#counts", Static).update(Content(summary(state)))
        reasons = Content("\n").join(_reason(item) for item in state.failures[:_MOST_SHOWN])
        self.query_one("#reasons", Static).update(reasons)
        self.query_one("#refusals").display = bool(state.failures)
        self.query_one("#hint", Static).update("Enter closes" if state.is_over else "s stops")

    def action_leave(self) -> None:
        """Stop it; once it is over, close."""
        if self._bulk.state.is_over:
            self.dismiss(self._bulk.state)
        else:
            self._bulk.stop()

    def action_close(self) -> None:
        """Close, once it is over."""
        if self._bulk.state.is_over:
            self.dismiss(self._bulk.state)

    def action_scroll(self, lines: int) -> None:
        """Go through the refusals."""
        self.query_one("#refusals", VerticalScroll).scroll_relative(y=lines, animate=False)


def _reason(item: BulkItem) -> Content:
    job = safe(item.run.job_name, limit=30)
    return Content.styled(f"{job} {short_id(item.run.id)}  ", "$text-muted") + Content(
        safe(item.message, limit=300)
    )
