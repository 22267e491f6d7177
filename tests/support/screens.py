"""Read what an app shows, without a terminal."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import RenderableType
from support.hostile import is_inert
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget


def screen_lines(app: App[object]) -> list[str]:
    """The text of each line of the screen, as it is composed now."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    assert len(strips) == height
    assert all(strip.cell_length == width for strip in strips)
    return [strip.text for strip in strips]


class Painted:
    """What an app has painted, as a terminal would show it; worked out once for each paint."""

    def __init__(self, app: App[object]) -> None:
        self._app = app
        self._paints = 0
        self._of: tuple[int, Screen[object], Size] | None = None
        self._strips: list[Strip] = []
        display = app._display

        def counted(screen: Screen[object], renderable: RenderableType | None) -> None:
            self._paints += 1
            display(screen, renderable)

        app._display = counted

    @property
    def strips(self) -> list[Strip]:
        """The screen in front, a line each."""
        app = self._app
        now = (self._paints, app.screen, app.size)
        if self._of != now:
            self._of, self._strips = now, app.screen._compositor.render_strips(app.size)
        return self._strips


def widget_strips(widget: Widget) -> list[Strip]:
    """Every visible line of a widget that draws itself."""
    return [widget.render_line(y) for y in range(widget.size.height)]


def assert_sound(widget: Widget, width: int) -> None:
    """Every line is exactly as wide as it must be, and holds nothing but what a terminal draws."""
    for strip in widget_strips(widget):
        assert cell_len(strip.text) == strip.cell_length == width, strip.text
        assert is_inert(strip.text), ascii(strip.text)
