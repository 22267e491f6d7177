"""Keys that come at once with one that leads elsewhere."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from support.monitor import monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from durably_tui.protocol import Run
from durably_tui.tui import typed_ahead
from durably_tui.tui.drawing import DrawingApp
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen


class Taker(Widget, can_focus=True):
    """Takes every key."""

    def on_key(self, event: events.Key) -> None:
        event.stop()
        there = self.app
        assert isinstance(there, TwoPlaces)
        there.took(event.key)


class First(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [("n", "app.go", "Go"), ("a", "app.wrong", "No")]


class Second(Screen[None]):
    """With something that takes keys, or without."""

    def __init__(self, *, takes: bool) -> None:
        super().__init__()
        self._takes = takes

    def compose(self) -> ComposeResult:
        if self._takes:
            yield Taker()

    def on_key(self, event: events.Key) -> None:
        there = self.app
        assert isinstance(there, TwoPlaces)
        there.took(event.key)


class TwoPlaces(DrawingApp):
    def __init__(self, *, takes: bool) -> None:
        super().__init__()
        self._takes = takes
        self.keys: list[str] = []
        self.came = asyncio.Event()

    def on_mount(self) -> None:
        self.push_screen(First())

    async def action_go(self) -> None:
        await self.push_screen(Second(takes=self._takes))
        # What the terminal sends while others wait comes behind them.
        self.post_message(events.Key("c", "c"))

    def action_wrong(self) -> None:
        self.took("acted on where it was not meant for")

    def took(self, key: str) -> None:
        self.keys.append(key)
        if key == "c":
            self.came.set()


@pytest.mark.parametrize("takes", [True, False])
async def test_they_are_meant_for_what_is_there_then_in_their_order(
    takes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed_ahead, "PATIENCE", 0.1)
    app = TwoPlaces(takes=takes)
    async with app.run_test() as pilot:
        await pilot.pause()
        driver = app._driver
        assert driver is not None
        for key in "nab":
            driver.send_message(events.Key(key, key))
        async with asyncio.timeout(10):
            await app.came.wait()
        assert app.keys == ["a", "b", "c"]


async def test_keys_behind_one_that_leads_to_a_run_are_meant_for_that_run(shop: Workshop) -> None:
    older, newer = await shop.start("held"), await shop.start("held")
    async with monitor(shop.url) as shown:
        await shown.on(newer)
        await type_ahead(shown, "\r]c")
        await shown.says("Cancelled.")
        assert [(await shop.durably.get_run(each)).status for each in (older, newer)] == [
            "cancelled",
            "leased",
        ]
        await shown.shows("⊘ cancelled  held")
        await type_ahead(shown, "R")
        await shown.says("A new run with the same input")
        await type_ahead(shown, "oc")
        await shown.until(lambda: shown.run.current_run().id not in {older, newer}, "the new run")
        await shown.shows("⊘ cancelled")
        assert (await shop.durably.get_run(newer)).status == "leased"


async def test_keys_behind_one_that_leads_to_a_place_are_meant_for_that_place(
    shop: Workshop,
) -> None:
    await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.press("2")
        jobs = await shown.front(JobsScreen)
        await shown.until(lambda: jobs.job is not None and jobs.job.job_name == "broken")
        await type_ahead(shown, "\r3")
        errors = await shown.front(ErrorsScreen)
        await shown.until(lambda: errors.group is not None)
        await type_ahead(shown, "\r/x")
        runs = await shown.front(RunsScreen)
        await shown.until(lambda: runs.filter_line.value == "x", "the line of Runs")
        await shown.press("escape")
        await type_ahead(shown, "-/y")
        await shown.front(ErrorsScreen)
        await shown.until(lambda: errors.filter_line.value == "y", "the line of Errors")
        await shown.press("escape", "1")
        await shown.front(RunsScreen)
        await type_ahead(shown, "*l/z")
        logs = await shown.front(LogsScreen)
        await shown.until(lambda: logs.pane.prompt.value == "z", "the search of Logs")


@pytest.mark.parametrize("turns", range(0, 16, 2))
async def test_a_key_right_behind_one_that_leaves_is_not_lost(shop: Workshop, turns: int) -> None:
    """However many turns of the loop it comes later."""
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        for leads, leaves, kind in (("\r", "q", RunScreen), ("?", "\x1b", HelpScreen)):
            await type_ahead(shown, leads)
            await shown.front(kind)
            await type_ahead(shown, leaves)
            for _ in range(turns):
                await asyncio.sleep(0)
            await type_ahead(shown, "3")
            await shown.front(ErrorsScreen)
            await shown.press("1")
            await shown.front(RunsScreen)


@pytest.mark.parametrize("where", ["", "\r"], ids=["in the table", "in full"])
async def test_what_is_done_to_a_run_is_done_in_turn(shop: Workshop, where: str) -> None:
    run_id = await shop.start("held")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await type_ahead(shown, where + "cR")
        await shown.says("A new run with the same input")
        assert (await shop.durably.get_run(run_id)).status == "cancelled"
        shown.app.clear_notifications()
        await type_ahead(shown, "cr")
        await shown.says("run is cancelled: nothing to cancel")
        await shown.says("The same run resumes")
        await type_ahead(shown, "cc")
        await shown.says("Cancelled.")
        await shown.says("run is cancelled: nothing to cancel")


@pytest.mark.parametrize("where", ["", "\r"], ids=["the preview", "the run in full"])
async def test_keys_behind_one_that_brings_a_pane_are_meant_for_the_pane(
    shop: Workshop, where: str
) -> None:
    run_id = await shop.done("chatty", word="cider")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await type_ahead(shown, where)
        await shown.front(RunScreen if where else RunsScreen)
        await type_ahead(shown, "l/cider 3\r")
        await shown.shows("“cider 3”")
        assert shown.toasts == []
        await type_ahead(shown, "\x1bl&cider 4\r")
        await shown.shows("only “cider 4”")


@pytest.mark.parametrize("way", ["by id", "the one that was started"])
async def test_a_run_that_is_long_in_coming_does_not_open_over_what_one_went_to_meanwhile(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        asked, answer = asyncio.Event(), asyncio.Event()
        get_run = shown.runs.actions.get_run

        async def slowly(wanted: str) -> Run | None:
            asked.set()
            await answer.wait()
            return await get_run(wanted)

        monkeypatch.setattr(shown.runs.actions, "get_run", slowly)
        if way == "by id":
            shown.runs.open_run_by_id(run_id)
        else:
            shown.runs.made(run_id, "Made.")
            shown.runs.action_open_new()
        await asked.wait()
        await shown.app.navigator.go("jobs")
        await shown.front(JobsScreen)
        answer.set()
        await shown.app.workers.wait_for_complete()
        assert [type(screen) for screen in shown.app.screen_stack] == [JobsScreen]
