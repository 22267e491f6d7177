"""A line that is asked for by a key, and gone with Enter: what is typed behind it is not its."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from durably_tui.tui.keys_in_order import act_in_order

act_in_order(Input)


class AskingLine(Input):
    """Hidden until it is opened.

    Keys that come all at once, as over a slow line, are here before Enter has closed it: they are
    handed on to whoever has the keys then.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "ok", key_display="Enter", tooltip="Take what is typed"),
        Binding("escape", "leave", "leave", key_display="Esc", tooltip="Leave it as it was"),
    ]
    DEFAULT_CSS = """
    AskingLine {
        display: none;
        height: 1;
        border: none;
        padding: 0 1;
        background: $boost;
        &:focus { border: none; background: $primary 20%; }
    }
    """

    _is_over = False
    _late: tuple[events.Key, ...] = ()

    def __init__(self, **options: Any) -> None:
        """A line that is hidden, with the options of an ``Input``."""
        # Textual selects once the line is told that it has the keys: what came before that would
        # be selected as well, and gone with the next letter.
        super().__init__(select_on_focus=False, **options)

    @property
    def closes_with_enter(self) -> bool:
        """Whether Enter is always the end of it."""
        return True

    def appear(self, word: str) -> None:
        """Show the line, and give it the keys; ``word`` tells in the footer what Enter does."""
        (enter,) = self._bindings.key_to_bindings["enter"]
        self._bindings.key_to_bindings["enter"] = [replace(enter, description=word)]
        self._is_over, self._late = False, ()
        self.display = True
        # At once rather than soon: what is typed behind the key is meant for this line.
        self.screen.set_focus(self)
        self.select_all()

    def close(self, then: Widget) -> None:
        """Hide the line, and give the keys to another, those included that came behind Enter."""
        self.display = False
        self.screen.set_focus(then)
        late, self._late = self._late, ()
        self._hand_on(*late)

    def _hand_on(self, *late: events.Key) -> None:
        """Have keys come again, as from the terminal."""
        app = self.app

        def come() -> None:
            for event in late:
                app.post_message(events.Key(event.key, event.character))

        app.call_later(come)  # what the app itself sends comes up to it again, where it acts on it

    async def action_submit(self) -> None:
        """Tell what was typed, once."""
        if not self._is_over:
            self._is_over = self.closes_with_enter
            await super().action_submit()

    def takes(self, event: events.Key) -> bool:
        """Whether a key is for this line; another is kept for who has the keys then."""
        if self._is_over and self.display:
            self._late += (event,)
        elif self._is_over:
            self._hand_on(event)
        return not self._is_over

    async def _on_key(self, event: events.Key) -> None:
        if self.takes(event) and event.key != "enter":
            return  # Textual goes on with what an Input does
        event.stop()
        event.prevent_default()
        if event.key == "enter" and not self._is_over:
            # Here rather than where the app acts on keys: those behind it are on their way.
            await self.action_submit()
