"""The line under the bar: what is shown, and at its end the places, to be clicked."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

_GAP = 2
_KEYS = 12
"""The cells in which only keys fit."""
_LEAST = 50
"""So many cells are left to what is shown, before it is cut for the keys of the places."""

Tab = tuple[str, str, str]
"""The key, the title and the name of a place."""


def tabs_line(tabs: Sequence[Tab], front: str, room: int) -> Content:
    """The places in at most ``room`` cells: with their titles, with that of the one in front, with
    their keys alone, or nothing.

    Args:
        tabs: the places.
        front: the name of the one in front.
        room: cells.
    """
    for titled, gap in ((True, "  "), (False, "  "), (False, " ")):
        line = Content(gap).join(
            Content.styled(f"{key} {title}" if titled or gap == "  " else key, "bold $text-primary")
            if name == front
            else Content.styled(f"{key} {title}" if titled else key, f"@click=app.place({name!r})")
            for key, title, name in tabs
        )
        if line.cell_length <= room:
            return line
    return Content()


class ScopeLine(Static):
    """One line: what is shown comes first, the places have what room it leaves."""

    DEFAULT_CSS = """
    ScopeLine {
        color: $text-muted;
        link-style: none;
        link-color: $text-muted;
        link-style-hover: underline;
        link-color-hover: $foreground;
        link-background-hover: transparent;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Nothing is said yet."""
        super().__init__(id=id)
        self._said: Content | None = None
        self._tabs: tuple[tuple[Tab, ...], str] = ((), "")

    def say(self, said: Content) -> None:
        """Say what is shown. Costs nothing where it is said already."""
        if said != self._said or said.spans != getattr(self._said, "spans", None):
            self._said = said
            self.refresh()

    def show_tabs(self, tabs: Sequence[Tab], front: str) -> None:
        """Offer the places, of which ``front`` is in front."""
        if (now := (tuple(tabs), front)) != self._tabs:
            self._tabs = now
            self.refresh()

    def render(self) -> RenderResult:
        """What is said, then the places at the right end."""
        said, width = self._said or Content(), self.content_size.width
        tabs = tabs_line(*self._tabs, width - said.cell_length - _GAP)
        if not tabs:
            tabs = tabs_line(*self._tabs, min(_KEYS, width - _LEAST))
        room = width - tabs.cell_length - (_GAP if tabs else 0)
        said = said.truncate(room, ellipsis=True)
        return Content.assemble(
            said, " " * max(0, width - said.cell_length - tabs.cell_length), tabs
        )

    def update(self, content: VisualType = "", *, layout: bool = False) -> None:
        """As ``say``: a line is as high as it is, so there is nothing to lay out."""
        del layout
        self.say(content if isinstance(content, Content) else Content(str(content)))
