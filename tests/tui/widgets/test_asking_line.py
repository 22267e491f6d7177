"""Keys that come all at once: those behind Enter are not for the line that it closes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.monitor import _key, monitor
from support.workshop import workshop
from textual import events
from textual.app import App, ComposeResult

from durably_tui.tui.screens.command_line import type_into
from durably_tui.tui.widgets.json_pane import JsonPane
from durably_tui.tui.widgets.log_prompt import Asked


def at_once(app: App[None], *keys: str) -> None:
    """Send keys as a terminal does over a slow line: none waits for the one before."""
    driver = app._driver
    assert driver is not None
    for key in keys:
        driver.send_message(_key(key))


class JsonApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pane = JsonPane()

    def compose(self) -> ComposeResult:
        yield self.pane


async def test_behind_a_search_come_keys_of_the_pane() -> None:
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.pane.view.focus()
        app.pane.show([{"n": number % 10} for number in range(100)])
        await pilot.pause()
        await pilot.press("slash")
        at_once(app, "7", "enter", "n", "n", "n", "N")
        view = app.pane.view
        async with asyncio.timeout(10):
            while view.search is None or view.search.rank(view.cursor_row) != 3:
                await pilot.pause()
        assert view.search.pattern.pattern == "7"
        assert not app.pane.prompt.display


async def test_letters_that_come_before_the_line_is_told_that_it_has_the_keys_stay() -> None:
    app = JsonApp()
    async with app.run_test(size=(60, 10)) as pilot:
        prompt = app.pane.prompt
        prompt.ask(Asked.SEARCH, "", "")
        await type_into(prompt, events.Key("c", "c"))
        await pilot.pause()
        await pilot.press("a", "b")
        assert prompt.value == "cab"
        await pilot.press("escape")
        prompt.ask(Asked.ONLY, "what was there", "")
        await type_into(prompt, events.Key("c", "c"))
        await pilot.pause()
        await pilot.press("a", "b")
        assert prompt.value == "cab", "in the place of what was there, as with a key that is late"


async def test_behind_a_filter_come_keys_of_the_table(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        for _ in range(4):
            await shop.done("broken")
        await shop.done("quick")
        async with monitor(shop.url) as shown:
            await shown.until(lambda: len(shown.ids) == 5)
            at_once(shown.app, "slash", *"job:broken", "enter", "j", "j", "enter")
            await shown.shows("✖ failed  broken", "steps done")
            assert shown.runs.filter_text == "job:broken"
            assert shown.runs.filter_line.value == "job:broken"


async def test_the_footer_tells_what_enter_and_esc_do_in_a_line(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop, monitor(shop.url, size=(80, 24)) as shown:
        await shown.press("slash")
        await shown.until(lambda: "Enter filter Esc leave Tab complete" in shown.lines[-1])
        await shown.press("escape", "4")
        for key, word in (("slash", "search"), ("ampersand", "show only"), ("ctrl+s", "save to")):
            await shown.press(key)
            await shown.until(lambda word=word: f"Enter {word} Esc leave" in shown.lines[-1], word)
            await shown.press("escape")
