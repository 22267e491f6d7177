"""One field of a form: its name, what it takes, where it is typed, and what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from durably_tui.text import compact_json, safe
from durably_tui.tui.forms import ABSENT, BadText, Field, Kind, Leaf, problems, text_of, value_of
from durably_tui.tui.forms.text import is_lines, meant_by

_ANYTHING = Field()


def hint(field: Field) -> str:
    """What a field takes, in a few words, safe to be drawn: ``whole number, 1 to 200, else 40``."""
    words = [field.format or str(field.kind)]
    if field.kind is Kind.ARRAY:
        words = [f"{field.item.kind if field.item else 'JSON'}, one a line"]
        if not is_lines(field):
            words = ["list, as JSON"]
    elif field.kind is Kind.OBJECT:
        words = ["object, as JSON"]
    low = field.minimum if field.above is None else field.above
    high = field.maximum if field.below is None else field.below
    if field.minimum is not None and field.maximum is not None:
        words.append(f"{low} to {high}")
    else:
        if low is not None:
            words.append(f"{'at least' if field.above is None else 'more than'} {low}")
        if high is not None:
            words.append(f"{'at most' if field.below is None else 'less than'} {high}")
    if field.has_default and field.default is not None:
        words.append(f"else {compact_json(field.default, 40)}")
    return safe(", ".join(words), limit=120)


class FieldRow(Vertical):
    """Where one value is typed. What nobody touches stays the very value that it was."""

    DEFAULT_CSS = """
    FieldRow {
        height: auto;

        .name { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        .wrong { display: none; color: $text-error; height: auto; }
        Input, TextArea { border: none; padding: 0 1; background: $boost; }
        Input { height: 1; }
        TextArea { height: auto; min-height: 1; max-height: 6; }
        Input:focus, TextArea:focus { border: none; background: $primary 20%; }
        Select.-textual-compact > SelectCurrent { padding: 0 1; background: $boost; }
        Select:focus > SelectCurrent { background: $primary 20%; }
        /* The sixteen colours have no shade of their ground: an edge tells where a field is. */
        &:ansi {
            Input, TextArea, Select > SelectCurrent {
                border-left: outer $foreground !important;
                padding: 0 1 0 0;
            }
            Input:focus, TextArea:focus, Select:focus > SelectCurrent {
                border-left: outer $accent !important;
                background: $background;
            }
        }
    }
    """

    class Changed(Message):
        """Something was typed."""

    def __init__(self, leaf: Leaf, value: Any) -> None:
        """Fill in ``leaf``, beginning with ``value`` (ABSENT: with nothing)."""
        super().__init__()
        self.leaf = leaf
        self._field = replace(leaf.field, required=leaf.needed)
        self._original = value
        self._is_touched = False
        text = text_of(self._field, value)
        self._as_json = safe(text, keep_newlines=True, limit=None) != text
        self._first = json.dumps(value, indent=2) if self._as_json else text

    @property
    def is_touched(self) -> bool:
        """Whether something was typed."""
        return self._is_touched

    @property
    def text(self) -> str:
        """What is typed; the JSON of what is chosen."""
        editor = self.editor
        if isinstance(editor, Input):
            return editor.value
        if isinstance(editor, TextArea):
            return editor.text
        chosen = self._chosen()
        return "" if chosen is ABSENT else json.dumps(chosen)

    @property
    def editor(self) -> Widget:
        """The widget that takes the keys."""
        return self.query_one(".editor")

    def value(self) -> Any:
        """The value; ABSENT where the field is left out.

        Raises:
            BadText: what is typed is no value of the field, or something has to be.
        """
        if not self._is_touched:
            if self._original is ABSENT:
                return value_of(self._field, "")
            wrong = next(problems(self._field, self._original), None)
            if wrong is not None:
                raise BadText(str(wrong))
            return self._original
        if isinstance(self.editor, Select):
            chosen = self._chosen()
            return value_of(self._field, "") if chosen is ABSENT else chosen
        if not self._as_json:
            return value_of(self._field, self.text)
        value = value_of(replace(_ANYTHING, required=self._field.required), self.text)
        wrong = None if value is ABSENT else next(problems(self._field, value), None)
        if wrong is not None:
            raise BadText(str(wrong))
        return value

    def draft(self) -> Any:
        """The value, also one that cannot be sent; what is typed as a text where it is none."""
        try:
            return self.value()
        except BadText:
            if not self._is_touched:
                return self._original
            return self.text if self._as_json else meant_by(self._field, self.text)

    def complain(self, sentence: str | None) -> None:
        """Say what is wrong with the field, or nothing."""
        line = self.query_one(".wrong", Static)
        line.display = sentence is not None
        if sentence is not None:
            line.update(Content(safe(sentence, limit=300)))

    def compose(self) -> ComposeResult:
        """A line that tells the field, and where it is typed."""
        field = self._field
        parts = [Content.styled(safe(self.leaf.label, limit=80), "bold")]
        if field.required:
            parts.append(Content.styled(" *", "$text-error"))
        parts.append(Content.styled(f"  {hint(field)}", "$text-muted"))
        if field.help:
            parts.append(Content.styled(f"  {safe(field.help, limit=200)}", "$text-disabled"))
        yield Static(Content("").join(parts), classes="name")
        yield self._make_editor()
        yield Static(classes="wrong")

    def on_mount(self) -> None:
        """Say at once where what it begins with cannot be sent."""
        if self._original is not ABSENT:
            self._check()

    def _make_editor(self) -> Widget:
        field = self._field
        if field.kind in {Kind.CHOICE, Kind.BOOLEAN} and not self._as_json:
            return self._make_select()
        one_line = field.kind in {Kind.TEXT, Kind.INTEGER, Kind.NUMBER} and not self._as_json
        if one_line and "\n" not in self._first:
            return Input(self._first, classes="editor", select_on_focus=False)
        return TextArea(
            self._first,
            classes="editor",
            show_line_numbers=False,
            tab_behavior="focus",
            highlight_cursor_line=False,
        )

    def _make_select(self) -> Widget:
        choices = self._choices()
        options = [(Text(_shown(choice)), at) for at, choice in enumerate(choices)]
        at = next(
            (at for at, choice in enumerate(choices) if _is_same(choice, self._original)), None
        )
        return Select(
            options,
            prompt="leave out" if not self._field.required else "choose",
            value=Select.NULL if at is None else at,
            compact=True,
            classes="editor",
        )

    def _choices(self) -> tuple[Any, ...]:
        return (True, False) if self._field.kind is Kind.BOOLEAN else self._field.choices

    def _chosen(self) -> Any:
        chosen = self.query_one(Select).value
        return self._choices()[chosen] if isinstance(chosen, int) else ABSENT

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Select.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        if not self._is_touched and self.text == self._untouched_text():
            return  # how the widget tells what it began with
        self._is_touched = True
        self._check()
        self.post_message(self.Changed())

    def _check(self) -> None:
        try:
            self.value()
        except BadText as error:
            self.complain(str(error))
        else:
            self.complain(None)

    def _untouched_text(self) -> str:
        if isinstance(self.editor, Select):
            known = any(_is_same(choice, self._original) for choice in self._choices())
            return json.dumps(self._original) if known else ""
        return self._first


def _shown(choice: Any) -> str:
    return safe(choice, limit=80) if isinstance(choice, str) else compact_json(choice, 80)


def _is_same(choice: Any, value: Any) -> bool:
    return isinstance(choice, bool) is isinstance(value, bool) and bool(choice == value)
