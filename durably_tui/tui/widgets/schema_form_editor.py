"""An input that is typed in one of two ways: into a form, or as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.getters import query_one
from textual.message import Message
from textual.widgets import TextArea

from durably_tui.tui.forms import BadText, Field, problems, value_of
from durably_tui.tui.keys_in_order import act_in_order

from .schema_field import FieldRow
from .schema_form import SchemaForm

act_in_order(TextArea)

_ANYTHING = Field()


@dataclass(frozen=True, slots=True)
class Draft:
    """What is typed, whether it can be sent or not."""

    value: Any = None
    text: str | None = None
    """What stands in the JSON editor; None where ``value`` stands in the form."""


def read_json(text: str) -> Any:
    """The input that a text means; nothing at all is an empty object.

    Raises:
        BadText: it is not JSON.
    """
    return value_of(_ANYTHING, text) if text.strip() else {}


class InputEditor(Vertical):
    """The form and the editor show the same input, one of them at a time.

    Each begins with what the other has, also with what cannot be sent yet. Without a schema there
    is the editor only.
    """

    DEFAULT_CSS = """
    InputEditor {
        height: auto;
        SchemaForm { display: none; }
        &.-form SchemaForm { display: block; }
        &.-form #input { display: none; }
    }
    """

    form = query_one(SchemaForm)
    editor = query_one("#input", TextArea)

    class Changed(Message):
        """Another input stands there, which ``is_typed`` or was begun with; ``warning`` is what
        the schema says against it, perhaps."""

        def __init__(self, warning: str, *, is_typed: bool) -> None:
            super().__init__()
            self.warning = warning
            self.is_typed = is_typed

    def __init__(self, value: Any) -> None:
        """Begin in the editor with ``value``."""
        super().__init__(id="editor")
        self.field: Field | None = None
        """What the input may be; None where no schema of it is known."""
        self.is_form = False
        """Whether the form is in front."""
        self._first = json.dumps(value, indent=2)
        self._typed = False
        self._source: Draft | None = None

    def compose(self) -> ComposeResult:
        """Both; style shows one of them."""
        yield SchemaForm(id="form")
        yield TextArea(self._first, id="input", show_line_numbers=False, tab_behavior="focus")

    def on_mount(self) -> None:
        """What is typed into an empty object replaces it."""
        if self._first == "{}":
            self.editor.select_all()

    @property
    def is_typed(self) -> bool:
        """Whether somebody typed something since it began."""
        return self._typed or (not self.is_form and self.editor.text != self._first)

    async def begin(self, field: Field | None, value: Any) -> None:
        """Begin anew with a value: in the form where it can show it, else in the editor."""
        self.field = field
        if field is not None and isinstance(value, dict):
            await self._show_form(value)
        else:
            self._show_text(json.dumps(value, indent=2))
            self.editor.select_all()
        self._typed = False

    async def take(self, field: Field | None) -> None:
        """Go on with what is typed, for another schema."""
        if not self.is_form:
            self.field = field
        elif field is not None:
            draft = self.form.draft()
            self.field = field
            await self._show_form(draft)
        else:
            await self.toggle()
            self.field = None

    async def toggle(self) -> str | None:
        """Show the other one; a sentence says why that is not possible."""
        if self.is_form:
            value, source = self.form.draft(), self._source
            self._typed = self._typed or self.form.is_touched
            is_untouched = source is not None and value is source.value
            text = source.text if source is not None and is_untouched else None
            self._show_text(json.dumps(value, indent=2) if text is None else text)
            return None
        if self.field is None:
            return "No schema is known for its input, so there is no form."
        try:
            value = read_json(self.editor.text)
        except BadText as error:
            return f"The form cannot show it yet: it {str(error)[:1].lower()}{str(error)[1:]}"
        if not isinstance(value, dict):
            return "The input is not an object: only the JSON editor can show it."
        self._typed = self.is_typed
        source = Draft(value, self.editor.text)
        await self._show_form(value)
        self._source = source
        return None

    def draft(self) -> Draft:
        """What is typed now."""
        if self.is_form:
            return Draft(self.form.draft())
        return Draft(text=self.editor.text)

    async def show(self, draft: Draft) -> None:
        """Show what was typed, or sent, before."""
        self._typed = True
        if draft.text is not None:
            self._show_text(draft.text)
        elif self.field is not None and self.is_form and isinstance(draft.value, dict):
            await self._show_form(draft.value)
        else:
            self._show_text(json.dumps(draft.value, indent=2))

    def collect(self) -> Any:
        """The input to send.

        Raises:
            BadText: it cannot be sent; the keys are where that can be mended.
        """
        if not self.is_form:
            try:
                return read_json(self.editor.text)
            except BadText:
                self.editor.focus()
                raise
        value, wrong = self.form.collect()
        if wrong:
            self.form.focus_on(wrong[0])
            more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise BadText(f"{wrong[0]}{more}")
        return value

    def take_keys(self) -> None:
        """Put the keys where the input is typed."""
        if self.is_form:
            self.form.focus_on()
        else:
            self.editor.focus()

    # -- inside ----------------------------------------------------------------------------

    async def _show_form(self, value: Any) -> None:
        assert self.field is not None
        had_keys = self.editor.has_focus or self.form.has_focus_within
        self._source = None
        await self.form.load(self.field, value)
        self.is_form = True
        self.add_class("-form")
        if had_keys:
            self.form.focus_on()

    def _show_text(self, text: str) -> None:
        had_keys = self.form.has_focus_within
        self._first = text
        self.is_form = False
        self.editor.load_text(text)
        self.remove_class("-form")
        if had_keys:
            self.editor.focus()

    @on(TextArea.Changed, "#input")
    def _text_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if not self.is_form:
            typed = self.is_typed
            self.post_message(self.Changed(self._warning() if typed else "", is_typed=typed))

    def _warning(self) -> str:
        """What the schema says against the text; the server has the last word."""
        if self.field is None:
            return ""
        try:
            wrong = next(problems(self.field, read_json(self.editor.text)), None)
        except BadText:
            return ""  # most of what one types is no JSON until it is whole
        return "" if wrong is None else str(wrong)

    @on(FieldRow.Changed)
    def _field_changed(self, event: FieldRow.Changed) -> None:
        event.stop()
        self._typed = True
        self.post_message(self.Changed("", is_typed=True))
