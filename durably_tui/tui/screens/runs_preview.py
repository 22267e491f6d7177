"""The preview of the place Runs: below the table or beside it, as large as one wants, or not."""

from __future__ import annotations

from textual.containers import Container
from textual.getters import query_one

from durably_tui.tui.commands import Command

from .watching import WatchingScreen

PREVIEW_LINES = 16
"""On a screen with fewer lines there is no preview."""
WIDE = 180
"""From so many columns on the preview is beside the table, until the user says where."""
_STEP = 5
_SMALLEST, _LARGEST = 20, 80

PREVIEW = (
    Command(
        "preview_side",
        "v",
        "preview side",
        "Move the preview beside the table, or below it",
        "Preview",
        footer=False,
    ),
    Command(
        "preview", "P", "preview", "Hide the preview, or show it again", "Preview", footer=False
    ),
    Command(
        "preview_size(1)",
        "less_than_sign,ctrl+up",
        "preview larger",
        "Make the preview larger",
        "Preview",
        footer=False,
        shown="<",
    ),
    Command(
        "preview_size(-1)",
        "greater_than_sign,ctrl+down",
        "preview smaller",
        "Make the preview smaller",
        "Preview",
        footer=False,
        shown=">",
    ),
)


class PreviewScreen(WatchingScreen):
    """A place with a preview in ``#panes``, after what it is a preview of."""

    panes = query_one("#panes", Container)

    def arrange_preview(self) -> None:
        """Put the preview where the user wants it, as far as the screen has room for it."""
        wanted = self.view.preview
        beside = wanted.beside if wanted.beside is not None else self.size.width >= WIDE
        shown = not wanted.hidden and (beside or self.size.height >= PREVIEW_LINES)
        if not shown and self.detail.display and self.detail.has_focus_within:
            self.screen.focus_next()
        self.detail.display = shown
        self.panes.set_class(beside, "-beside")
        share = f"{wanted.share}%"
        self.detail.styles.width = share if beside else "1fr"
        self.detail.styles.height = "1fr" if beside else share

    def on_resize(self) -> None:
        """The preview gives way on a low screen, and goes to the side on a wide one."""
        self.arrange_preview()

    def action_preview(self) -> None:
        """Hide the preview, or show it again."""
        wanted = self.view.preview
        wanted.hidden = not wanted.hidden
        self.arrange_preview()
        if not wanted.hidden and not self.detail.display:
            beside = self.key_of("preview_side")
            self.say(f"There is no room for the preview: {beside} puts it beside the table.")
        self.changed()

    def action_preview_side(self) -> None:
        """Beside the table, or below it."""
        wanted = self.view.preview
        wanted.beside = not self.panes.has_class("-beside")
        wanted.hidden = False
        self.arrange_preview()
        self.changed()

    def action_preview_size(self, steps: int) -> None:
        """Make it larger or smaller."""
        wanted = self.view.preview
        wanted.share = max(_SMALLEST, min(_LARGEST, wanted.share + steps * _STEP))
        self.arrange_preview()
