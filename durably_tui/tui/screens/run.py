"""A run in full: overview, steps, logs, input, output and events, live."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import ClassVar

from msgspec.structs import replace
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one

from durably_tui.protocol import DurablyError, Run, RunStatus
from durably_tui.text import safe, short_id
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.drawing import ahead_of
from durably_tui.tui.neighbours import FARTHEST, neighbour
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.key_footer import KeyFooter
from durably_tui.tui.widgets.look import run_look
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.scope_line import ScopeLine
from durably_tui.tui.widgets.status_bar import StatusBar

from .keys import GENERAL, MOVE, REPLAY, STEER, VIEW
from .watching import WatchingScreen


class RunScreen(WatchingScreen):
    """One run on the whole screen."""

    CSS_PATH = "runs.tcss"
    PLACE = "A run"
    KEYS: ClassVar[tuple[Command, ...]] = (
        *MOVE,
        *REPLAY,
        *STEER,
        Command(
            "pane('overview')",
            "v",
            "overview",
            "What the run is and how it stands",
            "Panes",
            footer=False,
        ),
        Command("pane('steps')", "s", "steps", "Its steps on a time axis", "Panes"),
        Command("pane('logs')", "l", "logs", "Its log lines", "Panes"),
        Command("pane('input')", "i", "input", "What it was given", "Panes"),
        Command(
            "pane('output')", "e", "output", "What it returned, or its error", "Panes", shown="e"
        ),
        Command("pane('events')", "E", "events", "Every event as it came", "Panes", footer=False),
        Command("next_pane(1)", "right", "next pane", "The next pane", "Panes", footer=False),
        Command("next_pane(-1)", "left", "pane before", "The pane before", "Panes", footer=False),
        # The keys by which Runs goes to older and newer pages.
        Command(
            "neighbour(1)",
            "right_square_bracket",
            "older run",
            "The next older run of the same job",
            "Run",
            footer=False,
            shown="]",
        ),
        Command(
            "neighbour(-1)",
            "left_square_bracket",
            "newer run",
            "The next newer run of the same job",
            "Run",
            footer=False,
            shown="[",
        ),
        *VIEW,
        *GENERAL,
        Command(
            "back",
            "escape,q",
            "back",
            "Back to where it was opened",
            "General",
            shown="q Esc",
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(c for c in KEYS if c not in MOVE)

    scope = query_one("#scope", ScopeLine)

    def __init__(self, session: Session, run: Run, *, pane: str = "overview") -> None:
        """Show ``run`` with ``pane`` in front."""
        super().__init__(session)
        self._run = run
        self._pane = pane
        self._place = 0

    def compose(self) -> ComposeResult:
        """The bar, the run's headline, its panes and the keys."""
        yield StatusBar(plain=self.view.plain)
        yield ScopeLine(id="scope")
        yield RunDetail(pane=self._pane, plain=self.view.plain, id="detail")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin with what the table had."""
        self.begin_painting()
        self.inspector.show(self._run, settle=0.0)
        self.detail.show_pane(self._pane)

    @property
    def pane(self) -> str:
        """The name of the pane in front."""
        return self.detail.front

    def current_run(self) -> Run | None:
        """This run, as the server last described it."""
        return self.seen.run if self.seen is not None and self.seen.run is not None else self._run

    @contextlib.contextmanager
    def optimistic(self, run: Run, status: RunStatus | None) -> Iterator[None]:
        """Show this run so, though the server has not described it yet."""
        with super().optimistic(run, status):
            yield
        if status is not None and self._run.id == run.id:
            self._run = replace(self._run, status=status)

    def gone(self, run: Run) -> None:
        """A deleted run has no place to be shown."""
        self.dismiss()

    @property
    def is_filled(self) -> bool:
        """Whether the server has told of the run, or cannot."""
        seen = self.seen
        return seen is not None and (seen.fetched_at is not None or seen.fault is not None)

    def paint(self, now: float) -> None:
        """The headline and the panes."""
        run = self.current_run() or self._run
        self.paint_detail(now)
        headline = [
            run_look(run).label(plain=self.view.plain),
            safe(run.job_name),
            short_id(run.id),
        ]
        if self._place:
            headline.append(_place_words(self._place))
        if self.seen is not None and self.seen.is_gone:
            headline.append("gone from the server")
        self.scope.say(Content.styled("  ".join(headline), "bold"))

    # -- commands --------------------------------------------------------------------------

    def action_pane(self, pane: str) -> None:
        """Bring a pane to the front."""
        self.detail.show_pane(pane)

    def action_next_pane(self, by: int) -> None:
        """Bring the next pane to the front."""
        self.detail.step_pane(by)

    def action_neighbour(self, by: int) -> None:
        """Go to the next older (1) or newer (-1) run of the same job."""
        ahead_of(self.app).command_begins()  # a key that follows closely is meant for that one
        self._go_on(by)

    @work(exclusive=True, group="neighbours", exit_on_error=False)
    async def _go_on(self, by: int) -> None:
        try:
            found = await neighbour(self.session.hooks.port, self._run, by)
        except DurablyError as error:
            self.say(str(error), severity="error")
            return
        finally:
            ahead_of(self.app).command_ends()
        if found.run is not None:
            self._run, self._place = found.run, found.place
            self.inspector.show(found.run, settle=0.0)
            self.show_anew()
        elif found.beyond:
            self.say(
                f"This run is not among the last {FARTHEST:,} of its job: Runs with the filter "
                f"job:{safe(self._run.job_name, limit=60)} scrolls to it.",
                severity="warning",
            )
        else:
            which = "oldest" if by > 0 else "newest"
            self.say(f"This is the {which} run of {safe(self._run.job_name, limit=60)}.")

    def action_place_before(self) -> None:
        """Back to where the run was opened."""
        self.dismiss()

    def action_back(self) -> None:
        """Back to where the run was opened."""
        self.dismiss()


def _place_words(place: int) -> str:
    """Which of its job's runs a run is, from 1 for the newest."""
    return "the newest of its job" if place == 1 else f"run {place:,} of its job, newest first"
