"""Marks in a table of runs, and what is done to all that are marked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial

from textual import work
from textual.getters import query_one
from textual.worker import Worker

from durably_tui.protocol import DurablyError, Run
from durably_tui.state import Action, BulkState, Outcome, newest_first, refusal
from durably_tui.tui.commands import Command
from durably_tui.tui.drawing import ahead_of
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.run_table import RunTable

from .live import LiveScreen
from .steering import BULK_ACTIONS

MARK = (
    Command("mark", "space", "mark", "Mark the run, or unmark it", "Marks", footer=False),
    Command("mark_range", "V", "range", "Mark from the last mark to here", "Marks", footer=False),
    Command(
        "mark_all",
        "asterisk",
        "all",
        "Mark all that match the filter, on every page",
        "Marks",
        footer=False,
        shown="*",
    ),
    Command(
        "compare",
        "equals_sign",
        "compare",
        "Compare the two marked runs, or the marked one with this one",
        "Marks",
        footer=False,
        shown="=",
    ),
)

MOST_FOLLOWED = 20
"""Of how many runs the logs are followed at once: each has a stream of its own."""


class MarkingScreen(LiveScreen):
    """A place with a table of runs, of which some may be marked; a mark outlives its page."""

    table = query_one(RunTable)

    def __init__(self, session: Session) -> None:
        """Show ``session``."""
        super().__init__(session)
        self._marks: dict[str, Run] = {}
        self._all: dict[str, Run] | None = None
        """The marks that are all that matched, until another one is set or taken away."""
        self._anchor: str | None = None
        self.gathered: int | None = None
        """How many were found by now, while all that match are looked for."""
        self._gathering: Worker[None] | None = None

    @property
    def marks(self) -> list[Run]:
        """The marked runs, as they were last seen."""
        return list(self._marks.values())

    def matching(self) -> AsyncIterator[list[Run]]:
        """Every run that the filter of this place wants, on every page."""
        raise NotImplementedError

    def see_marked(self, runs: Iterable[Run]) -> None:
        """Take these as what they are now, where they are marked."""
        if self._marks:
            for run in runs:
                if run.id in self._marks:
                    self._marks[run.id] = run

    def unmark(self, run_ids: Iterable[str] | None = None) -> None:
        """Take marks away, all by default, also those that are to come."""
        if run_ids is None and self._gathering is not None:
            self._gathering.cancel()
        gone = set(self._marks if run_ids is None else run_ids)
        self._set_marks({each: run for each, run in self._marks.items() if each not in gone})

    def _set_marks(self, marks: dict[str, Run]) -> None:
        self._marks = marks
        self.table.marked = self.session.watched = frozenset(marks)
        self.refresh_keys()
        self.changed()

    def gone(self, run: Run) -> None:
        """A deleted run has no mark."""
        self.unmark([run.id])

    # -- what applies ----------------------------------------------------------------------

    def refusal(self, command: Command) -> str | None:
        """Why a command applies neither to the marked runs nor to the one under the cursor."""
        action = BULK_ACTIONS.get(command.action)
        if self.gathered is not None and (action is not None or command.action == "mark_all"):
            return f"All that match are being marked: {self.key_of('back')} stops that."
        if action is None or not self._marks:
            return super().refusal(command)
        reasons = [refusal(action, run.status) for run in self._marks.values()]
        if None in reasons:
            return None
        return f"None of the {len(reasons)} marked runs: {reasons[0]}."

    # -- commands --------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the run, or unmark it, and go on to the next."""
        run = self.current_run()
        if run is None:
            return
        marks = dict(self._marks)
        if marks.pop(run.id, None) is None:
            marks[run.id] = run
            self._anchor = run.id
        self._set_marks(marks)
        self.table.action_cursor_move(1)

    def action_mark_range(self) -> None:
        """Mark from the last mark to here."""
        anchor = self.table.find(self._anchor) if self._anchor is not None else None
        if anchor is None:
            mark, mark_range = self.key_of("mark"), self.key_of("mark_range")
            self.say(
                f"Mark the first run of the range with {mark}, then go to the last and press "
                f"{mark_range}."
            )
            return
        first, last = sorted((anchor, self.table.cursor_index))
        chosen = [row.run for row in self.table.rows[first : last + 1]]
        self._set_marks(self._marks | {run.id: run for run in chosen})

    def action_mark_all(self) -> None:
        """Mark all that match, on every page; pressed again, take all marks away.

        A few marks are no such: whoever has marked one page and presses this means the others.
        """
        if self._marks and self._marks is self._all:
            self.unmark()
            self.say("No run is marked now.")
            return
        # A key that follows closely is meant for those that are going to be marked.
        self.gathered = 0
        ahead_of(self.app).command_begins()
        self._gathering = self._mark_all()

    @work(exclusive=True, group="marks", exit_on_error=False)
    async def _mark_all(self) -> None:
        marks: dict[str, Run] = {}
        try:
            async for page in self.matching():
                marks.update((run.id, run) for run in page)
                self.gathered = len(marks)
                self.changed()
        except DurablyError as error:
            self._set_marks(self._marks | marks)
            self.say(f"Not all could be marked: {error}", severity="error")
            return
        finally:
            self.gathered = self._gathering = None
            ahead_of(self.app).command_ends()
            self.changed()
        self._all = marks
        self._set_marks(marks)
        are, them = ("run is", "it") if len(marks) == 1 else ("runs are", "them")
        self.say(f"{len(marks):,} {are} marked; {self.key_of('back')} unmarks {them}.")

    def action_compare(self) -> None:
        """Show two runs side by side, the older one left."""
        runs = {run.id: run for run in self.marks}
        here = self.current_run()
        if len(runs) == 1 and here is not None:
            runs.setdefault(here.id, here)
        if len(runs) != 2:
            mark, compare = self.key_of("mark"), self.key_of("compare")
            self.say(
                f"Mark two runs with {mark}, or one and go to the other: {compare} compares them."
            )
            return
        from .compare import CompareScreen

        left, right = sorted(runs.values(), key=newest_first)
        self.app.push_screen(CompareScreen(left, right, self.session.clock()))

    def logs_of_marked(self) -> None:
        """Go to the logs of the marked runs, merged into one."""
        runs = sorted(self.marks, key=newest_first)
        if len(runs) > MOST_FOLLOWED:
            self.say(f"{len(runs)} runs are marked: only the newest {MOST_FOLLOWED} are followed.")
        wanted = " ".join(f"run:{run.id}" for run in runs[-MOST_FOLLOWED:])
        self.lead(partial(self.monitor.navigator.go, "logs", filter=wanted))

    def action_retry(self) -> None:
        """Make the marked runs go again, or the one under the cursor."""
        if not self._bulk(Action.RETRY):
            super().action_retry()

    def action_retrigger(self) -> None:
        """Start new runs like the marked ones, or like the one under the cursor."""
        if not self._bulk(Action.RETRIGGER):
            super().action_retrigger()

    def action_cancel(self) -> None:
        """Cancel the marked runs, or the one under the cursor."""
        if not self._bulk(Action.CANCEL):
            super().action_cancel()

    def action_delete(self) -> None:
        """Delete the marked runs, or the one under the cursor, once the user has said so."""
        if not self._bulk(Action.DELETE):
            super().action_delete()

    def _bulk(self, action: Action) -> bool:
        if not self._marks:
            return False
        self.ask_bulk(action, self.marks)
        return True

    def bulk_done(self, state: BulkState) -> None:
        """What was done needs no mark any more; what was not keeps it, to be tried again."""
        self.unmark(item.run.id for item in state.items if item.outcome is Outcome.DONE)
