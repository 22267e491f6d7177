"""The place Jobs: how each job has been doing, and its runs as a plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.getters import query_one
from textual.timer import Timer

from durably_tui.filters import Filter, Term, matches
from durably_tui.protocol import Run, RunStatus, Trigger
from durably_tui.state import JobStats, JobStatsState, JobSummary, Source
from durably_tui.text import ago, safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.job_table import JobTable
from durably_tui.tui.widgets.plot import RunPlot
from durably_tui.tui.widgets.sorting import Order

from .keys import GENERAL, MOVE_IN_ONE, REPLAY, STEER, VIEW
from .place import LEAVE
from .summary import FILTER, SETTLE_SECONDS, SORT, SummaryScreen

WINDOWS = (900.0, 3600.0, 86_400.0, 604_800.0)
"""How far figures can look back, in seconds."""


def _in(status: RunStatus) -> Callable[[JobSummary], int]:
    return lambda job: job.counts.get(status, 0)


class JobsScreen(SummaryScreen):
    """Every job of the server."""

    PLACE = "Jobs"
    ORDERS: ClassVar[Mapping[str, Order[JobSummary]]] = {
        "job": Order("name", lambda job: job.job_name),
        "running": Order("running", _in(RunStatus.RUNNING), largest_first=True),
        "pending": Order("waiting", _in(RunStatus.PENDING), largest_first=True),
        "ended": Order("runs ended", lambda job: job.ended, largest_first=True),
        "failed": Order("failed", lambda job: job.failed, largest_first=True),
        "rate": Order("failure rate", lambda job: job.failure_rate, largest_first=True),
        "p50": Order("p50", lambda job: job.p50, largest_first=True),
        "p95": Order("p95", lambda job: job.p95, largest_first=True),
        "age": Order("last run", lambda job: job.last_run_at, largest_first=True),
    }
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE_IN_ONE,
        *REPLAY,
        Command("open", "enter", "runs", "Show the runs of the job", "Job", shown="Enter"),
        Command("trigger", "t", "trigger", "Trigger a new run of the job", "Job", mutates=True),
        *(command for command in STEER if command.action == "open_new"),
        Command("failed", "f", "failed", "Show the failed runs of the job", "Job"),
        Command("copy_name", "y", "copy name", "Copy the job's name", "Job", footer=False),
        Command("window(1)", "w", "window", "Count over a longer time: 15m, 1h, 1d, 7d", "Table"),
        Command("window(-1)", "W", "shorter", "Count over a shorter time", "Table", footer=False),
        *SORT,
        FILTER,
        *(command for command in VIEW if command.action != "copy_run"),
        *GENERAL,
        *LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        c for c in KEYS if c not in MOVE_IN_ONE and c.action != "open"
    )

    table = query_one("#table", JobTable)
    plot = query_one("#detail", RunPlot)

    def __init__(self, session: Session) -> None:
        """Show the jobs of ``session``."""
        super().__init__(session)
        self.stats: JobStats | None = None
        self._settling: Timer | None = None

    def make_table(self) -> JobTable:
        """The jobs."""
        return JobTable(clock=self.session.clock, plain=self.view.plain, id="table")

    def make_detail(self) -> RunPlot:
        """The runs of the job under the cursor."""
        return RunPlot(plain=self.view.plain, id="detail")

    def begin(self) -> None:
        """Ask for the figures."""
        self.stats = self.session.hooks.use_job_stats()
        self.stats.subscribe(lambda _state: self.changed())
        self.stats.start()

    async def on_unmount(self) -> None:
        """Let the figures go."""
        if self.stats is not None:
            await self.stats.aclose()

    def on_screen_suspend(self) -> None:
        """Nobody looks: ask for no new figures."""
        if self.stats is not None:
            self.stats.watch(False)

    def on_screen_resume(self) -> None:
        """Somebody looks again."""
        if self.stats is not None:
            self.stats.watch(True)

    @property
    def job(self) -> JobSummary | None:
        """The job under the cursor."""
        return self.table.cursor_row

    # -- painting --------------------------------------------------------------------------

    @property
    def is_filled(self) -> bool:
        """Whether there is something to show, or the reason why not."""
        if self.stats is None:
            return False
        state = self.stats.state
        return state.fetched_at is not None or self.wrong(state.error) is not None

    def paint(self, now: float) -> None:
        """The jobs, what the figures are, and the plot."""
        self.table.waiting = self.stats is None
        if self.stats is None:
            return
        state = self.stats.state
        wrong = self.wrong(state.error)
        self.paint_trouble(wrong)
        jobs = self.stats.summaries(now)
        self.session.seen.jobs.update(dict.fromkeys(job.job_name for job in jobs))
        shown = [job for job in jobs if _is_wanted(self.filter, job)]
        shown = self.sorting.sorted(sorted(shown, key=lambda job: job.job_name))
        self.show_sort()
        self.table.waiting = not jobs and state.fetched_at is None and wrong is None
        self.table.empty = self._nothing(state)
        self.table.show(shown, now, self.view.time_style)
        self.begin_on_top(self.table, known=state.fetched_at is not None)
        self._paint_scope(state, len(shown), len(jobs))
        self.paint_paused(now)

    def paint_paused(self, now: float) -> None:
        """The plot of the job that the cursor is on."""
        job, stats = self.job, self.stats
        if stats is None or not self.plot.display:
            return
        if job is None:
            self.plot.show("", (), now=now, window=1.0)
            return
        runs = tuple(stats.records(job.job_name).runs.values())
        window = stats.state.counted_window
        self.plot.show(job.job_name, runs, now=now, window=window, p50=job.p50, p95=job.p95)

    def _paint_scope(self, state: JobStatsState, shown: int, jobs: int) -> None:
        window = f"last {ago(state.counted_window)}"
        if state.window != state.counted_window:
            window += f" ({ago(state.window)} asked for)"
        if state.fetched_at is None:
            source = "counted over what was seen so far"
        elif state.source is Source.SERVER:
            source = "counted by the server"
        else:
            seen = sum(len(job.runs) for job in state.ledger.jobs.values())
            source = f"counted here over {seen} run{'' if seen == 1 else 's'} seen"
        number = "no jobs" if not jobs else "1 job" if jobs == 1 else f"all {jobs} jobs"
        if self.filter:
            number = f"{shown} of {jobs} jobs"
        what = safe(str(self.filter), limit=200)
        self.paint_scope(what, number, window, source, str(self.sorting))

    def _nothing(self, state: JobStatsState) -> str:
        """Why there are no rows."""
        if self.filter:
            return f"No job matches. {self.key_of('back')} clears the filter."
        if state.fetched_at is None:
            return "This server has reported no jobs yet."
        if state.jobs is None:
            return (
                "No run has been seen yet, and this server does not list its jobs.\n"
                f"Press {self.key_of('trigger')} to trigger one."
            )
        return "This server has no jobs."

    # -- messages --------------------------------------------------------------------------

    @on(JobTable.RowHighlighted)
    def _highlighted(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE_SECONDS, self._focus_job)
        self.changed()

    def _focus_job(self) -> None:
        if self.stats is not None and self.job is not None:
            self.stats.focus(self.job.job_name)

    # -- commands --------------------------------------------------------------------------

    def refusal(self, command: Command) -> str | None:
        """Why a command does not apply to the job under the cursor."""
        if command.action in {"open", "failed", "copy_name"} and self.job is None:
            return "There is no job here."
        return super().refusal(command)

    async def refresh_state(self) -> None:
        """Fetch the figures."""
        if self.stats is not None:
            await self.stats.refresh()

    def action_open(self) -> None:
        """Show the runs of the job."""
        if self.job is not None:
            self.go_to_runs(Filter((Term("job", (self.job.job_name,)),)))

    def action_failed(self) -> None:
        """Show the failed runs of the job."""
        if self.job is not None:
            failed = Term("status", (RunStatus.FAILED,))
            self.go_to_runs(Filter((failed, Term("job", (self.job.job_name,)))))

    def action_trigger(self) -> None:
        """Ask for a new run of the job."""
        self._ask_trigger(Trigger(job_name=self.job.job_name if self.job else ""))

    def action_copy_name(self) -> None:
        """Copy the job's name by OSC 52, which works over ssh and tmux."""
        if self.job is not None:
            self.app.copy_to_clipboard(self.job.job_name)
            self.say(f"Copied {safe(self.job.job_name, limit=60)}.")

    def action_window(self, by: int) -> None:
        """Count over a longer (1) or shorter (-1) time, round and round."""
        if self.stats is not None:
            at = WINDOWS.index(self.stats.state.window)
            self.stats.set_window(WINDOWS[(at + by) % len(WINDOWS)])


def _is_wanted(wanted: Filter, job: JobSummary) -> bool:
    return not wanted or matches(
        wanted, Run(id="", job_name=job.job_name, status=RunStatus.UNKNOWN), 0.0
    )
