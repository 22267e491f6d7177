"""The place Errors: what fails, by kind, and whether it came through since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.getters import query_one

from durably_tui.filters import Filter, Term, matches
from durably_tui.protocol import Run, RunStatus
from durably_tui.state import (
    Action,
    BulkState,
    ErrorGroup,
    ErrorGroups,
    ErrorGroupsState,
    Failure,
    fragment,
)
from durably_tui.text import safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.error_table import ErrorTable
from durably_tui.tui.widgets.error_table_detail import ErrorDetail
from durably_tui.tui.widgets.sorting import Order

from .keys import GENERAL, MOVE, REPLAY, VIEW
from .place import LEAVE
from .summary import FILTER, SORT, SummaryScreen


class ErrorsScreen(SummaryScreen):
    """Every kind of failure of the server."""

    PLACE = "Errors"
    ORDERS: ClassVar[Mapping[str, Order[ErrorGroup]]] = {
        "last": Order("last seen", lambda group: group.last_at, largest_first=True),
        "count": Order("count", lambda group: group.count, largest_first=True),
        "job": Order("job", lambda group: group.job_name),
        "step": Order("step", lambda group: group.step_name),
        "error": Order("error", lambda group: group.message),
        "through": Order("came through", lambda group: group.through, largest_first=True),
        "first": Order("first seen", lambda group: group.first_at, largest_first=True),
    }
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE,
        *REPLAY,
        Command("open", "enter", "runs", "Show the failed runs of the group", "Error",
                shown="Enter"),
        Command("open_sample", "d", "last run", "Open the run that failed last in full", "Error"),
        Command("retry", "r", "retry", "Retry all of the group that have not come through since",
                "Error", mutates=True),
        Command("retrigger", "R", "new runs", "Start all of those as new runs with the same input",
                "Error", footer=False, mutates=True),
        Command("copy_error", "y", "copy", "Copy the error that was seen last", "Error",
                footer=False),
        *SORT,
        FILTER,
        *(command for command in VIEW if command.action != "copy_run"),
        *GENERAL,
        *LEAVE,
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        c for c in KEYS if c not in MOVE and c.action != "open"
    )

    table = query_one("#table", ErrorTable)
    detail = query_one("#detail", ErrorDetail)

    def __init__(self, session: Session) -> None:
        """Show the errors of ``session``."""
        super().__init__(session)
        self.errors: ErrorGroups | None = None

    def make_table(self) -> ErrorTable:
        """The groups."""
        return ErrorTable(clock=self.session.clock, plain=self.view.plain, id="table")

    def make_detail(self) -> ErrorDetail:
        """The group under the cursor."""
        return ErrorDetail(id="detail")

    def begin(self) -> None:
        """Ask for what failed."""
        self.errors = self.session.hooks.use_error_groups()
        self.errors.subscribe(lambda _state: self.changed())
        self.errors.start()

    async def on_unmount(self) -> None:
        """Let the errors go."""
        if self.errors is not None:
            await self.errors.aclose()

    def on_screen_suspend(self) -> None:
        """Nobody looks: fetch nothing."""
        if self.errors is not None:
            self.errors.watch(False)

    def on_screen_resume(self) -> None:
        """Somebody looks again."""
        if self.errors is not None:
            self.errors.watch(True)

    @property
    def group(self) -> ErrorGroup | None:
        """The group under the cursor."""
        return self.table.cursor_row

    # -- painting --------------------------------------------------------------------------

    @property
    def is_filled(self) -> bool:
        """Whether there is something to show, or the reason why not."""
        if self.errors is None:
            return False
        state = self.errors.state
        return state.fetched_at is not None or self.wrong(state.error) is not None

    def paint(self, now: float) -> None:
        """The groups, over what they are, and the one under the cursor."""
        self.table.waiting = self.errors is None
        if self.errors is None:
            return
        state = self.errors.state
        wrong = self.wrong(state.error)
        self.paint_trouble(wrong)
        self.session.seen.jobs.update(dict.fromkeys(group.job_name for group in state.groups))
        shown = [group for group in state.groups if self._is_wanted(group, now)]
        shown = self.sorting.sorted(sorted(shown, key=lambda group: -group.last_at))
        self.show_sort()
        self.table.waiting = not state.groups and state.fetched_at is None and wrong is None
        self.table.empty = self._nothing(state)
        self.table.show(shown, now, self.view.time_style)
        self.begin_on_top(self.table, known=state.fetched_at is not None)
        self._paint_scope(state, shown)
        self.paint_paused(now)

    def paint_paused(self, now: float) -> None:
        """The group that the cursor is on."""
        if self.detail.display:
            self.detail.show(self.group, now, self.view.time_style)

    def _paint_scope(self, state: ErrorGroupsState, shown: list[ErrorGroup]) -> None:
        what = safe(str(self.filter), limit=200)
        number = f"{len(shown)} of {len(state.groups)}" if self.filter else f"{len(shown)}"
        failures = sum(group.count for group in shown)
        over = "over the newest failed runs" if state.has_more else "over all failed runs"
        if state.fetched_at is None:
            over = "over what was seen so far"
        kinds = f"{number} kind{'' if number == '1' else 's'}"
        self.paint_scope(
            what,
            kinds,
            f"{failures} failure{'' if failures == 1 else 's'}",
            over,
            str(self.sorting),
        )

    def _nothing(self, state: ErrorGroupsState) -> str:
        """Why there are no rows."""
        if self.filter:
            return f"No error matches. {self.key_of('back')} clears the filter."
        if state.fetched_at is None:
            return "This server has reported no failures yet."
        return "No run has failed. Sleep well."

    def _is_wanted(self, group: ErrorGroup, now: float) -> bool:
        return not self.filter or matches(self.filter, _run_of(group.sample), now)

    # -- messages --------------------------------------------------------------------------

    @on(ErrorTable.RowHighlighted)
    def _highlighted(self) -> None:
        self.changed()

    # -- commands --------------------------------------------------------------------------

    def refusal(self, command: Command) -> str | None:
        """Why a command does not apply to the group under the cursor."""
        if command.action in {"open", "open_sample", "retry", "retrigger", "copy_error"}:
            if self.group is None:
                return "There is no error here."
            if command.mutates and not self.group.open:
                return "Every run of this group came through or was tried again."
            return None
        return super().refusal(command)

    async def refresh_state(self) -> None:
        """Fetch what failed."""
        if self.errors is not None:
            await self.errors.refresh()

    def action_open(self) -> None:
        """Show the failed runs of the group."""
        if (group := self.group) is None:
            return
        terms = [Term("status", (RunStatus.FAILED,)), Term("job", (group.job_name,))]
        if part := fragment(group.sample.error):
            terms.append(Term("error", (part,)))
        self.go_to_runs(Filter(tuple(terms)))

    def action_open_sample(self) -> None:
        """Open the run that failed last."""
        if self.group is not None:
            self.open_run_by_id(self.group.sample.run_id)

    def action_retry(self) -> None:
        """Make all of the group go again that have not come through."""
        self._act_on_group(Action.RETRY)

    def action_retrigger(self) -> None:
        """Start all of the group anew that have not come through."""
        self._act_on_group(Action.RETRIGGER)

    def _act_on_group(self, action: Action) -> None:
        if self.group is not None:
            self.ask_bulk(action, [_run_of(failure) for failure in self.group.open])

    def bulk_done(self, state: BulkState) -> None:
        """Look what became of them."""
        self.action_refresh()

    def action_copy_error(self) -> None:
        """Copy the error by OSC 52, which works over ssh and tmux."""
        if self.group is not None:
            self.app.copy_to_clipboard(self.group.sample.error)
            self.say("Copied the error.")


def _run_of(failure: Failure) -> Run:
    """A failure as the run that it is of, as far as it is known."""
    return Run(
        id=failure.run_id,
        job_name=failure.job_name,
        status=failure.status,
        input=failure.input,
        error=failure.error,
        labels=failure.labels,
    )
