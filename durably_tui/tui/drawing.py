"""How the app draws: no more than what changed, and keys before everything else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from rich.control import Control
from textual import events
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.app import App

from .attention import Attention
from .background_cache import cache_backgrounds_by_colour
from .frame import Frames
from .typed_ahead import TypedAhead

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.message import Message
    from textual.screen import Screen

_CALLS = (
    events.Key,
    events.Paste,
    events.MouseDown,
    events.MouseUp,
    events.MouseScrollDown,
    events.MouseScrollUp,
)


class DrawingApp(App[None]):
    """Writes the cells of a frame that differ from the last, in one piece; knows whether a key
    waits for its answer."""

    def __init__(self) -> None:
        cache_backgrounds_by_colour()
        super().__init__()
        self.attention = Attention()
        """Whether a key waits for its answer, for whatever can wait."""
        self.frames_written = 0
        """How many times what the terminal shows was changed."""
        self.ahead = TypedAhead(self)
        """The keys that were typed for a place that was not there yet."""
        self._frames = Frames()

    def post_message(self, message: Message) -> bool:
        """Take note of a key before it waits in the queue."""
        if isinstance(message, _CALLS) and not message.is_forwarded:
            self.attention.call()
        return super().post_message(message)

    async def _replace_screen(self, screen: Screen[Any]) -> Screen[Any]:
        # A key that is on its way through what was left would be gone with it.
        await self.ahead.come_up()
        return await super()._replace_screen(screen)

    async def on_event(self, event: events.Event) -> None:
        """Take note of what a key did, and of what makes the terminal show something else."""
        if isinstance(event, events.Resize):
            # Also sent when the app comes back from the background.
            self._frames.forget()
        if isinstance(event, events.Key) and self.ahead.holds(event):
            return
        # It went through the widgets, and is acted on here as none of them had a use for it.
        came_back = isinstance(event, _CALLS) and event.is_forwarded
        await super().on_event(event)
        if came_back:
            self.attention.acted()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write a frame. Where it cannot be compared with the last, Textual writes all of it."""
        driver = self._driver
        if (
            driver is None
            or sys.platform == "win32"
            or self.is_headless
            or driver.is_inline
            or self._batch_count
            or not self._running
            or self._closed
        ):
            super()._display(screen, renderable)
            self.frames_written += renderable is not None
            self.attention.shown()
            return
        colors = self.console._color_system or ColorSystem.TRUECOLOR
        # There is none where something hidden was laid out anew.
        changes = "" if renderable is None else self._frames.changes(renderable, self.size, colors)
        if changes is None or changes:
            self.frames_written += 1
        if changes is None:
            super()._display(screen, renderable)
        elif changes:
            x, y = self.screen.outer_size.clamp_offset(self.cursor_position)
            frame = changes + Control.move_to(x, y).segment.text
            driver.write(f"{SYNC_START}{frame}{SYNC_END}" if self._sync_available else frame)
            driver.flush()
            self.post_display_hook()
        else:
            self.post_display_hook()
        self.attention.shown()


def ahead_of(app: App[Any]) -> TypedAhead:
    """The keys that were typed ahead, of the app that a widget is in."""
    assert isinstance(app, DrawingApp)
    return app.ahead
