"""A list of objects in a form: where one is added, and where each begins and can be removed."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from durably_tui.text import compact_json, safe
from durably_tui.tui.forms import Leaf


class Press(Static, can_focus=True):
    """A word that does something: by Enter, Space or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "press", "Do it", show=False)]

    class Pressed(Message):
        """It was pressed."""

    def action_press(self) -> None:
        """Tell whoever made it."""
        self.post_message(self.Pressed())

    def on_click(self, event: events.Click) -> None:
        """Tell whoever made it."""
        event.stop()
        self.action_press()


class ListRow(Vertical):
    """A list of objects: how many there are, and where one more is asked for.

    ``ItemRow`` is one of them; the fields of the object follow it.
    """

    DEFAULT_CSS = """
    ListRow, ItemRow {
        height: auto;

        Horizontal { height: 1; }
        .name { width: auto; max-width: 70%; text-wrap: nowrap; text-overflow: ellipsis; }
        .wrong { display: none; color: $text-error; height: auto; }
        Press { width: auto; margin-left: 2; padding: 0 1; background: $boost; }
        Press:focus { background: $primary 40%; text-style: bold; }
    }
    """

    class Asked(Message):
        """One more item is asked for, or this one is to go."""

        def __init__(self, row: ListRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, leaf: Leaf) -> None:
        """Show the list of ``leaf``."""
        super().__init__()
        self.leaf = leaf

    @property
    def editor(self) -> Press:
        """The widget that takes the keys."""
        return self.query_one(Press)

    def compose(self) -> ComposeResult:
        """The name, and the word that does something."""
        with Horizontal():
            yield Static(self._told(), classes="name")
            yield Press(self._word(), classes="editor")
        yield Static(classes="wrong")

    def complain(self, sentence: str | None) -> None:
        """Say what is wrong with it, or nothing."""
        line = self.query_one(".wrong", Static)
        line.display = sentence is not None
        if sentence is not None:
            line.update(Content(safe(sentence, limit=300)))

    def _told(self) -> Content:
        field, number = self.leaf.field, self.leaf.items or 0
        words = [f"{number} {'item' if number == 1 else 'items'}"]
        if field.least is not None:
            words.append(f"at least {field.least}")
        if field.most is not None:
            words.append(f"at most {field.most}")
        if field.has_default and field.default and not number:
            words.append(f"else {compact_json(field.default, 40)}")
        parts = [Content.styled(safe(self.leaf.label, limit=80), "bold")]
        if self.leaf.needed:
            parts.append(Content.styled(" *", "$text-error"))
        parts.append(Content.styled(safe(f"  list: {', '.join(words)}", limit=120), "$text-muted"))
        if field.help:
            parts.append(Content.styled(f"  {safe(field.help, limit=200)}", "$text-disabled"))
        return Content("").join(parts)

    def _word(self) -> str:
        return "+ add"

    @on(Press.Pressed)
    def _pressed(self, event: Press.Pressed) -> None:
        event.stop()
        self.post_message(self.Asked(self))


class ItemRow(ListRow):
    """One object of a list: its number, and where it is removed."""

    def _told(self) -> Content:
        return Content.styled(safe(self.leaf.label, limit=80), "bold $text-accent")

    def _word(self) -> str:
        return "- remove"
