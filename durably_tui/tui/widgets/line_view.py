"""The base of every widget that draws itself line by line: a palette and strips made from spans."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.css.styles import Styles
from textual.css.stylesheet import Stylesheet
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from durably_tui.text import cells, clip, fit

Span = tuple[str, str]
"""Safe text and the name of its style in ``PALETTE``."""
Spans = tuple[Span, ...]

PALETTE: dict[str, str] = {
    "text": "color: $foreground;",
    "strong": "color: $foreground; text-style: bold;",
    "muted": "color: $text-muted;",
    "faint": "color: $text-disabled;",
    "header": "color: $text-muted; background: $foreground 6%; text-style: bold;",
    "accent": "color: $text-accent;",
    "pending": "color: $text-warning;",
    "running": "color: $text-primary;",
    "completed": "color: $text-success;",
    "failed": "color: $text-error; text-style: bold;",
    "cancelled": "color: $text-muted;",
    "unknown": "color: $text-muted;",
    "info": "color: $text-primary;",
    "warn": "color: $text-warning; text-style: bold;",
    "error": "color: $text-error; text-style: bold;",
    "warn-text": "color: $text-warning;",
    "error-text": "color: $text-error;",
    "bar": "color: $primary;",
    "bar-completed": "color: $success;",
    "bar-failed": "color: $error;",
    "bar-cancelled": "color: $text-disabled;",
    "rail": "color: $foreground 22%;",
    "key": "color: $text-primary;",
    "string": "color: $text-success;",
    "number": "color: $text-warning;",
    "literal": "color: $text-accent;",
    "match": "color: $foreground; background: $warning 45%;",
    "match-current": "color: $background; background: $warning; text-style: bold;",
    "badge": "color: $background; background: $primary; text-style: bold;",
    "ground-cursor": "background: $primary 30%; text-style: bold;",
    "ground-blurred": "background: $foreground 10%;",
    "ground-glow": "background: $foreground 8%;",
    "ground-marked": "background: $secondary 20%;",
}
"""Every name that a span may have, with its style in theme variables.

Names that start with ``ground-`` are the background of a whole line.
"""


@lru_cache(maxsize=8)
def _styles_in(variables: tuple[tuple[str, str], ...]) -> dict[str, Styles]:
    """The palette with the variables of a theme put in."""
    sheet = Stylesheet(variables=dict(variables))
    sheet.add_source("\n".join(f".{name} {{ {css} }}" for name, css in PALETTE.items()))
    sheet.parse()
    return dict(zip(PALETTE, (rule.styles for rule in sheet.rules), strict=True))


def fitted(spans: Iterable[Span], width: int) -> Spans:
    """Spans in exactly ``width`` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ()
    kept: list[Span] = []
    room = width
    for text, style in spans:
        length = cells(text)
        if length > room:
            kept.append((fit(text, room), style) if room else _closed(kept.pop()))
            return tuple(kept)
        room -= length
        kept.append((text, style))
    if room:
        kept.append((" " * room, "text"))
    return tuple(kept)


def _closed(span: Span) -> Span:
    """A span whose last cells say that something was cut after it."""
    text, style = span
    return fit(text + "…", cells(text)), style


_NAMES_WITHOUT_MIXING = {
    "match": Style(reverse=True),
    "match-current": Style(reverse=True, bold=True),
}
_GROUNDS_WITHOUT_MIXING = {
    "cursor": Style(reverse=True),
    "blurred": Style(bold=True),
    "glow": Style(bold=True),
    "marked": Style(),
}


def _is_of_the_terminal(color: Color | None) -> bool:
    return color is None or color.type in {ColorType.DEFAULT, ColorType.STANDARD}


