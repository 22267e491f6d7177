"""The preview beside the table of runs, and the way from a row to its run."""

from __future__ import annotations

from support.monitor import monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop
from textual.widgets import TabbedContent

from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import PREVIEW_LINES


async def test_the_preview_follows_the_cursor(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        first = await shop.start("loud", value="first words")
        second = await shop.start("loud", value="other words")
        await shown.on(first)
        await shown.shows("first words  {")
        assert "other words  {" not in shown.text
        await shown.on(second)
        await shown.shows("other words  {")
        assert "first words  {" not in shown.text


async def test_the_preview_of_runs_that_have_ended_has_the_lines_of_each(shop: Workshop) -> None:
    first = await shop.done("chatty", word="apple")
    second = await shop.done("chatty", word="pear")
    async with monitor(shop.url) as shown:
        for run_id, word, other in ((second, "pear", "apple"), (first, "apple", "pear")):
            await shown.on(run_id)
            await shown.shows(f"{word} 0  {{", f"{word} 9  {{")
            assert f"{other} 0  {{" not in shown.text


async def test_a_filter_typed_in_a_burst_takes_the_preview_along(shop: Workshop) -> None:
    wanted = await shop.done("chatty", word="apple", labels={"env": "prod"})
    other = await shop.done("chatty", word="pear")
    async with monitor(shop.url) as shown:
        await shown.on(other)
        await shown.shows("pear 9  {")
        await type_ahead(shown, "/label:env=prod\r")
        await shown.until(lambda: shown.ids == [wanted], "the filter's only run")
        await shown.shows("apple 9  {")
        assert "pear 9" not in shown.text
        await type_ahead(shown, "/\x15\r")
        await shown.until(lambda: len(shown.ids) == 2, "all runs again")
        await shown.shows("apple 9  {")
        assert shown.runs.table.cursor_key == wanted


async def test_l_brings_the_logs_to_the_preview_and_the_keys_to_them(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        shown.runs.detail.show_pane("overview")
        await shown.shows("steps done")
        await shown.press("l")
        await shown.until(lambda: shown.runs.detail.logs.has_focus, "the keys in the logs")
        assert shown.runs.query_one(TabbedContent).active == "logs"


async def test_where_there_is_no_preview_l_opens_the_run(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(80, PREVIEW_LINES - 1)) as shown:
        await shown.on(run_id)
        assert not shown.runs.detail.display
        await shown.press("l")
        await shown.front(RunScreen)


async def test_enter_opens_the_run_under_the_cursor(shop: Workshop) -> None:
    first = await shop.done("quick")
    await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        await shown.press("enter")
        await shown.front(RunScreen)
        run = shown.run.current_run()
        assert run is not None
        assert run.id == first
