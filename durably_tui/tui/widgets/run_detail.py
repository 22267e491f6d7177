"""One run in panes: overview, steps, logs, input, output. Shows what it is given, asks nothing."""

from __future__ import annotations

from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.reactive import var
from textual.widgets import Static, TabbedContent, TabPane

from durably_tui.protocol import Run, RunStatus
from durably_tui.state import JobRunState
from durably_tui.text import TimeStyle

from .event_pane import EventPane
from .json_pane import JsonPane
from .log_above import UNSEEN, Earlier
from .log_pane import LogPane
from .log_view import LogView
from .run_facts import facts_content, watched_sentence
from .waterfall import Waterfall

PANES = {
    "overview": "Overview",
    "steps": "Steps",
    "logs": "Logs",
    "input": "Input",
    "output": "Output",
    "events": "Events",
}
"""The panes by their id, in the order of their tabs."""
NO_RUN = "No run is selected."
NO_LINES = "No log lines of this run were seen."


class Pane(TabPane):
    """A pane that is in front because it was asked for, and not as the focus went there.

    Textual brings a pane to the front once more when it hears of the focus: after the next key has
    asked for another.
    """

    def _on_descendant_focus(self, event: events.DescendantFocus) -> None:
        event.prevent_default()


class RunDetail(Vertical):
    """Everything about one run, a pane each."""

    DEFAULT_CSS = """
    RunDetail {
        height: 1fr;

        TabbedContent { height: 1fr; }
        ContentTabs {
            height: 1;
            background: $panel;
            Underline { display: none; }
            Tab { height: 1; padding: 0 1; color: $text-muted; }
            Tab.-active { color: $text; text-style: bold; background: $primary 25%; }
        }
        ContentTabs:focus Tab.-active { background: $primary; color: $background; }
        ContentSwitcher { height: 1fr; }
        TabPane { padding: 0; height: 1fr; }
        #facts-scroll { height: 1fr; padding: 0 1; }
        #steps-note { height: auto; padding: 0 1; color: $text-muted; display: none; }
        #facts-scroll:focus { background: $foreground 4%; }
    }
    """

    time_style: var[TimeStyle] = var(TimeStyle.RELATIVE)
    """How times are written."""

    tabs = query_one(TabbedContent)
    steps = query_one(Waterfall)
    log_pane = query_one(LogPane)
    logs = query_one(LogView)
    input = query_one("#input-view", JsonPane)
    output = query_one("#output-view", JsonPane)
    events = query_one(EventPane)
    facts = query_one("#facts", Static)

    def __init__(
        self, *, pane: str = "overview", plain: bool = False, id: str | None = None
    ) -> None:
        """Begin with ``pane`` in front; ``plain`` draws with ASCII only."""
        super().__init__(id=id)
        self._first_pane = pane
        self._plain = plain
        self._run_id: str | None = None
        self._logged = 0
        self._told_gaps: frozenset[tuple[float, float]] = frozenset()
        self._said = ""
        self._facts_of: tuple[Run, JobRunState | None, float] | None = None
        self._documents: dict[str, Any] = {}
        self._output_said: str | None = None
        self.logs_above = UNSEEN
        """What is said above the first log line, where earlier ones may be missing."""
        self.logs_earlier = Earlier.LEFT
        """Whether log lines may stand before the first."""
        self.logs_whole = False
        """Whether all lines that the server has are here."""

    def compose(self) -> ComposeResult:
        """A tab for each pane."""
        with TabbedContent(initial=self._first_pane):
            with Pane(PANES["overview"], id="overview"), VerticalScroll(id="facts-scroll"):
                yield Static(id="facts")
            with Pane(PANES["steps"], id="steps"):
                yield Static(id="steps-note", classes="note")
                yield Waterfall(id="waterfall", plain=self._plain)
            with Pane(PANES["logs"], id="logs"):
                yield LogPane(empty=NO_RUN)
            with Pane(PANES["input"], id="input"):
                yield JsonPane(id="input-view")
            with Pane(PANES["output"], id="output"):
                yield Static(id="output-note", classes="note")
                yield JsonPane(id="output-view")
            with Pane(PANES["events"], id="events"):
                yield EventPane(id="events-view", plain=self._plain)

    @property
    def front(self) -> str:
        """The name of the pane in front."""
        return self.tabs.active

    def show_pane(self, pane: str) -> None:
        """Bring a pane to the front and put the keys into it, at once: those that follow closely
        are meant for it."""
        self.tabs.active = pane
        if not self._focus_pane():
            self.call_after_refresh(self._focus_pane)

    def step_pane(self, by: int) -> None:
        """Bring the next pane (1) or the one before (-1) to the front."""
        names = list(PANES)
        at = names.index(self.tabs.active) if self.tabs.active in names else 0
        self.show_pane(names[(at + by) % len(names)])

    @property
    def json_in_front(self) -> JsonPane | None:
        """The JSON pane whose tab is in front; None where that is another."""
        return next(iter(self.tabs.get_pane(self.tabs.active).query(JsonPane)), None)

    def _focus_pane(self) -> bool:
        pane = self.tabs.get_pane(self.tabs.active)
        focusable = next((w for w in pane.query("*") if w.focusable), None)
        if focusable is not None:
            self.screen.set_focus(focusable)
        return focusable is not None

    def show(self, run: Run | None, state: JobRunState | None, now: float) -> None:
        """Show a run: ``run`` as the table has it, ``state`` as it was watched, if it was yet."""
        if state is not None and state.run is not None:
            run = state.run
        if (run.id if run else None) != self._run_id:
            self._run_id = run.id if run else None
            self._start_over()
        self.logs.empty = self._no_lines(run, state)
        if run is None:
            self._facts_of, self._said = None, ""
            self.facts.update(Content.styled(NO_RUN, "$text-muted"))
            return
        self._show_logs(state)
        self.log_pane.tick(now)
        self._document("input", self.input, run.input)
        self._show_output(run)
        if state is not None:
            tries = max(told.attempt for told in (state.own, state.seen or state.own))
            self.steps.set_steps(state.steps, started_at=run.started_at, now=now, attempt=tries)
            self._say_missing(state, now)
        self._facts_of = (run, state, now)
        self._show_facts()

    @on(TabbedContent.TabActivated)
    def _show_pane_in_front(self) -> None:
        """A pane that comes to the front shows at once what was told last, paused or not."""
        if self._facts_of is not None:
            _, state, now = self._facts_of
            if state is not None:
                self._say_missing(state, now)
            self._show_facts()

    @property
    def _keeps_logs(self) -> bool:
        """Whether the server has log lines that were not seen."""
        return self.logs_earlier is not Earlier.LEFT

    def on_resize(self) -> None:
        """Fold the overview into the new width, once that is known below."""
        self.call_after_refresh(self._show_facts)

    def _show_facts(self) -> None:
        """Exchange the overview while it is in front: each exchange is a layout of the place."""
        if self._facts_of is None or self.tabs.active != "overview":
            return
        facts = facts_content(
            *self._facts_of,
            width=self.facts.size.width,
            style=self.time_style,
            kept=self._keeps_logs,
            plain=self._plain,
        )
        if facts.markup != self._said:
            self._said = facts.markup
            self.facts.update(facts)

    def _start_over(self) -> None:
        self._logged, self._told_gaps = 0, frozenset()
        self._documents.clear()
        self.logs.clear()
        self.steps.set_steps((), started_at=None, now=0.0)
        self.steps.show_whole()
        self.events.clear()

    def _say_missing(self, state: JobRunState, now: float) -> None:
        """Say in the panes of steps and events what of them nobody saw."""
        note = self.query_one("#steps-note", Static)
        # Each exchange is a layout of the place.
        if note.display is state.complete:
            note.display = not state.complete
        if note.display and self.tabs.active == "steps":
            note.update(Content(watched_sentence(state, now, kept=self._keeps_logs)))
        if self.tabs.active == "events":
            events = state.events
            self.events.show(
                events,
                forgotten=(state.seen or state.own).bursts.dropped,
                missing=_before_the_first(state, len(events)),
                style=self.time_style,
                now=now,
            )

    def _show_logs(self, state: JobRunState | None) -> None:
        """Hand on the lines that are new; a line keeps its number for ever."""
        if state is None:
            return
        if state.logs.total < self._logged:
            self._logged, self._told_gaps = 0, frozenset()
            self.logs.clear()
        fresh = state.logs.since(self._logged)
        gaps = [gap for gap in state.gaps if gap not in self._told_gaps]
        if fresh or gaps:
            if self._logged:  # whatever the clocks say, what is new came behind the gap
                self.logs.extend((), gaps)
                self.logs.extend(fresh)
            else:
                self.logs.extend(fresh, gaps)
            self._logged = state.logs.total
            self._told_gaps |= set(gaps)
        self.logs.above = "" if state.complete else self.logs_above
        self.logs.earlier = Earlier.NONE if state.complete else self.logs_earlier

    def _no_lines(self, run: Run | None, state: JobRunState | None) -> str:
        """Why there are no log lines."""
        if run is None:
            return NO_RUN
        if not (self.logs_whole or (state is not None and state.complete)):
            return NO_LINES
        if run.is_terminal:
            return "This run wrote no log lines."
        return "No log lines yet. They appear here as the run writes them."

    def _show_output(self, run: Run) -> None:
        value = run.error if run.error is not None else run.output
        said = ""
        # A run that completed may have made null; of others that would not be true.
        if value is None and run.status is not RunStatus.COMPLETED:
            yet = "" if run.is_terminal else " yet"
            said, value = f"No output{yet}: the run is {run.status}.", ""
        if said != self._output_said:  # each exchange is a layout of the place
            self._output_said = said
            note = self.query_one("#output-note", Static)
            note.display = bool(said)
            note.update(said)
        self._document("output", self.output, value)

    def _document(self, name: str, view: JsonPane, value: Any) -> None:
        """Exchange what a JSON pane shows, only where it changed: what was fetched anew and says
        the same must not take anybody from the place where they read."""
        if name not in self._documents or not _is_same(self._documents[name], value):
            self._documents[name] = value
            view.show(value)


def _before_the_first(state: JobRunState, shown: int) -> str:
    """Why the earliest event that is shown is not the first of the run; empty where it is."""
    told = state.seen or state.own
    if told.from_start and told.bursts.dropped == 0 and not told.gaps:
        return ""
    if not shown:
        return "Events are only told as they happen: those of this run passed unseen."
    if told.bursts.dropped:
        return f"Earlier events were dropped: the last {shown:,} are kept."
    if not told.from_start:
        return "The earliest event here is not the first of the run: it was not watched yet."
    return "Some events in between may be missing: the stream was interrupted."


def _is_same(one: Any, other: Any) -> bool:
    """Whether a value says the same: 10 MB are compared in some 10 ms."""
    try:
        return one is other or (type(one) is type(other) and bool(one == other))
    except RecursionError:  # deeper than Python compares
        return False
