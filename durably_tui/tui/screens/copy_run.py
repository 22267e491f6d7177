"""What of a run is to be copied."""

from __future__ import annotations

import json
import shlex
from typing import ClassVar
from urllib.parse import quote

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from durably_tui.protocol import Run
from durably_tui.shapes import run_json
from durably_tui.text import safe

_MOST_COPIED = 100_000
"""Characters: more than this, terminals and tmux do not take by OSC 52."""


def curl_line(run: Run, url: str) -> str:
    """What asks the server at ``url`` about a run. A token is never in it, but its variable is."""
    address = shlex.quote(f"{url}/run?runId={quote(run.id, safe='', errors='replace')}")
    return f'curl -sS -H "Authorization: Bearer $DURABLY_TOKEN" {address}'


def command_line(run: Run, url: str) -> str:
    """What shows a run of the server at ``url`` in a shell."""
    run_id = run.id.encode("utf-8", "replace").decode()
    return f"durably-tui run {shlex.quote(run_id)} --server {shlex.quote(url)}"


def whole_json(run: Run) -> str | None:
    """A run as JSON; None where it is too much for a clipboard."""
    try:
        text = json.dumps(run_json(run), indent=2, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return None
    return text.encode("utf-8", "replace").decode() if len(text) <= _MOST_COPIED else None


class CopyScreen(ModalScreen[str | None]):
    """Asks what to copy; answers with the text, None where nothing is to be copied.

    ``y`` once more is the id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,1", "take(0)", "The id"),
        ("2", "take(1)", "JSON"),
        ("3", "take(2)", "curl"),
        ("4", "take(3)", "Command"),
        ("j", "move(1)", "Down"),
        ("k", "move(-1)", "Up"),
        ("escape,q", "leave", "Leave"),
    ]
    DEFAULT_CSS = """
    CopyScreen {
        align: center middle;
        background: $background 60%;
        OptionList {
            width: 76;
            max-width: 95%;
            height: auto;
            background: $surface;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            &, &:focus { border: round $primary; }
            &:focus > .option-list--option-highlighted {
                color: $foreground;
                background: $primary 30%;
            }
        }
    }
    """

    def __init__(self, run: Run, url: str) -> None:
        """Copy of ``run`` on the server at ``url``, an address without credentials."""
        super().__init__()
        self._run = run
        self._texts = (
            run.id.encode("utf-8", "replace").decode(),
            whole_json(run),
            curl_line(run, url),
            command_line(run, url),
        )

    def compose(self) -> ComposeResult:
        """Each with what would be copied."""
        run_id, whole, curl, command = self._texts
        size = "too much for the clipboard" if whole is None else f"{len(whole):,} characters"
        rows = (("id", run_id), ("JSON", size), ("curl", curl), ("command", command))
        options = [
            Option(
                Content.assemble(
                    (f"{number}  {name:<9}", "bold"),
                    (safe(text or "", limit=200), "$text-muted"),
                ),
                disabled=self._texts[number - 1] is None,
            )
            for number, (name, text) in enumerate(rows, 1)
        ]
        box = OptionList(*options)
        box.border_title = "Copy"
        yield box

    def action_take(self, index: int) -> None:
        """Copy this."""
        if self._texts[index] is not None:
            self.dismiss(self._texts[index])

    def action_move(self, by: int) -> None:
        """To the next, to the one before."""
        box = self.query_one(OptionList)
        (box.action_cursor_down if by > 0 else box.action_cursor_up)()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._texts[event.option_index])

    def action_leave(self) -> None:
        """Copy nothing."""
        self.dismiss(None)