class Painter:
    """Turns spans into strips in the colours of one widget, remembering each style."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[str, str], Style] = {}

    def forget(self) -> None:
        """Forget the styles, as the theme or the widget's own style changed."""
        self._styles.clear()

    def style(self, name: str, ground: str = "") -> Style:
        """The style of a palette name on the background of another, or of the widget."""
        style = self._styles.get((name, ground))
        if style is None:
            style = self._styles[name, ground] = self._mixed(name, ground)
        return style

    def _mixed(self, name: str, ground: str) -> Style:
        style = self._on_widget(name)
        own_ground = "background" in PALETTE[name]
        # The sixteen colours of a terminal cannot be mixed: a tint would be a glaring background.
        if name in _NAMES_WITHOUT_MIXING and _is_of_the_terminal(style.bgcolor):
            style = _NAMES_WITHOUT_MIXING[name]
        if not ground:
            return style
        under = self._on_widget(f"ground-{ground}")
        if _is_of_the_terminal(under.bgcolor):
            plain = _GROUNDS_WITHOUT_MIXING[ground]
            return plain if plain.reverse else style + plain
        return Style(
            color=style.color,
            bgcolor=style.bgcolor if own_ground else under.bgcolor,
            bold=style.bold or under.bold or None,
            italic=style.italic,
            underline=style.underline,
            reverse=style.reverse,
        )

    def _on_widget(self, name: str) -> Style:
        """A palette name in the theme, over the background of the widget.

        Not a component class: Textual would work out each of them anew for each widget whenever
        a class, the focus or the screen in front changes, most of what such a change costs.
        """
        widget = self._widget
        own = _styles_in(tuple(widget.app.theme_variables.items()))[name]
        _, ground = widget.background_colors
        if own.has_rule("background"):
            ground += own.background
        color = own.color if own.has_rule("color") else widget.styles.color
        if own.auto_color:
            color = ground.get_contrast_text(color.a)
        look = Style.from_color((ground + color).rich_color, ground.rich_color)
        if own.has_rule("text_style"):
            look += Style.parse(str(own.get_rule("text_style", "")))
        return widget.text_style + look

    def strip(self, spans: Iterable[Span], width: int, ground: str = "") -> Strip:
        """A strip of exactly ``width`` cells. What is too long is cut, what is short is padded."""
        runs: list[tuple[str, Style]] = []
        room = width
        for piece, name in spans:
            length = cells(piece)
            if cut := length > room:
                piece = clip(piece, room)  # noqa: PLW2901
                length = cells(piece)
            room -= length
            if piece:
                self._append(runs, piece, name, ground)
            if cut:
                break
        if room > 0:
            self._append(runs, " " * room, "text", ground)
        return Strip([Segment(text, style) for text, style in runs], width)

    def _append(self, runs: list[tuple[str, Style]], piece: str, name: str, ground: str) -> None:
        style = self.style(name, ground)
        if runs:
            before, before_style = runs[-1]
            if before_style is style:
                runs[-1] = (before + piece, style)
                return
            # A gap looks the same in any style on the same ground: no escape codes for it.
            if _ground_of(before_style) == _ground_of(style):
                if piece.isspace():
                    runs[-1] = (before + piece, before_style)
                    return
                if before.isspace():
                    runs[-1] = (before + piece, style)
                    return
        runs.append((piece, style))


def _ground_of(style: Style) -> tuple[Color | None, bool | None]:
    """What of a style can be seen on a space."""
    return style.bgcolor, style.reverse


class LineView(ScrollView, can_focus=True):
    """A scrolling widget that draws its lines itself, in the palette."""

    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        scrollbar-color: $foreground 22%;
        scrollbar-color-hover: $foreground 35%;
        scrollbar-color-active: $primary;
        scrollbar-background: $foreground 4%;
        scrollbar-background-hover: $foreground 6%;
        scrollbar-background-active: $foreground 6%;
    }
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self.painter = Painter(self)

    @property
    def line_width(self) -> int:
        """How many cells a line has beside the scrollbar."""
        return self.scrollable_size.width

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Take a size, and tell of it.

        Textual tells of it as well, but not where the place was scrolled and then asked for the
        region of a widget just before this one came into sight: the map that it compares with
        knows of it by then.
        """
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if changed and layout:
            self.post_message(events.Resize(size, virtual_size, container_size))
        return changed

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Let a scrollbar that has just come say where the view is: it was not told before."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self.painter.forget()


class ReadingView(LineView):
    """A view without a cursor, that is scrolled by the keys of less and vim."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_lines(1)", "Down", show=False),
        Binding("up,k", "scroll_lines(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "scroll_pages(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "scroll_pages(-1)", "Page up", show=False),
        Binding("home,g", "scroll_first", "First", show=False),
        Binding("end,G", "scroll_last", "Last", show=False),
    ]

    def action_scroll_lines(self, lines: int) -> None:
        """Scroll by some lines."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, force=True)

    def action_scroll_pages(self, pages: int) -> None:
        """Scroll by some pages, of which one line stays in sight."""
        self.action_scroll_lines(pages * max(1, self.size.height - 1))

    def action_scroll_first(self) -> None:
        """Go to the first line."""
        self.scroll_to(y=0, animate=False, force=True)

    def action_scroll_last(self) -> None:
        """Go to the last line."""
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
