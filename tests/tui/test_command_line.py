"""`:` on a real server: commands by name, places, filters that are kept, themes."""

from __future__ import annotations

import pytest
from support.monitor import Monitor, monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop
from textual.widgets import Input

from durably_tui.tui.screens.command_line import CommandLineScreen
from durably_tui.tui.screens.confirm import ConfirmScreen
from durably_tui.tui.screens.copy_run import CopyScreen
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen
from durably_tui.tui.widgets.filter_line import FilterLine
from durably_tui.tui.widgets.log_prompt import LogPrompt
from durably_tui.tui.widgets.offers import in_a_line


async def say(shown: Monitor, text: str) -> None:
    await shown.press("colon")
    await shown.front(CommandLineScreen)
    await shown.press(*("space" if each == " " else each for each in text), "enter")


async def test_a_command_is_done_by_its_name(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await say(shown, "copy")
        await shown.front(CopyScreen)
        await shown.press("1")
        await shown.until(lambda: shown.app.clipboard == run_id, "the copy")
        await say(shown, "cancel")
        await shown.says("run is completed: nothing to cancel")
        await say(shown, "cancle")
        await shown.says("There is no command 'cancle': did you mean 'cancel'?")


async def test_tab_completes_and_up_brings_back(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.press("colon", *"thr", "backspace", "e", "tab")
        await shown.shows("theme", "Change the colours")
        await shown.press("space", "n", "o")
        await shown.shows("nord")
        await shown.press("tab", "enter")
        await shown.until(lambda: shown.app.theme == "nord", "the theme")
        await shown.press("colon")
        await shown.front(CommandLineScreen)
        await shown.press("up")
        await shown.shows("theme nord")
        await shown.press("escape")
        await shown.front(RunsScreen)


async def test_tab_goes_through_the_themes_and_round(shop: Workshop) -> None:
    async with monitor(shop.url, size=(80, 24)) as shown:
        await shown.press("colon", *"th", "tab", "tab")
        line = shown.at(CommandLineScreen).query_one(Input)
        themes = sorted(shown.app.available_themes)
        assert line.value == f"theme {themes[0]}"
        await shown.press("tab", "tab")
        assert line.value == f"theme {themes[2]}"
        await shown.press(*["shift+tab"] * 3)
        assert line.value == f"theme {themes[-1]}"
        # What is taken is in sight among the others, however many there are.
        await shown.until(lambda: themes[-1] in shown.lines[-2] and themes[-2] in shown.lines[-2])
        await shown.press("tab", "enter")
        await shown.until(lambda: shown.app.theme == themes[0], "the first theme")


async def test_what_is_typed_at_once_behind_a_place_is_meant_for_it(shop: Workshop) -> None:
    await shop.done("chatty")
    await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.until(lambda: len(shown.ids) == 2)
        await shown.press("3")
        await shown.shows("the disk is full")
        await shown.press("1")
        await type_ahead(shown, "4/line 7\r")
        await shown.front(LogsScreen)
        await shown.shows("“line 7”")
        await type_ahead(shown, "3r")
        await shown.front(ConfirmScreen)
        await shown.shows("Retry 1 run on")
        # Behind an answer as well; and places that are there already are no other thing.
        await type_ahead(shown, "n1/job:chatty\r")
        await shown.front(RunsScreen)
        await shown.until(lambda: len(shown.ids) == 1, "the runs of the filter")
        before = shown.app.navigator.history
        await type_ahead(shown, "4n3142j1")
        await shown.until(lambda: shown.app.navigator.history == before + 6, "every place")
        await shown.front(RunsScreen)
        assert len(shown.ids) == 1


async def test_tab_that_comes_at_once_with_what_is_before_it_completes(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await type_ahead(shown, ":theme nor\t\r")
        await shown.until(lambda: shown.app.theme == "nord", "the theme")


def test_the_words_of_a_line_are_those_around_the_one_that_is_lit() -> None:
    words = ["one", "two", "three", "four"]
    assert in_a_line(words, -1, 20).plain == "one  two  three"
    assert in_a_line(words, 2, 20).plain == "one  two  three"
    assert in_a_line(words, 3, 20).plain == "four"
    assert in_a_line(words, 0, 2).plain == "one"
    assert in_a_line([], -1, 20).plain == ""


async def test_a_filter_is_kept_and_used_again(shop: Workshop) -> None:
    await shop.done("broken")
    await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.until(lambda: len(shown.ids) == 2)
        await say(shown, "save night")
        await shown.says("There is no filter here to save")
        await say(shown, "runs status:failed")
        await shown.until(lambda: len(shown.ids) == 1)
        await say(shown, "save night")
        await shown.says("status:failed is saved")
        await shown.press("escape")
        await shown.until(lambda: len(shown.ids) == 2)
        await say(shown, "load night")
        await shown.until(lambda: len(shown.ids) == 1)
        await say(shown, "load day")
        await shown.says("There is no filter 'day'; saved ones are night.")
        await shown.press("colon", *"load", "enter")
        await shown.says("Say which filter: night.")
        await shown.press("colon", *"density", "enter")
        await shown.says("Say which density: comfortable, compact.")
        await shown.press("3")
        await shown.front(ErrorsScreen)
        await shown.press("slash", *"job:broken", "enter")
        await say(shown, "save these")
        await shown.says("job:broken is saved")


@pytest.mark.parametrize("way", ["digit", "word"])
async def test_places_by_digit_and_by_word_and_back(shop: Workshop, way: str) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("minus")
        await shown.says("there is no place before it")
        if way == "digit":
            await shown.press("2")
        else:
            await say(shown, "jobs")
        await shown.front(JobsScreen)
        await shown.press("minus")
        await shown.front(RunsScreen)
        assert shown.runs.table.cursor_key == run_id
        await shown.press("2")
        await shown.front(JobsScreen)
        await shown.press("q")
        await shown.front(RunsScreen)


async def test_a_word_that_means_something_everywhere_means_it_in_every_place(
    shop: Workshop,
) -> None:
    failed, done = await shop.done("broken"), await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(done)
        await say(shown, "logs quick")
        await shown.front(LogsScreen)
        assert shown.app.navigator.in_front().filter_text == "quick"
        await say(shown, "jobs")
        await shown.front(JobsScreen)
        await say(shown, "runs status:failed")
        await shown.front(RunsScreen)
        await shown.until(lambda: shown.ids == [failed], "the failed run")
        await say(shown, "filter job:quick")
        await shown.until(lambda: shown.ids == [done], "the run of the filter")
        await say(shown, "filter")
        await shown.until(lambda: shown.runs.query_one(FilterLine).has_focus, "the line")
        await shown.press("escape", "enter")
        await shown.front(RunScreen)
        await say(shown, "filter")
        await shown.says("Say which runs to show")
        await say(shown, "logs")
        await shown.front(LogsScreen)
        await say(shown, "quit")
        await shown.until(lambda: not shown.app.is_running, "the end")


async def test_q_in_the_first_place_leaves(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.press("q")
        await shown.until(lambda: not shown.app.is_running, "the end")


async def test_a_command_that_is_typed_ahead_reaches_its_line(shop: Workshop) -> None:
    failed = await shop.done("broken")
    quick = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.until(lambda: len(shown.ids) == 2)
        await type_ahead(shown, ":runs status:failed\r")
        await shown.until(lambda: shown.ids == [failed], "the failed run")
        await type_ahead(shown, "/job:quick\r")
        await shown.until(lambda: shown.ids == [quick], "that in the place of the filter before")
        assert shown.toasts == []


@pytest.mark.parametrize("command", [":logs\r", ":lo\t\r", ":nonsense\r4"])
async def test_what_is_typed_behind_a_command_is_meant_for_where_it_leads(
    shop: Workshop, command: str
) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await type_ahead(shown, f"{command}/disk")
        await shown.front(LogsScreen)
        prompt = shown.app.screen.query_one(LogPrompt)
        await shown.until(lambda: prompt.value == "disk", "the search")
        await shown.press("escape", "q")


async def test_backspace_takes_one_letter(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shown.press("slash", *"abc", "backspace")
        assert shown.runs.query_one(FilterLine).value == "ab"
        await shown.press("escape", "4", "slash", *"abc", "backspace")
        assert shown.app.screen.query_one(LogPrompt).value == "ab"
        await shown.press("escape", "q")


@pytest.mark.parametrize(
    ("typed", "stands"),
    [
        ("abc\x7fd", "abd"),
        ("abc\x7f\x7fde", "ade"),
        ("abc\x15de", "de"),
        ("abc\x01d", "dabc"),
        ("sta\tfai", "status:fai"),
    ],
)
async def test_what_comes_at_once_is_edited_in_its_order(
    shop: Workshop, typed: str, stands: str
) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shown.press("slash")
        line = shown.runs.query_one(FilterLine)
        await shown.until(lambda: line.has_focus)
        await type_ahead(shown, typed)
        await shown.until(lambda: line.value == stands, stands)
        await shown.press("escape")


async def test_a_dialog_that_is_typed_ahead_of_does_nothing_else(shop: Workshop) -> None:
    failed = await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.on(failed)
        await type_ahead(shown, "trRc")
        await shown.front(TriggerScreen)
        assert [run.id for run in await shop.durably.get_runs()] == [failed]
        assert shown.toasts == []
