"""The footer with the keys of the place."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """Textual's footer, made anew only where a key in it changed.

    It is made of one widget a key, and Textual makes all of them again whenever the focus moves:
    most of the cost of a change of pane.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._shown: list[tuple[object, ...]] | None = None

    def bindings_changed(self, screen: Screen[Any]) -> None:
        """Compare what would be shown with what is."""
        shown: list[tuple[object, ...]] = [
            (binding.key, binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in screen.active_bindings.values()
            if binding.show
        ]
        if shown != self._shown or not self.children:
            self._shown = shown
            super().bindings_changed(screen)
