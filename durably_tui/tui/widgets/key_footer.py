"""The footer with the keys of the place."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeyFooter(Footer):
    """Textual's footer, made anew only where a key in it changed.

    It is made of one widget a key, and Textual makes all of them again whenever the focus moves:
    most of the cost of a change of pane.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._shown: list[tuple[object, ...]] | None = None

    def compose(self) -> ComposeResult:
        """One widget a key, and nothing that keeps those that were before.

        Textual binds each to the footer, which lets go of those that are gone only when what they
        are bound to changes: here that is never, and each key is some kilobytes.
        """
        if not self._bindings_ready:
            return
        composed: set[str] = set()
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in composed:
                composed.add(binding.action)
                yield FooterKey(
                    binding.key,
                    self.app.get_key_display(binding),
                    binding.description,
                    binding.action,
                    disabled=not enabled,
                    tooltip=tooltip,
                    classes="-compact",
                )

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
