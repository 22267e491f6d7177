"""A value on the screen: its lines fold, are searched and copied."""

import json
import re

from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from durably_tui.tui.widgets.json_document import Document
from durably_tui.tui.widgets.json_pane import JsonPane
from durably_tui.tui.widgets.json_view import JsonView


class JsonApp(App[None]):
    BINDINGS: list[BindingType] = [Binding("escape", "gone_back")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.pane = JsonPane()
        self.backs = 0

    def compose(self) -> ComposeResult:
        yield self.pane

    def action_gone_back(self) -> None:
        self.backs += 1

    @property
    def view(self) -> JsonView:
        return self.pane.view

    def text(self) -> list[str]:
        return [line[1:-1].rstrip() for line in screen_lines(self)]

    @property
    def status(self) -> str:
        return self.text()[-1]

    @property
    def toasts(self) -> list[str]:
        return [toast.message for toast in self._notifications]


async def test_a_value_is_shown():
    app = JsonApp()
    async with app.run_test(size=(40, 9)) as pilot:
        app.pane.show({"file": "a.csv", "rows": [1, None]})
        await pilot.pause()
        assert app.text()[:7] == [
            "{", '  "file": "a.csv",', '  "rows": [', "    1,", "    null", "  ]", "}",
        ]  # fmt: skip


async def test_containers_fold_and_unfold():
    app = JsonApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.focus()
        app.pane.show({"a": {"b": [1, 2]}, "c": 3})
        await pilot.press("j", "enter")
        assert app.text()[:4] == ["{", '  "a": { 1 key },', '  "c": 3', "}"]
        await pilot.press("space", "j", "j", "j", "j", "space")
        assert app.text()[2] == '    "b": [ 2 items ]', "where it ends it folds as well"
        assert app.status == ".a.b"
        await pilot.press("g", "z")
        assert app.text()[1:4] == ['  "a": { 1 key },', '  "c": 3', "}"]
        await pilot.press("z")
        assert app.text()[2] == '    "b": ['


async def test_a_search_unfolds_and_goes_round():
    app = JsonApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.focus()
        app.pane.show([{"name": "one"}, {"name": "two"}, {"other": "Two"}])
        await pilot.press("z", "slash", *"two")
        assert "“two” 1/2" in app.status
        assert '    "name": "two"' in app.text()
        await pilot.press("enter", "n")
        assert "“two” 2/2" in app.status
        assert app.status.startswith(".[2].other")
        await pilot.press("n", "N", "N")
        assert app.status.startswith(".[1].name")
        await pilot.press("escape")
        assert "two" not in app.status
        assert app.backs == 0
        await pilot.press("escape")
        assert app.backs == 1, "with nothing to clear the key is the place's"
        await pilot.press("slash", *"three", "enter")
        assert "Nothing here contains “three”." in app.toasts


async def test_a_search_finds_a_key_with_its_value_as_they_are_written():
    app = JsonApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.focus()
        app.pane.show([{"id": 1}, {"id": 12, "name": 'a "b"'}, "id"])
        await pilot.press("slash", *'"id": 12')
        assert "1/1" in app.status
        assert app.status.startswith(".[1].id")
        await pilot.press("ctrl+u", *'name": "a')
        assert app.status.startswith(".[1].name")


async def test_a_search_that_is_left_changes_nothing():
    app = JsonApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.focus()
        app.pane.show(list(range(100)))
        await pilot.press("j", "slash", "9", "9")
        assert app.status.startswith(".[99]")
        await pilot.press("escape")
        assert app.status == ".[0]"
        await pilot.press("n")
        assert app.toasts == ["There is no search yet: / starts one."]


async def test_values_and_paths_are_copied():
    app = JsonApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.focus()
        app.pane.show({"a": ["x\ny \ud800", 2]})
        await pilot.press("j", "Y")
        assert app.clipboard == ".a"
        await pilot.press("y")
        assert json.loads(app.clipboard) == ["x\ny ?", 2]
        await pilot.press("j", "y")
        assert app.clipboard == "x\ny ?", "a text as it is"
        app.pane.show(list(range(100_000)))
        await pilot.press("y")
        assert "too much for the terminal's clipboard" in app.toasts[-1]


async def test_a_text_is_shown_as_its_lines():
    app = JsonApp()
    async with app.run_test(size=(40, 9)) as pilot:
        app.pane.show("error at [/a/b]")
        await pilot.pause()
        assert app.text()[0] == "error at [/a/b]"
        assert app.status == "line 1"


async def test_a_huge_value_is_made_as_far_as_it_is_seen():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        view = app.view
        view.focus()
        app.pane.show([{"n": number} for number in range(50_000)])
        await pilot.pause()
        assert not view.is_complete
        assert not view.is_busy
        assert len(view.document.rows) < 3_000
        await pilot.press("ctrl+f")
        assert app.text()[0] != "["
        await pilot.press("G")
        while not view.is_complete:
            await pilot.pause(0.02)
        await pilot.pause(0.05)
        assert app.text()[-2] == "]"
        assert not view.is_busy
        await pilot.press("g")
        assert app.text()[0] == "["


async def test_a_key_on_the_way_to_the_end_stops():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.focus()
        app.pane.show(list(range(1_000_000)))
        await pilot.press("G", "g")
        assert not app.view.is_busy
        assert app.text()[0] == "["


async def test_a_container_whose_end_is_far_folds_once_it_is_found():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        view = app.view
        view.focus()
        app.pane.show({"rows": list(range(20_000)), "end": 1})
        await pilot.press("j", "enter")
        while view.is_busy:
            await pilot.pause(0.02)
        await pilot.pause(0.05)
        assert app.text()[:4] == ["{", '  "rows": [ 20,000 items ],', '  "end": 1', "}"]


async def test_a_search_finds_what_is_not_made_yet():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.focus()
        app.pane.show([{"n": number} for number in range(20_000)])
        await pilot.press("slash", *"^19999$", "enter")
        while app.view.is_busy:
            await pilot.pause(0.02)
        await pilot.pause(0.05)
        assert "“^19999$” 1/1" in app.status
        assert app.status.startswith(".[19999].n")
        assert '    "n": 19999' in app.text()


async def test_a_search_on_the_way_to_the_end_stays_at_what_it_finds():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        view = app.view
        view.focus()
        app.pane.show([{"n": number} for number in range(50_000)])
        view.action_last()
        view.set_search(re.compile("^49990$"))
        assert not view.is_complete
        while view.is_busy:
            await pilot.pause(0.02)
        await pilot.pause(0.05)
        assert app.status.startswith(".[49990].n")


async def test_another_width_folds_anew():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.focus()
        app.pane.show({"text": "word " * 100, "end": 1})
        await pilot.press("G", "k")
        before = app.view.document.lines
        await pilot.resize_terminal(30, 10)
        await pilot.pause()
        assert app.view.document.lines > before
        assert app.status == ".end", "where one reads"
        assert_sound(app.view, app.view.line_width)


async def test_a_long_text_folds_into_another_width_in_turns_and_comes_back(monkeypatch):
    made = []
    grow = Document.grow

    def counted(self, count):
        made.append(count)
        grow(self, count)

    monkeypatch.setattr(Document, "grow", counted)
    monkeypatch.setattr(Document, "resize", None)  # all at once
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.focus()
        app.pane.show("\n".join(f"line {number} {'word ' * 20}" for number in range(6_000)))
        await pilot.press("slash", *"line 5000", "enter")
        await _until_idle(app, pilot)
        assert app.status.startswith("line 5,001")
        await pilot.resize_terminal(30, 10)
        await _until_idle(app, pilot)
        assert app.status.startswith("line 5,001"), "where one reads"
        assert "1/1" in app.status, "what was found is found once"
        assert max(made) <= 25
        assert_sound(app.view, app.view.line_width)


async def _until_idle(app, pilot):
    await pilot.pause(0.05)
    while app.view.is_busy:
        await pilot.pause(0.02)
    await pilot.pause(0.05)


async def test_the_search_goes_on_in_the_next_value():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.pane.show({"a": 1})
        app.view.set_search(re.compile("b"))
        app.pane.show({"b": 1})
        await pilot.pause(0.05)
        assert list(app.view.search.found) == [1]


async def test_a_view_shows_its_value_though_it_came_into_sight_behind_a_scroll() -> None:
    class Two(App[None]):
        def compose(self) -> ComposeResult:
            long, hidden = JsonView(id="long"), JsonView(id="hidden")
            hidden.display = False
            yield long
            yield hidden

    async with Two().run_test(size=(40, 10)) as pilot:
        long, hidden = (
            pilot.app.query_one("#long", JsonView),
            pilot.app.query_one("#hidden", JsonView),
        )
        long.show(list(range(50)))
        hidden.show({"path": "a.csv"})
        await pilot.pause()
        # Only what is in sight is laid out anew by a scroll; then somebody asks where a widget is.
        pilot.app.screen._compositor.reflow_visible(pilot.app.screen, pilot.app.screen.size)
        long.display, hidden.display = False, True
        assert hidden.region.size
        await pilot.pause()
        await pilot.pause()
        assert any('"path"' in line for line in screen_lines(pilot.app))
