"""The keys of a line act in the order in which they were pressed.

Textual's lines take in a letter at once, and act on Backspace, an arrow or ^U only when the key has
come up to the app and found nobody else: over a slow line, where keys come together, those letters
that follow are there before. ``abc``, Backspace, ``d`` became ``abc`` instead of ``abd``, and what
followed a Tab stayed in the field that was left.
"""

from __future__ import annotations

from typing import Any

from textual import events
from textual.widget import Widget

_NAME = "_on_key"
_LEAVE = ("app.focus_next", "app.focus_previous")
"""What Tab does in a dialog."""


def act_in_order(line: type[Widget]) -> None:
    """Have every such line act on its own keys as it gets them. Again is harmless."""
    usual = vars(line)[_NAME]
    if not getattr(usual, "acts_in_order", False):
        setattr(line, _NAME, _in_order(usual))


def _in_order(usual: Any) -> Any:
    async def on_key(self: Widget, event: events.Key) -> None:
        if self.screen.focused is not self:
            _take(event)  # it is meant for whoever has got the keys since
            takes = self.screen.focused or self.screen
            takes._forward_event(events.Key(event.key, event.character))
            return
        if not event.is_printable:
            for binding in self._bindings.key_to_bindings.get(event.key, ()):
                if await self.app.run_action(binding.action, default_namespace=self):
                    _take(event)
                    return
            bound = self.screen.active_bindings.get(event.key)
            if bound is not None and bound.binding.action in _LEAVE:
                _take(event)
                await self.app.run_action(bound.binding.action, default_namespace=bound.node)
                return
        await usual(self, event)

    on_key.acts_in_order = True  # type: ignore[attr-defined]
    return on_key


def _take(event: events.Key) -> None:
    event.stop()
    event.prevent_default()
