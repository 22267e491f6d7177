"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static


class ConfirmScreen(ModalScreen[bool]):
    """Asks once and says exactly what will happen; answers True for yes."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Yes"),
        ("n,escape,q", "answer(False)", "No"),
        ("left,h", "app.focus_previous", "Before"),
        ("right,l", "app.focus_next", "Next"),
    ]

    def __init__(self, question: str, detail: str, yes: str, *, typed: str | None = None) -> None:
        """Ask ``question``.

        Args:
            question: what is to be done, to how many, where.
            detail: what will happen.
            yes: the word on the button, such as ``Delete``.
            typed: a name that has to be typed for a yes, where a key would be too easy.
        """
        super().__init__()
        self._typed = typed
        self._question = question
        self._detail = detail
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, the detail, and two answers with the harmless one in focus."""
        with Vertical(id="dialog"):
            yield Static(Content(self._question), id="question")
            yield Static(Content(self._detail), id="detail")
            if self._typed is not None:
                yield Static(Content(f"Type {self._typed} and Enter to go on."), id="ask")
                yield Input(id="typed")
            with Horizontal(id="answers"):
                yes = self._yes if self._typed is not None else f"{self._yes} (y)"
                yield Button(Content.from_text(yes, markup=False), id="yes", variant="error")
                # Where a name is typed, "n" is a letter of it.
                no = "No (Esc)" if self._typed is not None else "No (n)"
                yield Button(Content.from_text(no, markup=False), id="no", variant="primary")

    def on_mount(self) -> None:
        """Enter must not destroy anything by habit."""
        if self._typed is not None:
            self.query_one("#typed", Input).focus()
        else:
            self.query_one("#no", Button).focus()

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self._answer(yes)

    def _answer(self, yes: bool) -> None:
        if yes and self._typed is not None and self.query_one("#typed", Input).value != self._typed:
            self.query_one("#ask", Static).update(
                Content(f"That does not match: type {self._typed}, or Esc to keep everything.")
            )
            self.query_one("#typed", Input).focus()
        else:
            self.dismiss(yes)

    def on_input_submitted(self) -> None:
        """The name was typed."""
        self._answer(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by button."""
        self._answer(event.button.id == "yes")
