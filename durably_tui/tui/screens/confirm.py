"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class ConfirmScreen(ModalScreen[bool]):
    """Asks once and says exactly what will happen; answers True for yes."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Yes"),
        ("n,escape,q", "answer(False)", "No"),
        ("left,h", "app.focus_previous", "Before"),
        ("right,l", "app.focus_next", "Next"),
    ]

    def __init__(self, question: str, detail: str, yes: str) -> None:
        """Ask ``question``; ``yes`` is the word on the button, such as ``Delete``."""
        super().__init__()
        self._question = question
        self._detail = detail
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, the detail, and two answers with the harmless one in focus."""
        with Vertical(id="dialog"):
            yield Static(Content(self._question), id="question")
            yield Static(Content(self._detail), id="detail")
            with Horizontal(id="answers"):
                yield Button(
                    Content.from_text(f"{self._yes} (y)", markup=False), id="yes", variant="error"
                )
                yield Button(
                    Content.from_text("Keep (n)", markup=False), id="no", variant="primary"
                )

    def on_mount(self) -> None:
        """Enter must not destroy anything by habit."""
        self.query_one("#no", Button).focus()

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self.dismiss(yes)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by button."""
        self.dismiss(event.button.id == "yes")
