"""Where the place Runs has its rows from: a live page, or all runs where the server goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from durably_tui.filters import Filter, matches, needs
from durably_tui.protocol import Run, RunStatus
from durably_tui.state import AllRuns, AllRunsState, DurablyHooks, Runs, RunsState
from durably_tui.tui.widgets.line_table import KeyedRows
from durably_tui.tui.widgets.run_rows import Continued, Made, RunRows
from durably_tui.tui.widgets.run_sort import Sort
from durably_tui.tui.widgets.run_table import RunRow

PAGE_SIZE = 50
AGED = 10.0
"""Seconds after which runs are searched again for how old they are."""


class RunsSource:
    """The rows for one filter and one order, of whatever server this is.

    It begins with a page, which any server has, and goes over to all runs once it is known that
    the server can go on in its list, and their first rows are there.
    """

    def __init__(
        self,
        hooks: DurablyHooks,
        clock: Callable[[], float],
        on_change: Callable[[], None],
        on_no_page: Callable[[], None],
    ) -> None:
        """Nothing is asked before ``start``.

        Args:
            hooks: of the server.
            clock: seconds since the epoch.
            on_change: called after each change of the rows.
            on_no_page: called where a page was asked for that is not there, and the last one that
                is there is shown instead.
        """
        self._hooks = hooks
        self._clock = clock
        self._on_change = on_change
        self._on_no_page = on_no_page
        self._stood = 0
        """The last page that had rows."""
        self._made = Made(1024)
        self._coming: AllRuns | None = None
        self._searched_at = 0.0
        self._fetched_before: float | None = None
        """When the rows were fetched that were there as another filter came."""
        self.filter = Filter()
        self.sort = Sort()
        self.rows: Runs[Any, Any] | AllRuns = self._page()

    @property
    def state(self) -> RunsState[Any, Any] | AllRunsState:
        """How the rows are doing."""
        return self.rows.state

    def start(self) -> None:
        """Begin to fetch."""
        self.rows.start()
        self.look()

    def look(self) -> None:
        """Begin to fetch all runs where it is known that the server can go on in its list."""
        goes_on = self._hooks.port.abilities.has("cursor")
        if goes_on and isinstance(self.rows, Runs) and self._coming is None:
            self._coming = hook = self._hooks.use_all_runs(**self._query())
            self._arrange(hook)
            hook.subscribe(lambda _state: self._on_change())
            hook.start()

    async def turn(self) -> bool:
        """Show all runs once they are there, or a page where the server is another than before,
        and has no more; whether there was something to do."""
        if not self.ready():
            return False
        if self._has_pages_only:
            await self._go_back()
        else:
            await self._go_over()
        return True

    async def _go_over(self) -> None:
        assert self._coming is not None, "it is ready"
        before, self.rows, self._coming = self.rows, self._coming, None
        if isinstance(before, Runs) and before.page == 0:
            # A run that came meanwhile may be on the page only: the cursor may be on it.
            self.rows.take_over(before.state)
        await before.aclose()

    async def _go_back(self) -> None:
        gone = [hook for hook in (self.rows, self._coming) if isinstance(hook, AllRuns)]
        self._coming = None
        if isinstance(self.rows, AllRuns):
            self.rows = self._page()
            self.rows.start()
        for hook in gone:
            await hook.aclose()

    def ready(self) -> bool:
        """Whether ``turn`` has something to do. While the server is asked for what the page shows
        already, the page stays: the others do not know of it."""
        if self._has_pages_only:
            return self._coming is not None or isinstance(self.rows, AllRuns)
        if self._coming is None or self._coming.state.fetched_at is None:
            return False
        return not (isinstance(self.rows, Runs) and self.rows.state.overlay)

    @property
    def _has_pages_only(self) -> bool:
        return self._hooks.port.abilities.has("cursor") is False

    def show(self, wanted: Filter, sort: Sort) -> None:
        """Show what a filter wants, in an order."""
        before, asked = self.filter, self._query()
        self.filter, self.sort = wanted, sort
        if self._query() != asked:
            self._fetched_before = self.state.fetched_at
        for hook in (self.rows, self._coming):
            if hook is None:
                continue
            if isinstance(hook, AllRuns):
                self._arrange(hook)
            if wanted != before:
                hook.set_query(**self._query())

    @property
    def is_of_before(self) -> bool:
        """Whether the rows are still those of the filter before."""
        state = self.state
        fetched = state.fetched_at
        return state.is_loading and fetched is not None and fetched == self._fetched_before

    @property
    def is_filled(self) -> bool:
        """Whether the rows that are wanted have come."""
        state = self.state
        if isinstance(state, AllRunsState):
            coming = state.is_loading_older or state.arranging
        else:
            coming = self._coming is not None
        return state.fetched_at is not None and not (state.is_loading or coming)

    def table_rows(self, now: float) -> Sequence[RunRow]:
        """The rows to show at ``now``, in seconds since the epoch."""
        if isinstance(self.rows, AllRuns):
            if "age" in {term.key for term in needs(self.filter).here.terms}:
                self._search_again(self.rows, now)
            return RunRows(self.rows.runs, self._made, self._open_step)
        state = self.rows.state
        here = needs(self.filter).here
        runs = [run for run in state.runs if not here or matches(here, run, now)]
        rows = []
        for run in self.sort.sorted(runs):
            seen = state.activity.get(run.id)
            rows.append(
                RunRow(
                    run,
                    step_name=(seen.step_name if seen else None) or self._open_step(run),
                    changed_at=seen.changed_at if seen else None,
                )
            )
        return rows

    def continued(self, shown: Sequence[RunRow]) -> Sequence[RunRow] | None:
        """The rows that are shown, as they are, with the older runs below them that were fetched
        since; None where none was. In another order than by their birth no run is below."""
        rows = self.rows
        if not isinstance(rows, AllRuns) or rows.state.arranged or not isinstance(shown, KeyedRows):
            return None
        runs = rows.runs
        # The last one may be gone from the server.
        found = (runs.find(row.run.id) for row in reversed(shown))
        last = next((at for at in found if at is not None), None)
        if last is None or last + 1 >= len(runs):
            return None
        return Continued(shown, RunRows(runs, self._made, self._open_step), last + 1)

    def _open_step(self, run: Run) -> str | None:
        """The step of a run whose start was seen before the run was in the table."""
        told = self._hooks.history.get(run.id)
        if told is None or run.status is not RunStatus.RUNNING or not told.open_steps:
            return None
        return told.open_steps[-1].name

    def get(self, run_ids: Iterable[str]) -> list[Run]:
        """Those of these runs that are here, as they are now."""
        get = self.rows.get if isinstance(self.rows, AllRuns) else self.rows.state.get
        return [run for run_id in run_ids if (run := get(run_id)) is not None]

    async def aclose(self) -> None:
        """Let the rows go."""
        for hook in (self.rows, self._coming):
            if hook is not None:
                await hook.aclose()

    def _page(self) -> Runs[Any, Any]:
        page = self._hooks.use_runs(page_size=PAGE_SIZE, **self._query())
        page.subscribe(lambda state: self._paged(page, state))
        return page

    def _paged(self, page: Runs[Any, Any], state: RunsState[Any, Any]) -> None:
        """Turn back from a page that is not there: whoever goes on quickly asks for the next
        before it is known whether there is one, and runs are deleted."""
        if not state.is_loading and state.error is None and state.fetched_at is not None:
            if state.base or not state.page:
                self._stood = state.page
            else:
                page.go_to_page(min(self._stood + 1, state.page - 1))
                self._on_no_page()
        self._on_change()

    def _query(self) -> dict[str, Any]:
        wanted = needs(self.filter)
        return {
            "job_name": wanted.job_names or None,
            "status": list[RunStatus](wanted.statuses) or None,
            "labels": dict(wanted.labels),
        }

    def _arrange(self, hook: AllRuns) -> None:
        here, clock = needs(self.filter).here, self._clock
        self._searched_at = clock()
        keep = (lambda run: matches(here, run, clock())) if here else None
        hook.arrange(self.sort.place, keep, rising=self.sort.rising)

    def _search_again(self, hook: AllRuns, now: float) -> None:
        if now - self._searched_at >= AGED:
            self._arrange(hook)
