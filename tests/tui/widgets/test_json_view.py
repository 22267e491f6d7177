import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile import HOSTILE, is_inert
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.text import cells
from durably_tui.tui.widgets.json_lines import json_lines, text_lines
from durably_tui.tui.widgets.json_view import JsonView

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=9), inside),
    max_leaves=20,
)


def plain(lines):
    return ["".join(text for text, _ in line) for line in lines]


@given(_JSON, st.integers(4, 60))
def test_every_line_fits_and_is_inert(value, width):
    for line in plain(json_lines(value, width)):
        assert cells(line) <= width
        assert is_inert(line)


@given(_JSON)
def test_what_is_shown_is_the_value(value):
    text = "\n".join(plain(json_lines(value, 10_000)))
    ours = json.dumps(value, indent=2, ensure_ascii=False)
    if is_inert(ours.replace("\n", "")) and ours.isascii():
        assert text == ours


def test_a_value_deeper_than_python_calls():
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    assert sum(1 for _ in json_lines(deep, 40)) == 100_001


def test_numbers_that_python_refuses_to_write():
    assert plain(json_lines(10**5000, 40))[0].startswith("0x")
    assert plain(json_lines(float("inf"), 40)) == ["Infinity"]


def test_text_keeps_its_lines():
    text = "Traceback:\r\n  File [/a/b]\n\nlist[int] \x1b[31m\n"
    assert plain(text_lines(text, 40)) == ["Traceback:", "  File [/a/b]", "", "list[int] ␛[31m", ""]
    assert plain(text_lines("abcdefg", 4)) == ["abcd", "efg"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_folds(text):
    for line in plain(text_lines(text, 11)) + plain(json_lines({text: text}, 11)):
        assert cells(line) <= 11
        assert is_inert(line)


class JsonApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.view = JsonView()

    def compose(self) -> ComposeResult:
        yield self.view

    def text(self) -> list[str]:
        return [line[1:-1].rstrip() for line in screen_lines(self)]


async def test_a_value_is_shown():
    app = JsonApp()
    async with app.run_test(size=(40, 8)) as pilot:
        app.view.show({"file": "a.csv", "rows": [1, None]})
        await pilot.pause()
        assert app.text()[:7] == [
            "{", '  "file": "a.csv",', '  "rows": [', "    1,", "    null", "  ]", "}",
        ]  # fmt: skip


async def test_a_value_given_before_there_is_a_screen():
    app = JsonApp()
    app.view.show("error at [/a/b]")
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        assert app.text()[0] == "error at [/a/b]"


async def test_a_huge_value_is_formatted_as_far_as_it_is_seen():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        view = app.view
        view.focus()
        view.show([{"n": number} for number in range(100_000)])
        await pilot.pause()
        assert not view.is_complete
        assert len(view._lines) < 3_000
        await pilot.press("pagedown")
        assert app.text()[0] != "["
        await pilot.press("G")
        while not view.is_complete:
            await pilot.pause(0.02)
        await pilot.pause(0.05)
        assert app.text()[-1] == "]"
        assert view._hurry is None
        await pilot.press("g")
        assert app.text()[0] == "["


async def test_a_key_on_the_way_to_the_end_stops():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.focus()
        app.view.show(list(range(1_000_000)))
        await pilot.press("G", "g")
        assert app.view._hurry is None
        assert app.text()[0] == "["


async def test_another_width_folds_anew():
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.show("word " * 100)
        await pilot.pause()
        before = len(app.view._lines)
        await pilot.resize_terminal(30, 10)
        await pilot.pause()
        assert len(app.view._lines) > before
        assert_sound(app.view, app.view.line_width)
