"""Read what an app shows, without a terminal."""

from __future__ import annotations

from rich.cells import cell_len
from support.hostile import is_inert
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget


def screen_lines(app: App[object]) -> list[str]:
    """The text of each line of the screen, as it is composed."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    assert len(strips) == height
    assert all(strip.cell_length == width for strip in strips)
    return [strip.text for strip in strips]


def widget_strips(widget: Widget) -> list[Strip]:
    """Every visible line of a widget that draws itself."""
    return [widget.render_line(y) for y in range(widget.size.height)]


def assert_sound(widget: Widget, width: int) -> None:
    """Every line is exactly as wide as it must be, and holds nothing but what a terminal draws."""
    for strip in widget_strips(widget):
        assert cell_len(strip.text) == strip.cell_length == width, strip.text
        assert is_inert(strip.text), ascii(strip.text)
