"""What is shown, and the places at the end of its line."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from durably_tui.tui.places import PLACES
from durably_tui.tui.widgets.scope_line import ScopeLine, tabs_line

TABS = [(place.key, place.title, place.name) for place in PLACES]


@pytest.mark.parametrize(
    ("room", "told"),
    [
        (80, "1 Runs  2 Jobs  3 Errors  4 Logs  5 Servers"),
        (42, "1  2  3 Errors  4  5"),
        (19, "1 2 3 4 5"),
        (8, ""),
    ],
)
def test_the_places_take_the_room_that_is_left(room: int, told: str) -> None:
    assert tabs_line(TABS, "errors", room).plain == told


class Line(App[None]):
    """One line, and where a click on it led."""

    def __init__(self) -> None:
        super().__init__()
        self.gone_to: list[str] = []

    def compose(self) -> ComposeResult:
        yield ScopeLine()

    def action_place(self, name: str) -> None:
        self.gone_to.append(name)


async def test_a_click_goes_to_the_place_and_what_is_shown_is_cut_last() -> None:
    app = Line()
    async with app.run_test(size=(80, 3)) as pilot:
        line = app.query_one(ScopeLine)
        line.say(Content("all runs"))
        line.show_tabs(TABS, "runs")
        await pilot.pause()
        at = line.render_line(0).text.index("3 Errors")
        await pilot.click(line, offset=(at, 0))
        assert app.gone_to == ["errors"]
        line.say(Content("a filter " * 20))
        await pilot.pause()
        text = line.render_line(0).text
        assert len(text) == 80
        assert text.endswith("…  1 2 3 4 5")
        await pilot.click(line, offset=(79, 0))
        assert app.gone_to == ["errors", "servers"]
