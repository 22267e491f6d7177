"""A value with everything that can be done to it: fold, search, copy."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from durably_tui.state.log_pattern import LogPattern
from durably_tui.text import safe
from durably_tui.tui.commands import Command, bindings
from durably_tui.tui.keymap import key_of
from durably_tui.tui.pane_keys import JSON

from .json_view import JsonView
from .log_prompt import Asked, LogPrompt

_MOST_COPIED = 100_000
"""Characters: more than this, terminals and tmux do not take by OSC 52."""
_HINT = "search keys and values: a text or a regular expression"


class JsonPane(Vertical):
    """A ``JsonView``, the line that is typed in, and a line that says where the cursor is.

    ``JSON`` are its keys; each is the action ``json`` with the name of what it does.
    """

    PANE_KEYS: ClassVar[tuple[Command, ...]] = JSON
    BINDINGS: ClassVar[list[BindingType]] = bindings(JSON)
    DEFAULT_CSS = """
    JsonPane {
        height: 1fr;
        JsonView { height: 1fr; }
        .json-status { height: 1; padding: 0 1; color: $text-muted; }
    }
    """

    view = query_one(JsonView)
    prompt = query_one(LogPrompt)
    status = query_one(".json-status", Static)

    def __init__(self, *, id: str | None = None) -> None:
        """Show nothing yet."""
        super().__init__(id=id)
        self._searched = ""
        self._before: tuple[str, int] = ("", 0)

    def compose(self) -> ComposeResult:
        """The lines, then the line that is typed in, then where the cursor is."""
        yield JsonView()
        yield LogPrompt()
        yield Static(classes="json-status")

    def show(self, value: Any) -> None:
        """Show a value from its start: a string as a text, all else as JSON."""
        self.view.show(value)

    @on(JsonView.Changed)
    def _say(self) -> None:
        view, document = self.view, self.view.document
        parts: list[str] = []
        if document is not None and document.lines:
            parts.append(safe(document.rows.path(view.cursor_row), limit=200))
        if self._searched and (search := view.search) is not None:
            count = f"{len(search.found):,}"
            rank = search.rank(view.cursor_row)
            which = f"{rank:,}/{count}" if rank else count
            parts.append(f"“{safe(self._searched, limit=60)}” {which}")
        if view.is_busy and document is not None:
            parts.append(f"reading… {len(document.rows):,} lines")
        self.status.update(Content("  ".join(parts)), layout=False)

    def action_json(self, what: str) -> None:
        """Do one of ``JSON``, by its name."""
        getattr(self, f"do_{what}")()

    def do(self, what: str) -> None:
        """The same, where no key is left for the place."""
        with suppress(SkipAction):
            self.action_json(what)

    # ------------------------------------------------------------- folding

    def do_fold(self) -> None:
        """Fold or unfold what the cursor is in."""
        self.view.toggle()

    def do_fold_all(self) -> None:
        """Fold everything, or unfold it."""
        self.view.fold_all()

    # ----------------------------------------------------------- searching

    def do_search(self) -> None:
        """Ask what to search for."""
        self._before = (self._searched, self.view.cursor_row)
        self.prompt.ask(Asked.SEARCH, "", _HINT)

    def do_next_match(self) -> None:
        """Go to the next match."""
        self._match(1)

    def do_prev_match(self) -> None:
        """Go to the match before."""
        self._match(-1)

    def _match(self, by: int) -> None:
        if not self._searched:
            search = key_of(self.app, self.PANE_KEYS, "json('search')")
            self._tell(f"There is no search yet: {search} starts one.", "warning")
        elif not self.view.go_to_match(by):
            self._tell(f"Nothing here contains “{self._searched}”.", "warning")

    @on(LogPrompt.Answered)
    def _answered(self, event: LogPrompt.Answered) -> None:
        event.stop()
        before, row = self._before
        if event.text is None:
            self._search(before, row)
            self.view.go_to_row(row)
        elif not event.final or event.text != self._searched:
            self._search(event.text, row)
        if event.final:
            self.prompt.close(self.view)
            search = self.view.search
            if event.text and search is not None and not search.found and not self.view.is_busy:
                self._tell(f"Nothing here contains “{event.text}”.", "warning")

    def _search(self, text: str, origin: int) -> None:
        self._searched = text
        self.view.set_search(LogPattern(text).regex if text else None, origin)

    def do_clear(self) -> None:
        """Clear the search; then the key is the place's."""
        if not self._searched:
            raise SkipAction
        self._search("", self.view.cursor_row)

    # ---------------------------------------------------------- taking along

    def do_copy_path(self) -> None:
        """Copy where the cursor is, as jq writes it."""
        if (document := self.view.document) is not None and document.lines:
            self._copy(document.rows.path(self.view.cursor_row))

    def do_copy_value(self) -> None:
        """Copy the value that the cursor is in: a text as it is, all else as JSON."""
        document = self.view.document
        if document is None or not document.lines:
            return
        rows = document.rows
        row = rows.opener(self.view.cursor_row)
        value = rows.value(row)
        if rows.is_container(row) and not 0 < rows.end(row) - row <= _MOST_COPIED // 4:
            self._copy(None)
        elif isinstance(value, str):
            self._copy(value if len(value) <= _MOST_COPIED else None)
        else:
            try:
                self._copy(json.dumps(value, indent=2, ensure_ascii=False, default=str))
            except (RecursionError, ValueError):
                self._tell("That is nested too deeply to be copied.", "warning")

    def _copy(self, text: str | None) -> None:
        if text is None or len(text) > _MOST_COPIED:
            self._tell("That is too much for the terminal's clipboard: copy a part.", "warning")
            return
        self.app.copy_to_clipboard(text.encode("utf-8", "replace").decode())
        shown = text if len(text) <= 60 and "\n" not in text else f"{len(text):,} characters"
        self._tell(f"Copied {shown}.")

    def _tell(self, text: str, severity: str = "information") -> None:
        self.notify(
            safe(text, limit=300),
            severity=severity,  # type: ignore[arg-type]  # one of Textual's three words
            markup=False,
            timeout=4,
        )
