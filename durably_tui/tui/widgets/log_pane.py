"""A log with everything that can be done to it: search, filter, wrap, times, save, copy."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.getters import query_one
from textual.message import Message
from textual.widgets import Static

from durably_tui.protocol import LogLevel
from durably_tui.state.log_store import LogStore
from durably_tui.text import TimeStyle, safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.keymap import key_of
from durably_tui.tui.pane_keys import LOGS

from .log_above import Earlier
from .log_file import absolute, as_text, chosen, file_name, save
from .log_prompt import Asked, LogPrompt
from .log_status import status_content
from .log_view import LogView

LEVELS = (None, LogLevel.WARN, LogLevel.ERROR)
TIMES = (TimeStyle.RELATIVE, TimeStyle.LOCAL, TimeStyle.UTC, TimeStyle.OFF)
_MOST_COPIED = 100_000
"""Characters: more than this, terminals and tmux do not take by OSC 52."""
_HINTS = {
    Asked.SEARCH: "search: a text or a regular expression",
    Asked.ONLY: "show only what matches: a text or a regular expression",
    Asked.SAVE: "save to: a path; .jsonl writes JSON lines",
}


class LogPane(Vertical):
    """A ``LogView``, the line that is typed in, and a line that says what is seen.

    ``LOGS`` are its keys; each is the action ``log`` with the name of what it does. Where Enter
    opens the run of a line, ``opens_runs`` says so, else it unfolds the line's data.
    """

    PANE_KEYS: ClassVar[tuple[Command, ...]] = LOGS
    BINDINGS: ClassVar[list[BindingType]] = bindings(LOGS)
    DEFAULT_CSS = """
    LogPane {
        height: 1fr;
        LogView { height: 1fr; }
        .log-status { height: 1; padding: 0 1; }
    }
    """

    view = query_one(LogView)
    prompt = query_one(LogPrompt)
    status = query_one(".log-status", Static)

    class Opened(Message):
        """A line was opened, where that opens its run."""

        def __init__(self, pane: LogPane, number: int) -> None:
            super().__init__()
            self.pane = pane
            self.number = number

    class TimesChosen(Message):
        """Times are to be written another way in every log."""

        def __init__(self, style: TimeStyle) -> None:
            super().__init__()
            self.style = style

    def __init__(
        self,
        *,
        store: LogStore | None = None,
        clock: Callable[[], float] = time.time,
        empty: str = "No log lines yet.",
        opens_runs: bool = False,
        id: str | None = None,
    ) -> None:
        """Show the lines of ``store``, or its own; ``empty`` is said where there are none."""
        super().__init__(id=id)
        self._store = store
        self._clock = clock
        self._empty = empty
        self._opens_runs = opens_runs
        self._before: tuple[str | None, int | None, bool] = (None, None, True)
        self._overwrites = ""
        self._said = ""

    def compose(self) -> ComposeResult:
        """The lines, then the line that is typed in, then what is seen."""
        view = LogView(store=self._store, clock=self._clock, empty=self._empty, id="log")
        view.show_run = self._opens_runs
        yield view
        yield LogPrompt()
        yield Static(classes="log-status")

    def tick(self, now: float) -> None:
        """Show what came into the store, and let the clock go on."""
        self.view.sync()
        self.view.tick(now)
        self._say()

    @on(LogView.Changed)
    def _say(self) -> None:
        said = status_content(self.view)
        if said.markup != self._said:  # nothing is drawn again that says the same
            self._said = said.markup
            self.status.update(said, layout=False)

    def action_log(self, what: str) -> None:
        """Do one of ``LOGS``, by its name."""
        getattr(self, f"do_{what}")()

    def do(self, what: str) -> None:
        """The same, where no key is left for the place."""
        with suppress(SkipAction):
            self.action_log(what)

    # ------------------------------------------------------------ searching

    def do_search(self) -> None:
        """Ask what to search for."""
        view = self.view
        pattern = view.looking.pattern
        top = view.index_at(0)
        here = view.cursor if not view.following else None
        if here is None and len(view):
            here = view.looking.shown[top or 0]
        self._before = (pattern.pattern if pattern else None, here, view.following)
        self.prompt.ask(Asked.SEARCH, "", _HINTS[Asked.SEARCH])

    def do_show_only(self) -> None:
        """Ask what to show."""
        only = self.view.only.pattern if self.view.only is not None else ""
        self._before = (only or None, self.view.cursor, self.view.following)
        self.prompt.ask(Asked.ONLY, only, _HINTS[Asked.ONLY])

    def do_next_match(self) -> None:
        """Go to the next match."""
        self._match(self.view.next_match)

    def do_prev_match(self) -> None:
        """Go to the match before."""
        self._match(self.view.prev_match)

    def _match(self, go: Callable[[], bool]) -> None:
        pattern = self.view.looking.pattern
        if pattern is None:
            search = key_of(self.app, self.PANE_KEYS, "log('search')")
            self._tell(f"There is no search yet: {search} starts one.", "warning")
        elif not go():
            self._say_if_none(pattern.pattern)

    @on(LogPrompt.Answered)
    def _answered(self, event: LogPrompt.Answered) -> None:
        event.stop()
        if event.asked is Asked.SAVE:
            self._save_answered(event)
            return
        before, here, followed = self._before
        is_search = event.asked is Asked.SEARCH
        if event.text is None:
            if is_search:
                self.view.set_search(before)
                if followed:
                    self.view.action_follow()
                else:
                    self.view.go_to(here)
            else:
                self.view.set_show_only(before)
        elif is_search:
            pattern = self.view.looking.pattern
            if not event.final or event.text != (pattern.pattern if pattern else ""):
                self.view.set_search(event.text, origin=here)
        elif not event.final:
            self.view.set_show_only(event.text)
        if event.final:
            self._leave_prompt()
            if is_search and event.text:
                self._say_if_none(event.text)

    def _say_if_none(self, text: str) -> None:
        """Tell that nothing was found, once everything was looked at."""
        view, looking = self.view, self.view.looking
        if view.earlier is Earlier.READY:
            return  # it goes on through what the server has
        if len(view) and looking.is_complete and not looking.found:
            self._tell(f"No line shown contains “{text}”.", "warning")

    def _leave_prompt(self) -> None:
        self.prompt.close(self.view)

    def do_clear(self) -> None:
        """Clear the search, then the filter; then the key is the place's."""
        view = self.view
        if view.looking.pattern is not None:
            view.set_search(None)
        elif view.only is not None or view.level is not None:
            view.show_all()
        else:
            raise SkipAction

    # -------------------------------------------------------------- looking

    def do_level(self) -> None:
        """All, warnings and errors, errors only."""
        at = LEVELS.index(self.view.level)
        self.view.set_level(LEVELS[(at + 1) % len(LEVELS)])

    def do_wrap(self) -> None:
        """Fold long lines, or let them go on to the right."""
        self.view.wrap = not self.view.wrap
        self._say()

    def do_times(self) -> None:
        """Relative, local, UTC, none."""
        at = TIMES.index(self.view.time_style)
        self.view.time_style = TIMES[(at + 1) % len(TIMES)]
        self.post_message(self.TimesChosen(self.view.time_style))

    def do_follow(self) -> None:
        """Follow the end, or hold."""
        self.view.action_toggle_follow()

    def do_open(self) -> None:
        """Open the run of the line, or unfold its data."""
        number = self.view.cursor
        if number is None:
            return
        if self._opens_runs:
            self.post_message(self.Opened(self, number))
        else:
            self.do_unfold()

    def do_unfold(self) -> None:
        """Show the line's data over many lines, or on one again."""
        self.view.action_unfold()

    # ---------------------------------------------------------- taking along

    def do_copy(self) -> None:
        """Copy the line."""
        if (number := self.view.cursor) is not None:
            self._copy([number])

    def do_copy_screen(self) -> None:
        """Copy the lines in sight."""
        view = self.view
        indices = {view.index_at(y) for y in range(view.size.height)}
        self._copy([view.looking.shown[at] for at in sorted(i for i in indices if i is not None)])

    def _copy(self, numbers: list[int]) -> None:
        view = self.view
        lines = [as_text(line) for line in chosen(view.store, view.looking.shown, numbers)]
        text = "\n".join(lines)
        if len(text) > _MOST_COPIED:
            self._tell("That is too much for the terminal's clipboard: ctrl+s saves it.", "warning")
        elif lines:
            self.app.copy_to_clipboard(text)
            self._tell("Copied the line." if len(lines) == 1 else f"Copied {len(lines)} lines.")

    def do_save(self) -> None:
        """Ask where to save what is shown."""
        self._overwrites = ""
        self.prompt.ask(Asked.SAVE, file_name(self._clock()), _HINTS[Asked.SAVE])

    def _save_answered(self, event: LogPrompt.Answered) -> None:
        if not event.final:
            return
        if not event.text:
            self._leave_prompt()
        else:
            self._save(event.text, overwrite=event.text == self._overwrites)

    @work(group="saves")
    async def _save(self, text: str, *, overwrite: bool) -> None:
        view, path = self.view, absolute(text)
        try:
            count = await save(view.store, view.looking.shown, path, overwrite=overwrite)
        except FileExistsError:
            self._overwrites = text
            self._tell(f"{path} already exists: Enter again overwrites it.", "warning")
            return
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            self._tell(f"{path} cannot be written ({why}): choose another.", "error")
            return
        self._leave_prompt()
        self._tell(f"Saved {count:,} line{'' if count == 1 else 's'} to {path}.")

    def _tell(self, text: str, severity: str = "information") -> None:
        self.notify(
            safe(text, limit=600),
            severity=severity,  # type: ignore[arg-type]  # one of Textual's three words
            markup=False,
        )
