"""The footer with the keys of the place: as many as there is room for, and always the help."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from durably_tui.text import cells

KEPT = ("help", "quit", "back")
"""Actions that stay where others find no room: what tells of all keys, and the way out."""

Key = tuple[str, str, str, str, bool, str]
"""Of a key in the footer: its name, how it is written, its label, its action, whether it applies,
and what it does."""


def fitting(keys: Sequence[Key], width: int) -> list[Key]:
    """The keys that ``width`` cells have room for, in their order: the first ones, and those that
    are kept."""
    room = width + 1
    shown: list[Key] = []
    for key in sorted(keys, key=_rank):
        room -= cells(key[1]) + cells(key[2]) + 2
        if room < 0:
            break
        shown.append(key)
    return [key for key in keys if key in shown]


def _rank(key: Key) -> int:
    return KEPT.index(key[3]) if key[3] in KEPT else len(KEPT)


def _as_declared(active: Collection[ActiveBinding]) -> list[ActiveBinding]:
    """Bindings in the order in which they were declared, each widget's before those around it.

    Textual puts those that have a key of the user's last.
    """
    places: dict[tuple[DOMNode, str], int] = {}
    for node in dict.fromkeys(each.node for each in active):
        for _, binding in node._bindings:
            places.setdefault((node, binding.action), len(places))
    return sorted(active, key=lambda each: places[each.node, each.binding.action])


class KeyFooter(Footer):
    """Textual's footer, made anew only where a key in it changed.

    It is made of one widget a key, and Textual makes all of them again whenever the focus moves:
    most of the cost of a change of pane.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._shown: list[Key] | None = None

    def compose(self) -> ComposeResult:
        """One widget a key, and nothing that keeps those that were before.

        Textual binds each to the footer, which lets go of those that are gone only when what they
        are bound to changes: here that is never, and each key is some kilobytes.
        """
        if not self._bindings_ready:
            return
        for key, written, label, action, enabled, tooltip in self._keys(self.screen):
            yield FooterKey(
                key,
                written,
                label,
                action,
                disabled=not enabled,
                tooltip=tooltip,
                classes="-compact",
            )

    def bindings_changed(self, screen: Screen[Any]) -> None:
        """Compare what would be shown with what is."""
        shown = self._keys(screen)
        if shown != self._shown or not self.children:
            self._shown = shown
            super().bindings_changed(screen)

    def on_resize(self, event: events.Resize) -> None:
        """There is room for more keys, or for fewer."""
        if self._shown is not None:
            self.bindings_changed(self.screen)

    def _keys(self, screen: Screen[Any]) -> list[Key]:
        """Those that are shown, one an action."""
        keys: dict[str, Key] = {}
        for _, binding, enabled, tooltip in _as_declared(screen.active_bindings.values()):
            if binding.show and binding.action not in keys:
                keys[binding.action] = (
                    binding.key,
                    self.app.get_key_display(binding),
                    binding.description,
                    binding.action,
                    enabled,
                    tooltip,
                )
        return fitting(list(keys.values()), self.app.size.width)
