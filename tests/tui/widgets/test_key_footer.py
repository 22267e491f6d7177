"""The footer with the keys of the place."""

from __future__ import annotations

import gc
import weakref
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets._footer import FooterKey

from durably_tui.tui.widgets.key_footer import KeyFooter


class TwoFaced(App[None]):
    """Has one key or another."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "one", "One"),
        Binding("b", "other", "Other"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.shown = "one"

    def compose(self) -> ComposeResult:
        yield KeyFooter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action == self.shown if action in {"one", "other"} else True

    def action_one(self) -> None:
        """Do one thing."""

    def action_other(self) -> None:
        """Do the other."""


async def test_it_shows_the_keys_of_the_moment() -> None:
    app = TwoFaced()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert [key.description for key in app.query(FooterKey)] == ["One"]
        app.shown = "other"
        app.refresh_bindings()
        await pilot.pause()
        await pilot.pause()
        keys = list(app.query(FooterKey))
        assert [(key.key, key.description) for key in keys] == [("b", "Other")]
        assert keys[0].compact
        assert keys[0].has_class("-compact")


async def test_keys_that_went_are_not_kept() -> None:
    app = TwoFaced()
    gone: list[weakref.ref[FooterKey]] = []
    async with app.run_test() as pilot:
        await pilot.pause()
        for shown in ["other", "one"] * 5:
            gone += map(weakref.ref, app.query(FooterKey))
            app.shown = shown
            app.refresh_bindings()
            await pilot.pause()
            await pilot.pause()
        gc.collect()
        kept = [key() for key in gone if key() is not None]
        here = list(app.query(FooterKey))
        assert len(gone) == 10
        assert [key for key in kept if key not in here] == []
